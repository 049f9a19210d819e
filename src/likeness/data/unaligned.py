"""Photos as if not aligned: to measure what alignment is worth."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np

from likeness.faces.variety import similarity
from likeness.records import AlignedFace

DEGREES = 60.0
"""Degrees of turning that go with an ``amount`` of 1."""


def unaligned(face: AlignedFace, amount: float) -> AlignedFace:
    """A face turned, scaled and moved by chance, its landmarks with it; always in the same way, which its name decides.

    Args:
        face: an aligned face; a pair of it is left out.
        amount: the largest change of scale, and the largest move as a share of the side; the largest turn is :data:`DEGREES`
            times that. 0.25 is up to 15°, from 0.75 to 1.25 times the size and a quarter of the side.
    """
    size, chance = face.image.shape[0], np.random.default_rng(crc32(face.name.encode()))
    way = similarity(size, DEGREES * amount, amount, amount, chance)
    return replace(face, image=way.warp(face.image, size, size), landmarks=way.apply(face.landmarks), pair=None, maps=None)
