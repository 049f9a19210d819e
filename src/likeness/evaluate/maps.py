"""How good are made maps of a face: depth and parsing, drawn as pictures (the cGAN report's "going forward")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.faces.depth import PER_EYE_DISTANCE
from likeness.faces.labels import CLASSES, read_off
from likeness.records import Image


@dataclass(frozen=True)
class Depth:
    """Made depth maps against the labels', over ``count`` faces.

    ``depth_error`` is the mean |difference| of depth where both have a face, in per cent of the eye distance; ``overlap`` the
    intersection over union of where they have one. ``gain`` is how much better a face's label, inside that face, correlates with
    its own map than with the maps that were made for the other faces: 0 for any one map that is painted for everybody.
    """

    method: str
    count: int
    depth_error: float
    overlap: float
    gain: float
    each: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsing:
    """Made parsings: intersection over union of each class over all pixels of ``count`` faces, and their mean.

    ``faces`` has the mean over the classes that a face has, face by face.
    """

    method: str
    count: int
    mean: float
    each: dict[str, float]
    faces: list[float]

    def line(self) -> dict[str, Any]:
        """A row of the table."""
        return {"method": self.method, "count": self.count, "mean_iou": self.mean, **self.each, "each": {"mean_iou": self.faces}}


FACE = 24
"""A grey above this is a face; depth maps are 0 elsewhere, and far ends of a face are well above it."""


def depth(method: str, made: Image, wanted: Image) -> Depth:
    """Depth maps N × S × S × 3 against labels."""
    one, other = made.mean(-1), wanted.astype(np.float64).mean(-1)
    inside = other > FACE
    both, either = (one > FACE) & inside, (one > FACE) | inside
    per_face = [
        float(np.abs(a - b)[where].mean()) if where.any() else np.nan for a, b, where in zip(one, other, both, strict=True)
    ]
    errors = [error for error in per_face if not np.isnan(error)]
    overlaps = both.sum((1, 2)) / np.maximum(either.sum((1, 2)), 1)
    gains = []
    for i, where in enumerate(inside):  # how every map relates to this face's label
        related = _correlations(one[:, where], other[i][where])
        gains.append(related[i] - np.delete(related, i).mean() if len(related) > 1 else np.nan)
    return Depth(
        method,
        len(made),
        float(np.mean(errors)) / PER_EYE_DISTANCE * 100 if errors else float("nan"),
        float(overlaps.mean()),
        float(np.mean(gains)),
        {
            "depth_error": [error / PER_EYE_DISTANCE * 100 for error in per_face],
            "overlap": overlaps.tolist(),
            "gain": [float(gain) for gain in gains],
        },
    )


def _correlations(many: NDArray[np.floating], one: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson's of each row of N × P with P numbers; 0 where either is constant."""
    a, b = many - many.mean(1, keepdims=True), one - one.mean()
    size = np.sqrt((a**2).sum(1) * (b**2).sum())
    return np.where(size > 1e-9, (a @ b) / np.maximum(size, 1e-9), 0.0)


def parsing(method: str, made: Sequence[NDArray[np.uint8]], wanted: Sequence[NDArray[np.uint8]]) -> Parsing:
    """Classes, each H × W, against labels; a class that neither has does not count."""
    each = {}
    for number, name in enumerate(CLASSES):
        pairs = [((one == number), (other == number)) for one, other in zip(made, wanted, strict=True)]
        either = sum(int((a | b).sum()) for a, b in pairs)
        if either:
            each[name] = sum(int((a & b).sum()) for a, b in pairs) / either
    faces = [float(np.mean(_unions(one, other))) for one, other in zip(made, wanted, strict=True)]
    return Parsing(method, len(made), float(np.mean(list(each.values()))), each, faces)


def _unions(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> list[float]:
    """Intersection over union of each class that either of two parsings has."""
    found = [(one == number, other == number) for number in np.union1d(one, other)]
    return [float((a & b).sum() / (a | b).sum()) for a, b in found]


def classes_of(pictures: Sequence[Image] | Image) -> list[NDArray[np.uint8]]:
    """Coloured parsings N × S × S × 3 as classes."""
    return [read_off(picture) for picture in pictures]


def most_frequent(classes: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The most frequent class at each place, H × W: what a parsing is worth that does not look at the photo."""
    votes = np.stack([sum((one == number).astype(np.int32) for one in classes) for number in range(len(CLASSES))])
    return np.asarray(votes.argmax(0), np.uint8)
