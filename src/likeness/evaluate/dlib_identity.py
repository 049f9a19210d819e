"""Identity by dlib's descriptor, whose package anybody can install: LandmarkGAN's ID (its section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.evaluate.judge import judging_reader
from likeness.faces.descriptor import FaceDescriptor
from likeness.records import Image, Points

SAME = 0.6
"""Faces of one person are nearer than this, by dlib's documentation."""


@dataclass(frozen=True)
class DlibIdentity:
    """``distance`` is the mean Euclidean distance of descriptors, lower is nearer, and ``same`` the share of pairs below
    :data:`SAME`, both over pairs with a face in each picture; ``undetected`` counts the other pairs of ``count``.

    A caveat: a method whose faces are not found is judged by its better pictures; look at ``undetected`` first.
    """

    count: int
    distance: float
    same: float
    undetected: int


def descriptors(pictures: Sequence[Image], landmarks: Sequence[Points | None] | None = None) -> NDArray[np.float64]:
    """Descriptors N × 128 of pictures' largest faces; a row of NaN where no face is found.

    Args:
        pictures: uint8 RGB, of any sizes.
        landmarks: 68 × 2 of each face; by default dlib finds them.

    Raises:
        LikenessError: dlib is not installed (``pip install 'likeness[dlib]'``).
    """
    describe = FaceDescriptor()
    if landmarks is None:
        found = [judging_reader().faces(picture) for picture in pictures]
        landmarks = [some[0].landmarks if some else None for some in found]
    rows = [
        np.full(128, np.nan) if points is None else describe.of(picture, points)
        for picture, points in zip(pictures, landmarks, strict=True)
    ]
    return np.stack(rows) if rows else np.empty((0, 128))


def compare(first: NDArray[np.float64], second: NDArray[np.float64]) -> DlibIdentity:
    """Descriptors of made faces against those of whom they shall be, N × 128 each, row by row.

    >>> import numpy as np
    >>> one, other = np.zeros((3, 128)), np.zeros((3, 128))
    >>> other[0, 0], other[1, 0], other[2] = 0.5, 0.7, np.nan
    >>> compare(one, other)
    DlibIdentity(count=3, distance=0.6, same=0.5, undetected=1)

    Raises:
        LikenessError: they are not equally many.
    """
    if first.shape != second.shape:
        raise LikenessError(f"{len(first)} descriptors cannot be compared with {len(second)}: a pair of pictures each is needed")
    apart = np.linalg.norm(first - second, axis=1)
    known = apart[~np.isnan(apart)]
    if not len(known):
        return DlibIdentity(len(apart), float("nan"), float("nan"), len(apart))
    return DlibIdentity(len(apart), float(known.mean()), float((known < SAME).mean()), len(apart) - len(known))


def identity(made: Sequence[Image], true: Sequence[Image]) -> DlibIdentity:
    """Made pictures against photos of the people whom they shall show, in order."""
    return compare(descriptors(made), descriptors(true))
