"""Pictures bent by a thin-plate spline."""

from __future__ import annotations

import numpy as np

from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.warp import spline, warped

FACE = next(iter(drawn_faces(1, Framing(size=64))))


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
    face = FACE
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


def test_a_coarse_field_is_nearly_the_whole_one() -> None:
    """Where a picture says for each pixel where it is, a bent one says where each pixel came from."""
    size = 128
    face = next(iter(drawn_faces(1, Framing(size=size))))
    columns, rows = np.meshgrid(*[np.arange(size, dtype=np.float32) * 2] * 2)
    place = np.stack([columns, rows, np.zeros_like(rows)], -1).astype(np.uint8)
    moved = face.landmarks + np.float32([[6, -4]]) * np.sin(face.landmarks[:, :1] / 40)
    whole, coarse = (warped(place, face.landmarks, moved, step).astype(float) for step in (1, 4))
    assert np.abs(whole - place).max() > 8  # in halves of a pixel
    assert np.abs(whole - coarse).max() <= 2 and np.abs(whole - coarse).mean() < 0.2
