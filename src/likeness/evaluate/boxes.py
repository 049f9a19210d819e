"""What face detectors are measured by: photos in which the square of one face is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.faces.face_detector import shared
from likeness.faces.landmark_detector import box_of
from likeness.records import Face, Image, Points

ENOUGH = 0.5
"""The intersection over union from which a square counts as the face's."""


class Detector(Protocol):
    """What is measured: a photo H × W × 3 to squares N × 4: middle x, y and side in its pixels, and score."""

    def __call__(self, photo: Image) -> NDArray[np.float32]:
        """No face is 0 × 4."""
        ...


@dataclass(frozen=True)
class Score:
    """Squares over ``count`` photos, each with one known face.

    ``found`` is the share of the known faces for which there is a square; ``overlap`` the mean intersection over union of those;
    ``precision`` the average precision, in which a further square counts as wrong, whatever it shows. ``each`` holds the
    intersections over union photo by photo, 0 where no square counts as the face's.
    """

    method: str
    count: int
    found: float
    overlap: float
    precision: float
    further: int
    each: dict[str, list[float]]


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The intersection over union of two squares: middle x, y and side, and what follows."""
    common = shared(one, other)
    return common / (float(one[2]) ** 2 + float(other[2]) ** 2 - common)


def square_of(landmarks: Points) -> NDArray[np.float32]:
    """The square of a face with these landmarks 68 × 2: middle x, y and side."""
    left, top, right, bottom = box_of(landmarks)
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left], np.float32)


def squares_of(faces: Sequence[Face]) -> NDArray[np.float32]:
    """The squares N × 4 of faces that a backend has found."""
    rows = [
        ((left + right) / 2, (top + bottom) / 2, (right - left + bottom - top) / 2, face.score)
        for face in faces
        for left, top, right, bottom in [face.box]
    ]
    return np.array(rows, np.float32).reshape(-1, 4)


def average_precision(scores: Sequence[float], right: Sequence[bool], known: int) -> float:
    """The area under the curve of precision over recall, with precision made monotone (Everingham et al. 2010, all points).

    Args:
        scores: of all squares of all photos.
        right: which of them are a face's; each face has at most one.
        known: how many faces there are.
    """
    if not len(scores):
        return 0.0
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.asarray(right, np.float64)[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * hits).sum() / known)


def score(method: str, detector: Detector, faces: Sequence[tuple[Image, Points]], progress: Callable[[int], None]) -> Score:
    """Measure a detector on photos with the true landmarks of one face."""
    best: list[float] = []
    scores: list[float] = []
    right: list[bool] = []
    for number, (photo, truth) in enumerate(faces):
        squares, known = detector(photo), square_of(truth)
        near = np.array([overlap(square, known) for square in squares])
        chosen = int(near.argmax()) if len(near) and near.max() >= ENOUGH else -1
        best.append(float(near[chosen]) if chosen >= 0 else 0.0)
        scores += squares[:, 3].tolist()
        right += [i == chosen for i in range(len(squares))]
        progress(number + 1)
    hits = [value for value in best if value]
    mean = float(np.mean(hits)) if hits else float("nan")
    precision = average_precision(scores, right, len(faces))
    return Score(method, len(faces), len(hits) / len(faces), mean, precision, len(right) - sum(right), {"overlap": best})


def line(score: Score) -> dict[str, Any]:
    """A row of the table."""
    return {
        "method": score.method,
        "count": score.count,
        "found": f"{score.found:.4f}",
        "overlap": f"{score.overlap:.3f}",
        "average precision": f"{score.precision:.3f}",
        "further squares": score.further,
        "each": score.each,
    }
