"""Photos and their drawings framed like CUFS's pairs: each by an effect in turn, its face where CUFS has faces."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.faces.align import alignment
from likeness.faces.cufs import FRAMING, within
from likeness.faces.effects import EFFECTS, apply
from likeness.faces.reader import FaceReader
from likeness.image import read


def test_photos_and_their_drawings(
    samples: list[Path], tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Drawings are grey, on paper, of the effects in turn; eyes stand where CUFS's do; photos without a face are named."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for sample in samples[:3]:
        shutil.copy(sample, folder)
    shutil.copy(samples[0], folder / "zero.png")
    Path(folder / "blank.png").write_bytes((folder / "zero.png").read_bytes()[:200])
    assert likeness("prepare", "drawings", folder, "-o", tmp_path / "d.parquet") == 0
    said = capsys.readouterr().out
    assert "4 pairs" in said and "skipped blank" in said and "--data cufs.parquet" in said
    store, reader = FaceStore(tmp_path / "d.parquet"), FaceReader()
    assert store.framing == FRAMING and store.mapped and store.pairs == "with"
    names = sorted(path.stem for path in folder.iterdir())
    for face in store:
        assert face.pair is not None and face.maps is not None and face.split == split_of(face.person)
        photo, place = read(folder / f"{face.name}.png"), names.index(face.name)
        moved = alignment(reader.face(photo, face.name).landmarks, FRAMING)
        effect = apply(list(EFFECTS)[place % len(EFFECTS)], photo, place)
        assert np.array_equal(face.pair, within(moved.warp(effect, 256, 256, "paper")))
        assert np.ptp(face.pair.astype(int), axis=2).max() == 0
        assert np.allclose(face.landmarks[36:48].mean(0), [127.5, 129.5], atol=2)
        assert (face.maps[:, 0, :3] == 255).all()
        skin, hair = face.maps[1, 1, 128:160, 100:156], face.maps[1, 7, 128:160, 100:156]  # the drawing's own parsing
        assert skin.mean() > 3 * hair.mean()


def test_what_is_refused(
    samples: list[Path], tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    where = samples[0].parent
    for arguments, word in (
        ((where, "-o", tmp_path / "d.png"), "suffix .parquet"),
        ((where, "-o", tmp_path / "d.parquet", "--size", 64), "unrecognized arguments: --size"),
        ((tmp_path / "none", "-o", tmp_path / "d.parquet"), "no such folder"),
    ):
        assert likeness("prepare", "drawings", *arguments) == 2
        assert word in capsys.readouterr().err
    (tmp_path / "dark").mkdir()
    shutil.copy(samples[0], tmp_path / "dark" / "a.png")
    (tmp_path / "dark" / "a.png").write_bytes(b"")
    assert likeness("prepare", "drawings", tmp_path / "dark", "-o", tmp_path / "d.parquet") == 2
    assert "none of 1 photos" in capsys.readouterr().err
