"""What is computed of a face once and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness.data.derived import derived, derived_file
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces


def means(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).mean(1, keepdims=True).astype(np.float32)


def refuse(pictures: np.ndarray) -> np.ndarray:
    raise AssertionError(f"{len(pictures)} faces were computed again")


def test_only_new_faces_are_computed(tmp_path: Path) -> None:
    faces = drawn_faces(40, Framing(64))
    few, all_of_them = (FaceStore.of(faces[:count], Framing(64), "drawn") for count in (35, 40))
    path = few.write(tmp_path / "faces.parquet")
    store = FaceStore(path)
    expected = means(np.stack([face.image for face in store]))
    assert np.array_equal(derived(store, "means", means), expected)
    assert derived_file(store, "means").is_file()
    assert np.array_equal(derived(store, "means", refuse), expected)
    assert np.array_equal(derived(store.take([3, 1]), "means", refuse), expected[[3, 1]])
    all_of_them.write(path)
    counted: list[int] = []

    def counting(pictures: np.ndarray) -> np.ndarray:
        counted.append(len(pictures))
        return means(pictures)

    assert len(derived(FaceStore(path), "means", counting)) == 40
    assert counted == [5]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = FaceStore(FaceStore.of(drawn_faces(2, Framing(64)), Framing(64), "drawn").write(tmp_path / "faces.parquet"))
    derived_file(store, "means").write_bytes(b"no safetensors")
    with pytest.raises(LikenessError, match="is damaged"):
        derived(store, "means", means)
