"""What G reads: spatial conditions as maps, the same in training and in making. No torch is needed here."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.faces.labels import CLASSES
from likeness.faces.landmarks import GROUPS
from likeness.records import Image, Points

Array = NDArray[np.float32]

LINES: dict[str, tuple[tuple[str, ...], bool]] = {
    "jaw": (("jaw",), False),
    "brows": (("left_brow", "right_brow"), False),
    "eyes": (("left_eye", "right_eye"), True),
    "nose": (("nose",), False),
    "mouth": (("outer_lips", "inner_lips"), True),
}
"""A map's name → the groups of landmarks that it shows as lines, and whether these close."""

CHANNELS: dict[str, int] = {"parts": 4, "drawing": 2, "parsing": len(CLASSES), "landmarks": len(LINES), "known": 4}
"""Spatial condition → its maps: colours and cover; grey and presence; one a class; one of :data:`LINES`; colours and mask."""
SPATIAL = tuple(CHANNELS)
MAPS = sum(CHANNELS.values())
FLAGS = (*SPATIAL, "identity")
"""What G is told to be there, one number each, 0 or 1."""


def channels(name: str) -> slice:
    """Where the maps of a spatial condition lie among all."""
    start = 0
    for other, count in CHANNELS.items():
        if other == name:
            return slice(start, start + count)
        start += count
    raise KeyError(name)


def landmark_lines(points: Points, size: int) -> NDArray[np.uint8]:
    """Landmarks 68 × 2, in pixels of a face S × S, as smooth lines: 5 × S × S, 255 on a line."""
    canvas = np.zeros((len(LINES), size, size), np.uint8)
    fine = np.round(np.asarray(points, np.float64) * 16).astype(np.int32)  # cv2 takes sixteenths of a pixel
    for one, (names, closed) in zip(canvas, LINES.values(), strict=True):
        groups = [fine[list(GROUPS[name])] for name in names]
        cv2.polylines(one, groups, closed, 255, max(round(size / 128), 1), cv2.LINE_AA, shift=4)
    return canvas


def parts_maps(colours: Array, cover: Array) -> Array:
    """Parts laid on the average face, colours 3 × S × S in [-1, 1] and cover 1 × S × S in [0, 1], as maps 4 × S × S."""
    return np.concatenate([colours, cover]).astype(np.float32)


def drawing_maps(drawing: Image) -> Array:
    """A drawing S × S × 3: its grey in [-1, 1], and that it is there: 2 × S × S."""
    grey = cv2.cvtColor(drawing, cv2.COLOR_RGB2GRAY).astype(np.float32) / 127.5 - 1
    return np.stack([grey, np.ones_like(grey)])


def parsing_maps(classes: NDArray[np.uint8]) -> Array:
    """Classes S × S as one map each, 0 or 1: 8 × S × S."""
    return np.asarray(np.arange(len(CLASSES))[:, None, None] == classes, np.float32)


def landmark_maps(points: Points, size: int) -> Array:
    """:func:`landmark_lines` in [0, 1]."""
    return landmark_lines(points, size).astype(np.float32) / np.float32(255)


def known_maps(picture: Image, mask: NDArray[np.bool_]) -> Array:
    """A picture S × S × 3 where ``mask`` is set, and the mask: 4 × S × S."""
    where = mask.astype(np.float32)
    colours = picture.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
    return np.concatenate([colours * where, where[None]]).astype(np.float32)
