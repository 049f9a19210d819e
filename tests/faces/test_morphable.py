"""The morphable model: what is projected is found again, a turned head's sign, and structure from landmarks alone."""

from __future__ import annotations

import numpy as np
import pytest

from likeness.faces import morphable, solid
from likeness.faces.landmarks import MIRROR, mirror
from likeness.faces.morphable import POSE, MorphableModel


def model(shapes: int = 2, expressions: int = 2) -> MorphableModel:
    """Random modes that are the same in the mirror, free of what a pose can do."""
    chance = np.random.default_rng(0)
    mean = np.asarray(solid.SOLID)
    modes = 0.05 * chance.normal(size=(shapes + expressions, 68, 3))
    modes = morphable.free_of_poses(modes + modes[:, list(MIRROR)] * np.array([-1.0, 1.0, 1.0]), mean)
    modes -= modes.mean(1, keepdims=True)
    return MorphableModel(mean - mean.mean(0), modes[:shapes], modes[shapes:], noise=1e-3)


def numbers(count: int, seed: int = 1, yaw: float = 30.0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    pose = [chance.uniform(30, 40, count), chance.uniform(-10, 10, count), chance.uniform(-yaw, yaw, count)]
    pose += [chance.uniform(-5, 5, count), chance.uniform(60, 68, count), chance.uniform(60, 68, count)]
    return np.concatenate([chance.normal(size=(count, 4)), np.stack(pose, 1)], 1)


def test_what_was_projected_is_found_again() -> None:
    made, truth = model(), numbers(40)
    landmarks = made.project(truth)
    found = made.fit(landmarks.astype(np.float32), rounds=60)
    np.testing.assert_allclose(made.project(found), landmarks, atol=0.25)  # of 35 pixels an eye distance
    yaw = made.names.index("yaw")
    np.testing.assert_allclose(found[:, yaw], truth[:, yaw], atol=1.5)


@pytest.mark.parametrize("degrees", [-35.0, -10.0, 10.0, 35.0])
def test_the_sign_of_yaw(degrees: float) -> None:
    """A head that turns to the right of the picture moves its nose there, and has a positive yaw, as faces/solid.py has it."""
    made, row = model(), np.zeros((1, 10))
    row[0, 4], row[0, 6] = 35, degrees
    landmarks = made.project(row)[0].astype(np.float32)
    nose = landmarks[30, 0] - landmarks[[36, 45], 0].mean()
    assert np.sign(nose) == np.sign(degrees)
    assert solid.pose(landmarks).angles[0] == pytest.approx(degrees, abs=1)
    yaw = made.names.index("yaw")
    assert made.fit(landmarks[None])[0, yaw] == pytest.approx(degrees, abs=1)
    assert made.fit(mirror(landmarks, 128)[None])[0, yaw] == pytest.approx(-degrees, abs=1)


def test_rotations_and_angles_are_inverse() -> None:
    pitch, yaw, roll = (np.array([value, -value / 2]) for value in (10.0, 30.0, -20.0))
    turn = morphable.rotations(pitch, yaw, roll)
    np.testing.assert_allclose(turn[0], solid.rotation(yaw[0], pitch[0], roll[0]), atol=1e-12)
    np.testing.assert_allclose(morphable.angles(turn), np.stack([pitch, yaw, roll], 1), atol=1e-9)


def test_f_1_is_the_expressions_and_the_yaw() -> None:
    made = model(3, 5)
    assert [made.names[row] for row in made.feature_rows()] == [*(f"expression{i}" for i in range(5)), "yaw"]
    assert made.names[-6:] == POSE


def test_structure_is_learned_from_landmarks_alone() -> None:
    """Modes learned from projections explain new projections much better than a rigid head, and expressions come last."""
    true = model()
    people = np.repeat(np.arange(60), 8)
    truth = numbers(480, yaw=40.0)
    truth[:, :2] = truth[::8, :2][people]  # identity stays within a person
    landmarks = true.project(truth).astype(np.float32)
    found = morphable.learned(landmarks, people, shapes=2, expressions=2, rounds=8)
    fresh = true.project(numbers(60, seed=5)).astype(np.float32)
    rigid = MorphableModel(true.mean, np.zeros((0, 68, 3)), np.zeros((0, 68, 3)))
    off = [float(np.sqrt(((one.project(one.fit(fresh)) - fresh) ** 2).mean())) for one in (found, rigid)]
    assert off[0] < 0.5 * off[1]
    coefficients = found.fit(landmarks)[:, :4]
    mean = np.stack([coefficients[people == one].mean(0) for one in range(60)])
    within = (coefficients - mean[people]).var(0) / coefficients.var(0)
    assert max(within[:2]) < min(within[2:])


def test_importance_is_how_far_landmarks_move() -> None:
    made = model()
    deviations = np.array([1.0] * 4 + [2.0, 5.0, 10.0, 2.0, 1.0, 1.0])
    weights = made.importance(deviations)
    assert weights.mean() == pytest.approx(1) and (weights > 0).all()
    assert weights[made.names.index("yaw")] > weights[made.names.index("roll")]
    # a shift of one pixel moves each of 68 points by one pixel
    x, y = made.names.index("x"), made.names.index("y")
    assert weights[x] == pytest.approx(weights[y])
