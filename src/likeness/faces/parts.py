"""Facial parts: the one table that names them, cutting them out, and laying them on the "average face".

Sun, Guo & Liu 2022, section 3.1 and figure 3: a part's mask is the filled polygon through its landmarks; the average-face
picture z holds each part at the mean position that this part has over the data set, and nothing else.
"Left" and "right" are the viewer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.landmarks import GROUPS
from likeness.records import Image, Points

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """How a part is outlined: the hull of ``points``, widened by ``margin`` (a fraction of the picture's side).

    With ``band`` the outline is not a hull but a strip along the points, ``band`` of the way towards the nose's base wide.
    ``mirror`` is the part that this one becomes in a flipped picture.
    """

    points: tuple[int, ...]
    margin: float
    mirror: str
    band: float = 0.0


NOSE_BASE = 33
PARTS: dict[str, Shape] = {
    "jaw": Shape(GROUPS["jaw"], 0.0, "jaw", band=0.34),
    "left_eye": Shape(GROUPS["left_brow"] + GROUPS["left_eye"], 0.024, "right_eye"),
    "right_eye": Shape(GROUPS["right_brow"] + GROUPS["right_eye"], 0.024, "left_eye"),
    "nose": Shape(GROUPS["nose"], 0.024, "nose"),
    "mouth": Shape(GROUPS["outer_lips"] + GROUPS["inner_lips"], 0.024, "mouth"),
}
"""Every part, in the order in which they are laid down: later ones cover earlier ones."""

NAMES: tuple[str, ...] = tuple(PARTS)
FACE: tuple[str, ...] = ("left_eye", "right_eye", "nose", "mouth")
"""What the paper calls the key facial parts; the jaw is its extra experiment (figure 7)."""

ALIASES: dict[str, tuple[str, ...]] = {"eyes": ("left_eye", "right_eye")} | {name: (name,) for name in NAMES}
"""What a user may name."""


def named(words: Sequence[str]) -> tuple[str, ...]:
    """Part names for a user's words, without doubles, in the table's order."""
    chosen: set[str] = set()
    for word in words:
        if word not in ALIASES:
            raise LikenessError(f"{word!r} is not a facial part; there are {', '.join(ALIASES)}")
        chosen.update(ALIASES[word])
    return tuple(name for name in NAMES if name in chosen)


def mask(landmarks: Points, name: str, size: int) -> Mask:
    """Where a part lies in an aligned face of side ``size``: size × size, bool."""
    shape = PARTS[name]
    points = landmarks[list(shape.points)]
    if shape.band:
        inner = points + shape.band * (landmarks[NOSE_BASE] - points)
        outline = np.concatenate([points, inner[::-1]])
    else:
        outline = cv2.convexHull(points.astype(np.float32))[:, 0]
    canvas: NDArray[Any] = np.zeros((size, size), np.uint8)
    fixed = np.round(outline * 16).astype(np.int32)  # four fractional bits, so that small faces are cut finely
    cv2.fillPoly(canvas, [fixed], 1, shift=4)
    reach = round(shape.margin * size)
    if reach:
        canvas = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return canvas.astype(np.bool_)


def mask_bits(landmarks: Points, size: int) -> NDArray[np.uint8]:
    """All masks of a face in one map: bit i of each pixel tells whether part ``NAMES[i]`` covers it. size × size."""
    bits = np.zeros((size, size), np.uint8)
    for index, name in enumerate(NAMES):
        bits |= mask(landmarks, name, size).astype(np.uint8) << index
    return bits


MIRRORED_BITS: tuple[int, ...] = tuple(NAMES.index(PARTS[name].mirror) for name in NAMES)
"""Part i of a flipped face is part MIRRORED_BITS[i] of the face."""


@dataclass(frozen=True)
class Patch:
    """One facial part of one person, cut out: ``image`` and ``mask`` share a square canvas of an aligned face."""

    name: str
    image: Image
    mask: Mask


def cut(image: Image, landmarks: Points, names: Sequence[str] = FACE) -> dict[str, Patch]:
    """Cut the named parts from an aligned face (S × S × 3, landmarks in its pixels)."""
    size = image.shape[0]
    patches = {}
    for name in names:
        where = mask(landmarks, name, size)
        if not where.any():
            raise LikenessError(f"the {name.replace('_', ' ')} lies outside the picture; use a photo that shows the whole face")
        patches[name] = Patch(name, image, where)
    return patches


def trim(name: str, image: Image, opaque: Mask) -> tuple[Image, Mask]:
    """A loose picture without its transparent or even border, and what of the rest is the part."""
    where = opaque
    if where.all():
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.int16)
        colour = np.median(edge, axis=0)
        if np.abs(edge - colour).max() <= 12:
            where = np.abs(image.astype(np.int16) - colour).max(-1) > 12
    if not where.any():
        raise LikenessError(f"the picture for the {name.replace('_', ' ')} is empty: one even colour")
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return image[box], where[box]


def loose(name: str, image: Image, opaque: Mask, width: float, size: int) -> Patch:
    """A patch from a loose picture of a part, scaled to the ``width`` in pixels that this part has on the average face.

    Its shape is the picture's opaque area; without transparency an even border (white or black paper) is taken off,
    and what is left is all of it.
    """
    image, where = trim(name, image, opaque)
    ratio = min(width / image.shape[1], 0.9 * size / image.shape[0])
    new = (max(round(image.shape[1] * ratio), 1), max(round(image.shape[0] * ratio), 1))
    method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(image, new, interpolation=method), np.uint8)
    where = cv2.resize(where.astype(np.uint8), new, interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    canvas, cover = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), np.bool_)
    top, left = (size - new[1]) // 2, (size - new[0]) // 2
    canvas[top : top + new[1], left : left + new[0]] = image
    cover[top : top + new[1], left : left + new[0]] = where
    return Patch(name, canvas, cover)


@dataclass(frozen=True)
class Laying:
    """How a part is laid on the average face: moved ``right`` and ``down`` in pixels, ``scale`` times as large, ``tint``ed.

    ``tint`` are factors on the brightness of red, green and blue.
    """

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


AS_IT_IS = Laying()


def lay(
    patches: Mapping[str, Patch], anchors: Points, how: Mapping[str, Laying] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lay parts on the average face: each part's centroid comes to stand at its anchor; nothing is bent.

    Args:
        patches: parts by name, all S × S.
        anchors: mean positions (x, y) in pixels of all parts in the order of :data:`NAMES`, P × 2.
        how: for parts by name what is done besides; a part that keeps its size is moved by whole pixels.

    Returns:
        The canvas 3 × S × S in [-1, 1], zero where nothing lies, and its cover 1 × S × S in [0, 1]. Later ones in the table's
        order lie above earlier ones.
    """
    size = next(iter(patches.values())).mask.shape[0]
    canvas, cover = np.zeros((3, size, size), np.float32), np.zeros((1, size, size), np.float32)
    for index, name in enumerate(NAMES):
        if name not in patches:
            continue
        found = cv2.findNonZero(patches[name].mask.view(np.uint8))  # quicker than np.nonzero, in the same order
        if found is None:
            continue
        columns, rows = np.ascontiguousarray(found[:, 0].T)
        wish = (how or {}).get(name, AS_IT_IS)
        centre = np.array([columns.sum(), rows.sum()], np.float32) / np.float32(len(rows))
        target = anchors[index] + np.array([wish.right, wish.down], np.float32)
        if wish.scale != 1:
            _lay_scaled(canvas, cover, patches[name], centre, target, wish)
            continue
        across, down = np.round(target - centre).astype(int).tolist()
        inside = (rows + down >= 0) & (rows + down < size) & (columns + across >= 0) & (columns + across < size)
        before = (rows * size + columns)[inside]  # places as single numbers, which numpy finds quicker than pairs
        colours = _tinted(patches[name].image.reshape(-1, 3).take(before, 0), wish).T
        after = before + (down * size + across)
        for plane, values in zip([*canvas, cover[0]], [*colours, np.float32(1)], strict=True):
            plane.reshape(-1)[after] = values
    return canvas, cover


def _tinted(colours: NDArray[np.uint8], how: Laying) -> NDArray[np.float32]:
    """Colours … × 3 in [-1, 1], with the factors on their brightness."""
    values = colours.astype(np.float32) / np.float32(127.5)
    if how.tint != (1, 1, 1):
        values = np.clip(values * np.asarray(how.tint, np.float32), 0, 2)
    return np.asarray(values - np.float32(1), np.float32)


def _lay_scaled(
    canvas: NDArray[np.float32], cover: NDArray[np.float32], patch: Patch, centre: Points, target: Points, how: Laying
) -> None:
    """Lay one part, magnified about its centroid, which comes to stand at ``target``; its edge blends with what lies there."""
    size = patch.mask.shape[0]
    moved = np.hstack([how.scale * np.eye(2), (target - how.scale * centre)[:, None]])
    mask = patch.mask.astype(np.float32)
    colours = cv2.warpAffine(_tinted(patch.image, how) * mask[..., None], moved, (size, size), flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(mask, moved, (size, size), flags=cv2.INTER_LINEAR)
    canvas[:] = canvas * (1 - alpha) + colours.transpose(2, 0, 1)  # the colours are already multiplied by their mask
    np.maximum(cover[0], alpha, out=cover[0])
