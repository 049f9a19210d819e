"""A face followed through frames, and landmarks made steady."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness.faces.align import Framing, upright
from likeness.faces.landmarks import eye_distance, five_points
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import PATIENCE, Steady, follow
from likeness.image import read
from likeness.records import Face, Image


class Said:
    """A backend that finds what it is told, frame by frame."""

    name = "said"

    def __init__(self, frames: list[list[np.ndarray]]) -> None:
        self.frames = list(frames)

    def find(self, image: Image) -> list[Face]:
        found = self.frames.pop(0)
        return [Face((0, 0, 10 + 5 * i, 10), points, 1.0) for i, points in enumerate(found)]


def points(x: float) -> np.ndarray:
    face = np.zeros((68, 2), np.float32)
    face[42:48, 0] = 20  # the eyes stand 20 pixels apart
    return face + np.float32([x, 50])


def test_the_same_face_is_followed() -> None:
    """The largest at first; then the one that is near, however large others are; none where it is gone; and it comes back."""
    frames = [[points(100), points(10)], [points(14), points(100)], [points(100)], [], [points(18)]]
    found = [some for _, some in follow([np.zeros((64, 64, 3), np.uint8)] * 5, FaceReader(Said(frames)))]
    assert [None if some is None else round(float(some[0, 0])) for some in found] == [10, 14, None, None, 18]


def test_a_face_that_was_gone_for_long_may_be_anywhere() -> None:
    """Gone on with after 24 frames without it, one more is waited for; after 25 the largest is taken at once."""
    for missed, expected in ((0, None), (PATIENCE - 2, None), (PATIENCE, 100)):
        frames = [[points(100)]]
        ((_, found),) = follow([np.zeros((64, 64, 3), np.uint8)], FaceReader(Said(frames)), points(10), missed)
        assert (None if found is None else round(float(found[0, 0]))) == expected


def test_large_frames_are_searched_small(samples: list[Path]) -> None:
    """Landmarks come back in the frame's own pixels."""
    photo = read(samples[0])
    large = np.repeat(np.repeat(photo, 4, 0), 4, 1)
    ((_, small),), ((_, found),) = list(follow([photo], FaceReader())), list(follow([large], FaceReader()))
    assert small is not None and found is not None
    assert np.abs((found + 0.5) / 4 - 0.5 - small).max() < 0.1 * eye_distance(small)


def test_steady() -> None:
    """At rest noise is damped; a jump is followed within a few frames; without a past nothing is changed."""
    chance, face = np.random.default_rng(0), points(50)
    noisy = [face + chance.normal(0, 1, face.shape).astype(np.float32) for _ in range(60)]
    steady = Steady(25.0)
    made = [steady(some) for some in noisy]
    assert np.array_equal(made[0], noisy[0])
    assert np.stack(made[20:]).std(0).mean() < 0.6 * np.stack(noisy[20:]).std(0).mean()
    moved = [steady(face + np.float32([20, 0])) for _ in range(10)]
    assert abs(float((moved[-1] - face)[:, 0].mean()) - 20) < 1
    assert float(Steady(25.0).share(25 / (2 * np.pi))) == pytest.approx(0.5)


def test_upright_does_not_turn() -> None:
    """Eyes and mouth where the framing has them, for a level face; a leaning one keeps its lean."""
    framing = Framing()
    template = framing.template
    face = np.zeros((68, 2), np.float32)
    face[36:42], face[42:48] = template[0], template[1]
    face[[48, 54]] = template[2] + np.float32([[-10, 0], [10, 0]])
    moved = upright(face * 2 + 5, framing)
    assert np.allclose(moved.apply(face * 2 + 5), face, atol=1e-3)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    leaning = (face @ turn.T).astype(np.float32)
    across = np.diff(five_points(upright(leaning, framing).apply(leaning))[:2], axis=0)[0]
    assert np.arctan2(across[1], across[0]) == pytest.approx(0.3, abs=1e-4)
