"""What needs no training: the nearest frame, and a frame warped by landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from likeness.baselines.reenactment import NearestFrame, WarpedFrame, normalise_shape, spline, warped
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces

FRAMES = FaceStore.of(drawn_faces(6, Framing(size=64)), Framing(size=64), "drawn")


def test_the_nearest_frame() -> None:
    """A frame's own landmarks, moved and enlarged, choose that frame."""
    faces = list(FRAMES)
    assert np.allclose(normalise_shape(faces[2].landmarks * 3 + 40), normalise_shape(faces[2].landmarks), atol=1e-5)
    made = NearestFrame(FRAMES).draw([faces[4].landmarks * 1.5 - 9, faces[1].landmarks])
    assert np.array_equal(made[0], faces[4].image) and np.array_equal(made[1], faces[1].image)
    with pytest.raises(LikenessError, match="no frames"):
        NearestFrame(FRAMES.take([]))


def test_the_spline() -> None:
    """Through its points; a plane where they lie on one; known bending between."""
    chance = np.random.default_rng(0)
    points = chance.uniform(0, 100, (12, 2))
    plane = points @ np.array([[0.9, 0.1], [-0.2, 1.1]]) + [3, -4]
    asked = chance.uniform(0, 100, (5, 2))
    assert np.allclose(spline(points, plane, asked), asked @ np.array([[0.9, 0.1], [-0.2, 1.1]]) + [3, -4], atol=1e-2)
    bumpy = plane + chance.normal(0, 2, plane.shape)
    assert np.abs(spline(points, bumpy, points, stiff=0) - bumpy).max() < 1e-6


def test_bending() -> None:
    """By nothing, nothing; a bright dot at a landmark goes where the landmark goes; the edges stay."""
    face = next(iter(FRAMES))
    assert np.abs(warped(face.image, face.landmarks, face.landmarks).astype(int) - face.image).max() <= 2
    picture = np.zeros((64, 64, 3), np.uint8)
    x, y = face.landmarks[30].round().astype(int)
    picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    moved = face.landmarks + np.float32([4, -3])
    bright = np.argwhere(warped(picture, face.landmarks, moved)[..., 0] > 128)[:, ::-1]
    assert np.abs(bright.mean(0) - np.array([x + 4, y - 3])).max() < 1
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[[0, -1]] = 200
    assert (warped(lines, face.landmarks, moved)[[0, -1]] > 150).all()
    assert WarpedFrame(FRAMES).draw([moved, moved]).shape == (2, 64, 64, 3)
