"""A photo is searched for faces once, however many faces it has and whatever is made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness.faces.face_detector import OwnBackend
from likeness.image import read, write


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths of the pictures that are searched for faces, in order."""
    widths: list[int] = []
    for name in ("find", "largest"):
        search = getattr(OwnBackend, name)

        def noted(backend: OwnBackend, image: np.ndarray, search: Callable[..., Any] = search) -> Any:
            widths.append(image.shape[1])
            return search(backend, image)

        monkeypatch.setattr(OwnBackend, name, noted)
    return widths


@pytest.fixture
def group(samples: list[Path], tmp_path: Path) -> Path:
    """Two people beside each other, 512 px wide."""
    write(tmp_path / "group.png", np.concatenate([read(path) for path in samples[:2]], 1))
    return tmp_path / "group.png"


def test_all_faces_of_a_photo(group: Path, likeness: Callable[..., int], searched: list[int]) -> None:
    """``--all`` makes a face of each and puts each back."""
    assert likeness("parts", group, "--all", "-o", "all.png") == 0
    assert searched == [512]


def test_a_photo_and_donors(samples: list[Path], group: Path, likeness: Callable[..., int], searched: list[int]) -> None:
    """Each photo once, in a face of parts and in a row of swaps, whose every face has the photo's other parts."""
    assert likeness("parts", samples[2], "--mouth", group, "-o", "face.png") == 0
    assert sorted(searched) == [256, 512]
    searched.clear()
    assert likeness("swap", samples[2], "--nose", samples[3], group, samples[4], "-o", "row.png") == 0
    assert sorted(searched) == [256, 256, 256, 512]
