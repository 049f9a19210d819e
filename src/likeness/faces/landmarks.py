"""The 68 landmarks in iBUG order, as one literal table, and what is measured on them.

"Left" and "right" are the viewer's: ``left_eye`` is the eye on the left of the picture.
"""

from __future__ import annotations

import numpy as np

from likeness.records import Points

COUNT = 68
GROUPS: dict[str, tuple[int, ...]] = {
    "jaw": tuple(range(0, 17)),
    "left_brow": tuple(range(17, 22)),
    "right_brow": tuple(range(22, 27)),
    "nose": tuple(range(27, 36)),
    "left_eye": tuple(range(36, 42)),
    "right_eye": tuple(range(42, 48)),
    "outer_lips": tuple(range(48, 60)),
    "inner_lips": tuple(range(60, 68)),
}
NOSE_TIP = 30
MOUTH_CORNERS = (48, 54)

MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
)
"""``points[MIRROR]`` after x → width - 1 - x are the landmarks of the mirrored face."""


def mirror(points: Points, width: int) -> Points:
    """Landmarks (68 × 2) of the picture flipped left to right; ``width`` in pixels."""
    flipped = points[list(MIRROR)].copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    return flipped


def five_points(points: Points) -> Points:
    """Centres of the left and right eye, tip of the nose, left and right corner of the mouth: 5 × 2."""
    return np.stack(
        [
            points[list(GROUPS["left_eye"])].mean(0),
            points[list(GROUPS["right_eye"])].mean(0),
            points[NOSE_TIP],
            points[MOUTH_CORNERS[0]],
            points[MOUTH_CORNERS[1]],
        ]
    ).astype(np.float32)


def eye_distance(points: Points) -> float:
    """Distance between the centres of the eyes, in pixels (the "inter-pupil" distance)."""
    five = five_points(points)
    return float(np.linalg.norm(five[1] - five[0]))
