"""What each shipped system makes of the sample faces, pinned: thumbnails of 32 × 32 within a tolerance.

Where weights or the reading of faces were changed on purpose: ``python tools/make_thumbnails.py SYSTEM``, look, commit.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from likeness import image, provenance, systems

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "thumbnails"
NOT_MADE: tuple[str, ...] = ()
"""Systems whose thumbnails have not been made yet."""
MEAN, MOST = 1.0, 8
"""Levels of 255 by which a thumbnail may differ: on average, and anywhere. Engines and processors differ by far less."""


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """tools/make_thumbnails.py as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        spec = importlib.util.spec_from_file_location("make_thumbnails", ROOT / "tools" / "make_thumbnails.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "make_thumbnails", module)
        spec.loader.exec_module(module)
    return module


def differences(one: np.ndarray, other: np.ndarray) -> tuple[float, int]:
    apart = np.abs(one.astype(int) - other.astype(int))
    return float(apart.mean()), int(apart.max())


def test_every_system_has_thumbnails() -> None:
    made = {path.stem for path in FOLDER.glob("*.png")}
    assert made == set(systems.SYSTEMS) - set(NOT_MADE), "python tools/make_thumbnails.py, and keep NOT_MADE true"
    for path in FOLDER.glob("*.png"):
        assert path.stat().st_size < 20_000
        assert provenance.read(path) is not None


@pytest.mark.parametrize("system", sorted(set(systems.SYSTEMS) - set(NOT_MADE)))
def test_thumbnails(system: str, maker: ModuleType) -> None:
    pinned = image.read(FOLDER / f"{system}.png")
    found = maker.thumbnails(system)
    assert found.shape == pinned.shape == (maker.SIDE, maker.SIDE * maker.COUNT, 3)
    mean, most = differences(found, pinned)
    assert mean <= MEAN and most <= MOST, f"differs by {mean:.2f} levels on average, at most {most}"
    # the tolerance tells one sample face from another, and a picture from the same one pixel to the side
    side = maker.SIDE
    for other in (np.roll(found, side, 1), np.roll(found[:, :side], 1, 1)):
        assert differences(other, pinned[:, : other.shape[1]])[0] > 2 * MEAN
