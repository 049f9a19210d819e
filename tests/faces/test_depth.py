"""Fitting a morphable model and drawing its depth, on a model made here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from likeness.faces.depth import EYES, PER_EYE_DISTANCE, Morphable, camera, drawn, fit


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Turns about y, x, z in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def model(seed: int = 0) -> Morphable:
    """68 vertices at random, three modes, one expression; every landmark is a vertex."""
    chance = np.random.default_rng(seed)
    mean = chance.normal(size=(68, 3)) * (40, 50, 25)
    mean[36:42] += (-30, 20, 40) - mean[36:42].mean(0)
    mean[42:48] += (30, 20, 40) - mean[42:48].mean(0)
    modes, expressions = chance.normal(size=(3, 68, 3)) * 4, chance.normal(size=(1, 68, 3)) * 4
    numbers = tuple(range(68))
    return Morphable(mean, modes, expressions, np.array([[0, 1, 2]], np.int32), numbers, numbers)


@pytest.mark.parametrize("turn", [(0, 0, 0), (25, 0, 0), (-30, 10, 5), (10, -15, -20)])
def test_the_camera_is_recovered(turn: tuple[float, float, float]) -> None:
    shape, wanted = model().mean, rotation(*turn)
    seen = 0.7 * shape @ wanted[:2].T + (64, -60)
    found, scale, shift = camera(shape, seen)
    assert np.allclose(found, wanted, atol=1e-6) and scale == pytest.approx(0.7) and np.allclose(shift, (64, -60))
    assert np.linalg.det(found) == pytest.approx(1)


def test_a_face_of_the_model_is_recovered() -> None:
    """Drawn by known numbers and turned, the fit finds the shape and the yaw; with the mean only it would be far off."""
    some = model()
    shape = some.mean + np.tensordot([1.0, -1.0, 0.5], some.modes, 1) + 0.8 * some.expressions[0]
    turn = rotation(20, 5, 3)
    wanted = 0.8 * shape @ turn.T + (64, -64, 0)
    landmarks = (wanted[:, :2] * (1, -1)).astype(np.float32)
    found = fit(landmarks, some)
    far = np.abs(found.vertices[:, :2] - landmarks).mean()
    assert far < 0.5
    plain = fit(landmarks, replace(some, modes=0 * some.modes, expressions=0 * some.expressions))
    assert np.abs(plain.vertices[:, :2] - landmarks).mean() > 4 * far
    assert found.yaw == pytest.approx(20, abs=2.5)
    depth, truth = (z - z.mean() for z in (found.vertices[:, 2], wanted[:, 2]))
    assert np.abs(depth - truth).mean() < 0.15 * np.abs(truth).mean()


def test_the_nearer_triangle_is_seen() -> None:
    """Two triangles, one before the other: its grey is the closed form; outside there is nothing."""
    vertices = np.array([[10, 10, 0], [50, 10, 0], [10, 50, 0], [10, 10, 20], [30, 10, 20], [10, 30, 20]], np.float64)
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        picture = drawn(vertices, np.array(order, np.int32), 64, level=0.0, unit=40.0)
        assert picture[15, 15].tolist() == [round(EYES + PER_EYE_DISTANCE * 20 / 40)] * 3
        assert picture[20, 35].tolist() == [EYES] * 3
        assert picture[5, 5].tolist() == picture[45, 45].tolist() == [0] * 3
