"""The 68 landmarks in space, and how a face in a picture is turned by them.

The table is our own estimate (``python tools/make_solid.py faces.parquet``: factorisation of train people's landmarks in LFW,
CelebAMask-HQ and YouTube Faces), in eye distances: x to the right, y down, z away from the viewer, its middle at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.records import Points

SOLID: tuple[tuple[float, float, float], ...] = (
    (-1.177, -0.586, 1.143),
    (-1.166, -0.278, 1.086),
    (-1.137, 0.029, 1.057),
    (-1.082, 0.331, 1.003),
    (-0.974, 0.616, 0.856),
    (-0.797, 0.866, 0.634),
    (-0.567, 1.073, 0.373),
    (-0.303, 1.238, 0.116),
    (0.000, 1.286, 0.030),
    (0.303, 1.238, 0.116),
    (0.567, 1.073, 0.373),
    (0.797, 0.866, 0.634),
    (0.974, 0.616, 0.856),
    (1.082, 0.331, 1.003),
    (1.137, 0.029, 1.057),
    (1.166, -0.278, 1.086),
    (1.177, -0.586, 1.143),
    (-0.926, -0.812, 0.187),
    (-0.789, -0.946, -0.024),
    (-0.591, -0.991, -0.199),
    (-0.383, -0.967, -0.336),
    (-0.187, -0.891, -0.430),
    (0.187, -0.891, -0.430),
    (0.383, -0.967, -0.336),
    (0.591, -0.991, -0.199),
    (0.789, -0.946, -0.024),
    (0.926, -0.812, 0.187),
    (0.000, -0.667, -0.436),
    (0.000, -0.475, -0.568),
    (0.000, -0.283, -0.714),
    (0.000, -0.084, -0.854),
    (-0.231, 0.059, -0.437),
    (-0.121, 0.101, -0.518),
    (0.000, 0.137, -0.570),
    (0.121, 0.101, -0.518),
    (0.231, 0.059, -0.437),
    (-0.690, -0.620, 0.034),
    (-0.570, -0.689, -0.067),
    (-0.427, -0.689, -0.097),
    (-0.301, -0.604, -0.076),
    (-0.436, -0.578, -0.082),
    (-0.575, -0.577, -0.054),
    (0.301, -0.604, -0.077),
    (0.427, -0.689, -0.097),
    (0.570, -0.689, -0.067),
    (0.690, -0.620, 0.034),
    (0.575, -0.577, -0.054),
    (0.436, -0.578, -0.082),
    (-0.451, 0.463, 0.029),
    (-0.288, 0.380, -0.254),
    (-0.123, 0.344, -0.412),
    (0.000, 0.371, -0.441),
    (0.123, 0.344, -0.412),
    (0.288, 0.380, -0.254),
    (0.451, 0.463, 0.029),
    (0.295, 0.616, -0.175),
    (0.132, 0.681, -0.320),
    (-0.000, 0.694, -0.347),
    (-0.132, 0.681, -0.320),
    (-0.295, 0.616, -0.175),
    (-0.380, 0.467, -0.014),
    (-0.124, 0.437, -0.372),
    (0.000, 0.448, -0.405),
    (0.124, 0.437, -0.372),
    (0.380, 0.467, -0.014),
    (0.127, 0.537, -0.321),
    (-0.000, 0.551, -0.352),
    (-0.127, 0.537, -0.321),
)


@dataclass(frozen=True)
class Pose:
    """How a face stands: ``scale`` in pixels an eye distance, ``turn`` a rotation 3 × 3, ``middle`` in pixels."""

    scale: float
    turn: NDArray[np.float64]
    middle: NDArray[np.float64]

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw (positive: towards the right of the picture), pitch (positive: down) and roll (positive: clockwise), in degrees."""
        yaw = np.arcsin(np.clip(self.turn[2, 0], -1, 1))
        pitch = np.arctan2(self.turn[2, 1], self.turn[2, 2])
        roll = np.arctan2(self.turn[1, 0], self.turn[0, 0])
        return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def pose(landmarks: Points) -> Pose:
    """The pose in which the solid face, seen from afar, is nearest to landmarks 68 × 2 (least squares; the nearest rotation)."""
    shape, points = np.asarray(SOLID), landmarks.astype(np.float64)
    middle = points.mean(0)
    view = np.linalg.lstsq(shape, points - middle, rcond=None)[0].T
    left, sizes, right = np.linalg.svd(view, full_matrices=False)
    two = left @ right
    return Pose(float(sizes.mean()), np.vstack([two, np.cross(two[0], two[1])]), middle)


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """The rotation of a head by these degrees: pitch first, then yaw, then roll; signs as in :attr:`Pose.angles`."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def turned(landmarks: Points, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Points:
    """A face's landmarks 68 × 2 once its head has turned further by these degrees; by none, they are what they were.

    Each landmark keeps what it is off the solid face by in the picture; its depth is the solid face's.
    """
    found = pose(landmarks)
    depth = np.asarray(SOLID) @ found.turn[2]
    there = np.column_stack([(landmarks.astype(np.float64) - found.middle) / found.scale, depth])
    moved = there @ rotation(yaw, pitch, roll).T
    return np.asarray(moved[:, :2] * found.scale + found.middle, np.float32)
