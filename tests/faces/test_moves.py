"""The solid face and what moves do: by nothing they change nothing; known turns are found again; lids and lips meet."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.faces.drawing import draw
from likeness.faces.landmarks import MIRROR, eye_distance
from likeness.faces.moves import PARTS, indices, open_eyes, open_mouth, scale, shift, turn
from likeness.faces.solid import SOLID, pose, rotation, turned

FACE = draw(1, 256)[1]


def seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The solid face from afar, 50 pixels an eye distance, after a turn."""
    return np.asarray((np.asarray(SOLID) @ rotation(yaw, pitch, roll).T)[:, :2] * 50 + 100, np.float32)


def test_the_solid_face() -> None:
    """Symmetric, its eyes one apart, its nose nearest and its ears furthest, as deep as heads are."""
    shape = np.asarray(SOLID)
    assert shape.shape == (68, 3) and np.abs(shape.mean(0)).max() < 0.01
    mirrored = shape[list(MIRROR)] * [-1, 1, 1]
    assert np.abs(mirrored - shape).max() < 0.02
    assert eye_distance(shape[:, :2].astype(np.float32)) == pytest.approx(1, abs=0.01)
    assert shape[:, 2].argmin() in (30, 33) and shape[:, 2].argmax() in (0, 16)
    assert 1.5 < shape[[0, 16], 2].mean() - shape[30, 2] < 2.5


def test_poses_are_found() -> None:
    for angles in ((0, 0, 0), (30, 0, 0), (0, -20, 0), (0, 0, 15), (-25, 10, 5), (30, 0, 40), (0, 20, 30)):
        found = pose(seen(*angles))
        assert found.scale == pytest.approx(50, rel=1e-4)
        assert np.allclose(found.turn, rotation(*angles), atol=1e-4)
        assert found.angles == pytest.approx(angles, abs=0.01)
    right = seen(20, 0, 0)  # turned to the right of the picture, the tip of the nose goes there
    assert right[30, 0] > seen(0, 0, 0)[30, 0] + 5
    assert seen(0, 20, 0)[30, 1] > seen(0, 0, 0)[30, 1] + 5


def test_turning() -> None:
    """By nothing, nothing; the solid face turns as it does; there and back is where one was."""
    assert np.allclose(turn(FACE), FACE, atol=1e-3)
    assert np.allclose(turned(seen(0, 0, 0), 25, 0, 0), seen(25, 0, 0), atol=1e-2)
    there = turn(FACE, yaw=20)
    assert np.abs(there - FACE).max() > 5
    assert np.abs(turn(there, yaw=-20) - FACE).max() < 0.1 * eye_distance(FACE)
    assert np.allclose(turn(FACE, roll=90)[30] - FACE.mean(0), (FACE[30] - FACE.mean(0)) @ [[0, 1], [-1, 0]], atol=1e-2)
    for wrong in ({"yaw": 80}, {"pitch": float("nan")}, {"roll": float("inf")}):
        with pytest.raises(LikenessError, match="degrees"):
            turn(FACE, **wrong)


def test_eyes_and_mouth() -> None:
    assert np.allclose(open_eyes(FACE, 1), FACE, atol=1e-4)
    closed = open_eyes(FACE, 0)
    for upper, lower, corner in ((37, 41, 36), (44, 46, 42)):
        across = FACE[{36: 39, 42: 45}[corner]] - FACE[corner]
        for i in (upper, lower):
            away = (closed[i] - FACE[corner])[0] * across[1] - (closed[i] - FACE[corner])[1] * across[0]
            assert abs(away) / np.linalg.norm(across) < 1e-3
    wink = open_eyes(FACE, 0, "left_eye")
    assert np.array_equal(wink[42:48], FACE[42:48]) and not np.array_equal(wink[36:42], FACE[36:42])
    assert np.allclose(open_eyes(FACE, 2)[37] - FACE[37], FACE[37] - closed[37], atol=1e-3)
    wide = open_mouth(FACE, 0.5)
    assert wide[66, 1] - wide[62, 1] == pytest.approx(0.5 * eye_distance(FACE), abs=0.05)
    assert wide[8, 1] > FACE[8, 1] + 5 and np.array_equal(wide[:4], FACE[:4]) and np.array_equal(wide[17:48], FACE[17:48])
    shut = open_mouth(wide, 0)
    assert np.array_equal(shut[[61, 62, 63]], shut[[67, 66, 65]])
    for call in (lambda: open_eyes(FACE, -1), lambda: open_mouth(FACE, 9), lambda: open_eyes(FACE, 1, "nose")):
        with pytest.raises(LikenessError):
            call()


def test_parts() -> None:
    """A part moves by eye distances and nothing else does; scaled parts keep their middles."""
    moved = shift(FACE, "nose", 0.1, -0.2)
    assert np.allclose(moved[30] - FACE[30], np.array([0.1, -0.2]) * eye_distance(FACE), atol=1e-3)
    others = [i for i in range(68) if i not in indices("nose")]
    assert np.array_equal(moved[others], FACE[others])
    large = scale(FACE, "eyes", 2)
    assert np.allclose(large[36:42].mean(0), FACE[36:42].mean(0), atol=1e-3)
    assert np.allclose(np.ptp(large[42:48], 0), 2 * np.ptp(FACE[42:48], 0), atol=1e-3)
    assert sorted({i for part in PARTS for i in indices(part)}) == list(range(68))
    with pytest.raises(LikenessError, match="no part"):
        shift(FACE, "ear", 0, 0)
    with pytest.raises(LikenessError, match="factor above 0"):
        scale(FACE, "nose", 0)


def test_the_estimate_finds_a_known_shape() -> None:
    """tools/make_solid.py on pictures of a known solid in many poses, a little noisy, finds that solid."""
    spec = importlib.util.spec_from_file_location("make_solid", Path(__file__).parents[2] / "tools" / "make_solid.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_solid"] = module
    spec.loader.exec_module(module)
    chance, shape = np.random.default_rng(0), np.asarray(SOLID) * [1, 1, 0.8]  # another head than the table's
    views = []
    for _ in range(150):
        way = rotation(*(chance.uniform(-1, 1, 3) * [40, 20, 10]))
        views.append((shape @ way.T)[:, :2] * chance.uniform(40, 60) + chance.normal(0, 0.2, (68, 2)))
    views += [view[list(MIRROR)] * [-1, 1] for view in views]
    found = module.solid(np.stack(views))
    assert np.abs(found - (shape - shape.mean(0))).max() < 0.05
