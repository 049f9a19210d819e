"""A morphable model of the 68 landmarks in space: a mean shape, modes of identity and modes of expression, and its fit to a face.

Blanz & Vetter 1999, as FaceFeat-GAN's equation (6) has it: S = S̄ + A_id α_id + A_exp α_exp, s = f R(α, β, γ) S + t. Lengths are
in eye distances, x to the right of the picture, y down, z away from the viewer, as in :mod:`likeness.faces.solid`. The camera is
far away, so t has two numbers: nothing in a picture tells t_z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.faces.landmarks import COUNT, MIRROR
from likeness.faces.solid import SOLID
from likeness.records import Points

Floats = NDArray[np.float64]

POSE = ("scale", "pitch", "yaw", "roll", "x", "y")
"""What follows the modes' coefficients: pixels an eye distance, three angles in degrees, and where the middle stands in pixels.

Signs are those of :attr:`likeness.faces.solid.Pose.angles`: a positive yaw turns the face towards the right of the picture.
"""
TYPICAL = 34.56
"""Pixels an eye distance in the house's framing at 128 × 128."""
ROUNDS = 8
"""How often a fit alternates between pose and coefficients."""


@dataclass(frozen=True)
class MorphableModel:
    """``mean`` P × 3, ``identity`` and ``expression`` modes K × P × 3, each scaled so that a coefficient of 1 is one deviation.

    ``index`` names which of the 68 landmarks the P points are; ``noise`` is how far landmarks are off it, in eye distances.
    """

    mean: Floats
    identity: Floats
    expression: Floats
    index: tuple[int, ...] = tuple(range(COUNT))
    noise: float = 0.04

    @classmethod
    def of_all(cls, mean: Floats, identity: Floats, expression: Floats, noise: float) -> MorphableModel:
        """A model from arrays for all 68 landmarks, in which those that it does not have stand at 0."""
        index = np.flatnonzero(mean.any(1))
        return cls(mean[index], identity[:, index], expression[:, index], tuple(index.tolist()), noise)

    def for_all(self) -> tuple[Floats, Floats, Floats]:
        """Mean, identity and expression modes for all 68 landmarks; those that it does not have stand at 0."""
        whole = [np.zeros((*some.shape[:-2], COUNT, 3)) for some in (self.mean, self.identity, self.expression)]
        for some, own in zip(whole, (self.mean, self.identity, self.expression), strict=True):
            some[..., list(self.index), :] = own
        return whole[0], whole[1], whole[2]

    @property
    def modes(self) -> Floats:
        """All modes, identity first."""
        return np.concatenate([self.identity, self.expression])

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of :meth:`fit` are, in order."""
        groups = (("identity", self.identity), ("expression", self.expression))
        return (*(f"{name}{i}" for name, modes in groups for i in range(len(modes))), *POSE)

    def feature_rows(self) -> list[int]:
        """Which of them FaceFeat-GAN calls f_1: the expressions and the yaw (section 4)."""
        return [i for i, name in enumerate(self.names) if name.startswith("expression") or name == "yaw"]

    def fit(self, landmarks: Points, rounds: int = ROUNDS) -> Floats:
        """The numbers f_3d of faces with these landmarks: N × (identity + expression + 6), in order of :attr:`names`.

        Pose and coefficients take turns: the nearest scaled rotation by least squares, then ridge regression under the prior that
        coefficients are normal with deviation 1 and landmarks are off by :attr:`noise`.

        Args:
            landmarks: N × 68 × 2 in pixels.
            rounds: how many turns.
        """
        points = np.asarray(landmarks, np.float64)[:, list(self.index)]
        middle = points.mean(1)
        flat = points - middle[:, None]
        modes = self.modes
        coefficients = np.zeros((len(points), len(modes)))
        for _ in range(rounds):
            scale, turn = poses(self.shapes(coefficients), flat)
            coefficients = self._coefficients(flat, scale, turn)
        scale, turn = poses(self.shapes(coefficients), flat)
        # the mean of the projected shape is 0, so the middle of the landmarks is where the model's origin stands
        return np.concatenate([coefficients, scale[:, None], angles(turn), middle], 1)

    def shapes(self, coefficients: Floats) -> Floats:
        """S of equation (6): N × K coefficients to N × P × 3."""
        return np.asarray(self.mean + np.tensordot(coefficients, self.modes, 1))

    def project(self, numbers: Floats) -> Floats:
        """S of equation (6): f_3d, N × (K + 6), to landmarks N × P × 2 in pixels."""
        count = len(self.modes)
        scale, pitch, yaw, roll = numbers[:, count : count + 4].T
        turn = rotations(pitch, yaw, roll)[:, :2]
        seen = np.einsum("nij,npj->npi", turn, self.shapes(numbers[:, :count]))
        return np.asarray(scale[:, None, None] * seen + numbers[:, None, count + 4 :])

    def importance(self, deviations: Floats) -> Floats:
        """The diagonal of W_3d in equation (7): how far a deviation of each number moves a frontal face's landmarks.

        Args:
            deviations: of each number over the training faces.

        Returns:
            As many numbers, of mean 1, for errors in deviations.
        """
        rest = np.zeros((1, len(deviations)))
        rest[0, len(self.modes)] = TYPICAL
        away = np.sqrt(((self.project(rest + np.diag(deviations)) - self.project(rest)) ** 2).sum((1, 2)))
        return np.asarray(away / max(float(away.mean()), 1e-12))

    def _coefficients(self, flat: Floats, scale: Floats, turn: Floats) -> Floats:
        modes = self.modes
        if not len(modes):
            return np.zeros((len(flat), 0))
        moves = np.einsum("nij,kpj->nkpi", turn[:, :2], modes).reshape(len(flat), len(modes), -1)
        left = flat / scale[:, None, None] - np.einsum("nij,pj->npi", turn[:, :2], self.mean)
        system = moves @ moves.transpose(0, 2, 1) + self.noise**2 * np.eye(len(modes))
        target = moves @ left.reshape(len(flat), -1, 1)
        return np.asarray(np.linalg.solve(system, target)[..., 0])


def poses(shapes: Floats, flat: Floats) -> tuple[Floats, Floats]:
    """The scaled rotations that bring shapes N × P × 3 nearest to centred landmarks N × P × 2: scale N and rotation N × 3 × 3."""
    inner = shapes.transpose(0, 2, 1) @ shapes + 1e-9 * np.eye(3)
    view = np.linalg.solve(inner, shapes.transpose(0, 2, 1) @ flat).transpose(0, 2, 1)
    left, sizes, right = np.linalg.svd(view, full_matrices=False)
    two = left @ right
    third = np.cross(two[:, 0], two[:, 1])
    return np.maximum(sizes.mean(1), 1e-6), np.concatenate([two, third[:, None]], 1)


def angles(turn: Floats) -> Floats:
    """Pitch, yaw and roll in degrees of rotations N × 3 × 3."""
    yaw = np.arcsin(np.clip(turn[:, 2, 0], -1, 1))
    pitch = np.arctan2(turn[:, 2, 1], turn[:, 2, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return np.asarray(np.degrees(np.stack([pitch, yaw, roll], 1)))


def rotations(pitch: Floats, yaw: Floats, roll: Floats) -> Floats:
    """Rotations N × 3 × 3 of these degrees: pitch first, then yaw, then roll."""
    a, b, c = np.radians(yaw), np.radians(pitch), np.radians(roll)
    zero, one = np.zeros_like(a), np.ones_like(a)

    def stacked(rows: Sequence[Sequence[Floats]]) -> Floats:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    about_y = stacked([[np.cos(a), zero, -np.sin(a)], [zero, one, zero], [np.sin(a), zero, np.cos(a)]])
    about_x = stacked([[one, zero, zero], [zero, np.cos(b), -np.sin(b)], [zero, np.sin(b), np.cos(b)]])
    about_z = stacked([[np.cos(c), -np.sin(c), zero], [np.sin(c), np.cos(c), zero], [zero, zero, one]])
    return np.asarray(about_z @ about_y @ about_x)


def learned(
    landmarks: Points, people: NDArray[np.integer], shapes: int = 12, expressions: int = 10, rounds: int = 12
) -> MorphableModel:
    """A model learned from landmarks alone: non-rigid structure from motion (Bregler et al. 2000; Torresani et al. 2008).

    Poses, coefficients and modes take turns, each by least squares with the others held; each face counts mirrored too. Modes are
    kept free of what a pose can do. Those along which a person's photos differ most, compared with all photos, are called
    expressions, the others identity.

    Args:
        landmarks: N × 68 × 2 in pixels.
        people: N numbers; −1 where the person is not known or has too few photos.
        shapes, expressions: how many modes of identity and of expression.
    """
    points = np.asarray(landmarks, np.float64)
    mirrored = points[:, list(MIRROR)] * np.array([-1.0, 1.0])
    points = np.concatenate([points, mirrored])
    people = np.concatenate([people, people])
    flat = points - points.mean(1, keepdims=True)
    count, wanted = len(flat), shapes + expressions
    mean = np.asarray(SOLID)
    none = np.zeros((0, COUNT, 3))
    scale, turn = poses(np.repeat(mean[None], count, 0), flat)
    left = flat / scale[:, None, None] - np.einsum("nij,pj->npi", turn[:, :2], mean)
    solid = np.einsum("nij,npi->npj", turn[:, :2], left).reshape(count, -1)  # the least that explains it
    values, vectors = np.linalg.eigh(solid.T @ solid / count)
    modes = (vectors[:, ::-1][:, :wanted] * np.sqrt(np.maximum(values[::-1][:wanted], 1e-12))).T.reshape(wanted, COUNT, 3)
    model = MorphableModel(mean, none, free_of_poses(modes, mean))
    coefficients = np.zeros((count, wanted))
    for _ in range(rounds):
        coefficients = model._coefficients(flat, scale, turn)
        design = np.concatenate([np.ones((count, 1)), coefficients], 1)
        rows = np.einsum("nk,nij->nikj", design, turn[:, :2]).reshape(2 * count, -1)
        seen = (flat / scale[:, None, None]).transpose(0, 2, 1).reshape(2 * count, COUNT)
        prior = np.concatenate([mean.T, np.zeros((3 * wanted, COUNT))])
        ridge = 1e-3 * count * np.eye(3 * (wanted + 1))
        solved = np.linalg.solve(rows.T @ rows + ridge, rows.T @ seen + ridge @ prior)
        solved = solved.reshape(wanted + 1, 3, COUNT).transpose(0, 2, 1)
        solved = solved - solved.mean(1, keepdims=True)
        mean = (solved[0] + solved[0][list(MIRROR)] * np.array([-1.0, 1.0, 1.0])) / 2
        modes = free_of_poses(solved[1:], mean)
        spread = coefficients - coefficients.mean(0)
        values, vectors = np.linalg.eigh(spread.T @ spread / count)
        modes = np.tensordot((vectors * np.sqrt(np.maximum(values, 1e-12))).T, modes, 1)
        model = MorphableModel(mean, none, modes)
        scale, turn = poses(model.shapes(model._coefficients(flat, scale, turn)), flat)
    coefficients = model._coefficients(flat, scale, turn)
    order = _expressions_last(coefficients, people)
    modes = np.tensordot(order, modes, 1)
    off = flat / scale[:, None, None] - np.einsum("nij,npj->npi", turn[:, :2], model.shapes(coefficients))
    return MorphableModel(mean, modes[:shapes], modes[shapes:], noise=max(float(np.sqrt((off**2).mean())), 1e-3))


def free_of_poses(modes: Floats, mean: Floats) -> Floats:
    """Modes without what turning or scaling the mean would do."""
    x, y, z = mean.T
    zero = np.zeros_like(x)
    poses = [mean, np.stack([zero, -z, y], 1), np.stack([z, zero, -x], 1), np.stack([-y, x, zero], 1)]
    basis = np.linalg.qr(np.stack([pose.reshape(-1) for pose in poses], 1))[0]
    flat = modes.reshape(len(modes), -1)
    return np.asarray((flat - flat @ basis @ basis.T).reshape(modes.shape))


def _expressions_last(coefficients: Floats, people: NDArray[np.integer]) -> Floats:
    """K × K combinations of whitened modes: those that change least within a person first."""
    spread = coefficients - coefficients.mean(0)
    total = spread.T @ spread / len(spread) + 1e-9 * np.eye(spread.shape[1])
    known = people >= 0
    numbers, places = np.unique(people[known], return_inverse=True)
    if not len(numbers):
        return np.eye(spread.shape[1])
    sums = np.zeros((len(numbers), spread.shape[1]))
    np.add.at(sums, places, spread[known])
    sizes = np.bincount(places)[:, None]
    within = spread[known] - (sums / sizes)[places]
    values, vectors = np.linalg.eigh(total)
    white = vectors / np.sqrt(values)
    scatter = white.T @ (within.T @ within / max(int(known.sum() - len(numbers)), 1)) @ white
    _, chosen = np.linalg.eigh(scatter)  # ascending: what stays within a person first
    return np.asarray(chosen.T @ (vectors * np.sqrt(values)).T)
