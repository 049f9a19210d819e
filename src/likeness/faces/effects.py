"""Photos to black-and-white drawings: the effects that the portrait report's artist made by hand, as code.

Every effect takes an RGB picture (uint8, H × W × 3) and a seed and gives a grey one of the same shape, the same under one seed.
Lengths are told for a face picture of 256 pixels and grow with the shorter side (but for the finest grain, which is a pixel's).
Pictures with a shorter side over 1,024 pixels are drawn at that size and enlarged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.records import Image, Points

Grey = NDArray[np.float32]
"""H × W in [0, 1]; 1 is paper."""

LARGEST, LONGEST = 1024, 16_384
"""Shorter side that effects are drawn at, at most; and the longest side that is taken."""

Effect = Callable[[Image, int], Image]


def _grey(image: Image) -> Grey:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def _picture(grey: Grey) -> Image:
    levels = (np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.repeat(levels[..., None], 3, 2)


def _unit(image: Image) -> float:
    """How many pixels here are one pixel of a 256-pixel picture."""
    return float(min(image.shape[:2])) / 256


def _blur(grey: Grey, sigma: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REFLECT), np.float32)


def _even_light(grey: Grey) -> Grey:
    """Contrast stretched so that the darkest and lightest hundredth meet black and white."""
    low, high = np.percentile(grey[::2, ::2], [1, 99])
    return np.asarray(np.clip((grey - low) / max(high - low, 0.05), 0, 1), np.float32)


def _without_tone(grey: Grey, unit: float) -> Grey:
    """The picture over its own surroundings: dark hair and light skin both become paper, only edges and creases stay."""
    around = _blur(grey, 9 * unit)
    return np.asarray(np.clip((grey + 0.06) / (around + 0.06), 0, 1.15), np.float32)


def _field(shape: tuple[int, int], spacing: float, chance: np.random.Generator) -> Grey:
    """Smooth noise of about unit deviation whose bumps are ``spacing`` pixels wide."""
    rows, columns = (max(2, round(side / spacing) + 2) for side in shape)
    coarse = chance.standard_normal((rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _soft_step(grey: Grey, edge: float, width: float) -> Grey:
    """0 below the edge, 1 above it, over ``width``."""
    return np.asarray(np.clip((grey - edge) / width + 0.5, 0, 1), np.float32)


def lines(grey: Grey, sigma: float, amount: float = 18.0, edge: float = 0.68, slope: float = 9.0, wide: float = 1.6) -> Grey:
    """XDoG, extended difference of Gaussians (Winnemöller, Kyprianidis & Olsen 2012).

    S = (1 + p)·G_σ − p·G_kσ; 1 where S ≥ ε, elsewhere 1 + tanh(φ·(S − ε)): thin dark lines on white.

    Args:
        grey: H × W in [0, 1].
        sigma: σ in pixels; ``amount`` p, ``edge`` ε, ``slope`` φ, ``wide`` k.
    """
    sharp = (1 + amount) * _blur(grey, sigma) - amount * _blur(grey, wide * sigma)
    return np.asarray(np.where(sharp >= edge, 1, 1 + np.tanh(slope * (sharp - edge))), np.float32)


def style_a(image: Image, seed: int = 0) -> Image:
    """Flat greys with soft edges: skin becomes a few even tones, features stay (the report's figure 1a). No chance in it."""
    size = max(3, round(9 * _unit(image)) | 1)
    grey = _even_light(np.asarray(cv2.bilateralFilter(_grey(image), size, 0.18, 5 * _unit(image)), np.float32))
    flat = sum(_soft_step(grey, edge, 0.10) * height for edge, height in ((0.16, 0.22), (0.36, 0.28), (0.58, 0.28), (0.85, 0.12)))
    detail = lines(grey, 1.0 * _unit(image), 12, 0.35, 4)
    return _picture(_blur((0.08 + np.asarray(flat, np.float32)) * (0.55 + 0.45 * detail), 0.6 * _unit(image)))


def style_b(image: Image, seed: int = 0) -> Image:
    """High contrast, two tones as of a woodblock (the report's figure 1b). No chance in it."""
    grey = _even_light(_blur(_grey(image), 1.2 * _unit(image)))
    around = _blur(grey, 24 * _unit(image))
    return _picture(_soft_step(grey - 0.55 * around, 0.16, 0.07))


def pencil(image: Image, seed: int = 0) -> Image:
    """Graphite: tones by dodging with a blurred negative, shading by strokes along one direction on grainy paper."""
    unit, chance = _unit(image), np.random.default_rng(seed)
    grey = _even_light(_grey(image))
    dodged = np.minimum(grey / np.maximum(_blur(grey, 7 * unit), 0.03), 1) ** 2.2
    noise = chance.random(grey.shape, np.float32)
    length = max(3, round(13 * unit)) | 1
    stroke = np.zeros((length, length), np.float32)
    cv2.line(stroke, (0, length - 1), (length - 1, 0), 1.0)
    strokes = np.asarray(cv2.filter2D(noise, -1, stroke / stroke.sum(), borderType=cv2.BORDER_REFLECT), np.float32)
    strokes = (strokes - 0.5) / max(float(strokes.std()), 1e-3)
    shade = np.clip(0.62 - _blur(grey, 1.5 * unit), 0, 1) * (1.0 + 0.55 * strokes)
    grain = 0.03 * (chance.random(grey.shape, np.float32) - 0.5)
    return _picture(np.asarray(0.97 * dodged * (1 - 0.75 * np.clip(shade, 0, 1)) + grain, np.float32))


def line(image: Image, seed: int = 0) -> Image:
    """Thin ink lines, see :func:`lines`. No chance in it."""
    unit = _unit(image)
    grey = _without_tone(_even_light(_blur(_grey(image), 0.6 * unit)), unit)
    return _picture(lines(grey, 1.2 * unit, 9, 0.72, 5))


def halftone(image: Image, seed: int = 0) -> Image:
    """Black dots on a grid turned by 45°, larger where it is darker; the seed shifts the grid."""
    unit, chance = _unit(image), np.random.default_rng(seed)
    pitch = 4.5 * unit
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    shift = chance.random(2) * 2 * np.pi
    turn = np.float32(np.pi / pitch * np.sqrt(2))
    screen = 0.5 + 0.25 * (np.cos((x + y) * turn / np.sqrt(2) + shift[0]) + np.cos((x - y) * turn / np.sqrt(2) + shift[1]))
    tone = _even_light(_blur(_grey(image), 0.8 * unit))
    return _picture(_soft_step(0.06 + 0.9 * tone - screen.astype(np.float32), 0.0, 0.35 / max(unit, 0.5)))


def hand_drawn(image: Image, seed: int = 0) -> Image:
    """A sketch by hand: lines that waver, are drawn twice and break off, a few strokes of shade, on textured paper."""
    unit, chance = _unit(image), np.random.default_rng(seed)
    shape = image.shape[:2]
    grey = _even_light(_blur(_grey(image), 0.8 * unit))
    ink = lines(_without_tone(grey, unit), 1.4 * unit, 8, 0.74, 4)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    paper = np.ones(shape, np.float32)
    for strength in (0.8, 0.45):
        away = [1.3 * unit * _field(shape, 34 * unit, chance) + 0.35 * unit * _field(shape, 7 * unit, chance) for _ in range(2)]
        drawn = np.asarray(cv2.remap(ink, x + away[0], y + away[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)
        pressure = np.clip(0.75 + 0.5 * _field(shape, 22 * unit, chance), 0, 1)  # where it is 0 a line breaks off
        paper *= 1 - strength * pressure * (1 - drawn)
    hatch = np.sin((x + 0.8 * y + 1.1 * unit * _field(shape, 26 * unit, chance)) * np.float32(2 * np.pi / (5 * unit)))
    dark = np.clip(0.45 - _blur(grey, 3 * unit), 0, 0.45) * np.clip(1.1 + 0.8 * _field(shape, 16 * unit, chance), 0, 2)
    paper *= 1 - dark * np.clip(0.4 + 0.8 * hatch, 0, 1)
    texture = 1 - 0.035 * np.abs(_field(shape, 1.6, chance)) - 0.02 * np.clip(_field(shape, 40 * unit, chance), 0, 2)
    return _picture(np.asarray((0.1 + 0.88 * paper) * texture, np.float32))


EFFECTS: dict[str, Effect] = {
    "style_a": style_a,
    "style_b": style_b,
    "pencil": pencil,
    "line": line,
    "halftone": halftone,
    "hand_drawn": hand_drawn,
}
"""Name → effect, in the report's order."""


def apply(name: str, image: Image, seed: int = 0) -> Image:
    """The effect called ``name``.

    Raises:
        LikenessError: there is no such effect, or the picture is too small or too long.
    """
    if name not in EFFECTS:
        raise LikenessError(f"{name!r} is not an effect; there are {', '.join(EFFECTS)}")
    height, width = image.shape[:2]
    if min(height, width) < 16 or max(height, width) > LONGEST:
        raise LikenessError(f"a picture of {width}×{height} cannot be drawn; sides from 16 to {LONGEST} pixels can")
    ratio = LARGEST / min(height, width)
    if ratio >= 1:
        return EFFECTS[name](image, seed)
    small = cv2.resize(image, (round(width * ratio), round(height * ratio)), interpolation=cv2.INTER_AREA)
    drawn = EFFECTS[name](np.asarray(small, np.uint8), seed)
    return np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


FEATURES: dict[str, tuple[int, ...]] = {
    "left_eye": tuple(range(36, 42)),
    "right_eye": tuple(range(42, 48)),
    "nose": tuple(range(29, 36)),
    "mouth": tuple(range(48, 68)),
}
"""Landmarks (iBUG order, from 0) of what :func:`mutilate` erases; left and right are the viewer's."""


def erased_region(shape: tuple[int, int], landmarks: Points, names: Sequence[str]) -> NDArray[np.bool_]:
    """Where features are erased: the hull of their landmarks, widened by a quarter of its own width. H × W.

    Raises:
        LikenessError: no such feature.
    """
    where = np.zeros(shape, np.uint8)
    for name in names:
        if name not in FEATURES:
            raise LikenessError(f"{name!r} cannot be erased; there are {', '.join(FEATURES)}")
        points = landmarks[list(FEATURES[name])]
        hull = cv2.convexHull(np.round(points).astype(np.int32))
        margin = max(1, round(0.25 * float(np.ptp(points[:, 0]))))
        cv2.fillConvexPoly(where, hull, 1)
        cv2.polylines(where, [hull], True, 1, 2 * margin)  # a thick outline widens it
    return where > 0


def mutilate(image: Image, region: NDArray[np.bool_]) -> Image:
    """A drawing with a region rubbed out: filled with the median tone round it.

    Args:
        image: H × W × 3.
        region: H × W, True where it is erased: of :func:`erased_region`, or a brush mask.

    Raises:
        LikenessError: the mask has another size.
    """
    if region.shape != image.shape[:2]:
        raise LikenessError(f"the mask is {region.shape[1]}×{region.shape[0]}, the picture {image.shape[1]}×{image.shape[0]}")
    if not region.any():
        return image.copy()
    round_it = np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((9, 9), np.uint8)), np.bool_) & ~region
    tone = np.median(image[round_it], 0) if round_it.any() else np.full(3, 255.0)
    result = image.copy()
    result[region] = np.round(tone).astype(np.uint8)
    return result


def rubbed_out(
    drawing: Image, landmarks: Points, names: Sequence[str], chance: np.random.Generator, eraser: float = 0.5
) -> tuple[Image, NDArray[np.bool_]]:
    """A drawing without features: by :func:`mutilate`; with probability ``eraser`` white instead, and up to 1/32 of its side
    wider, as an eraser does. And where it was rubbed out, H × W.

    Raises:
        LikenessError: no such feature.
    """
    region = erased_region(drawing.shape[:2], landmarks, names)
    if eraser == 0 or chance.random() >= eraser:
        return mutilate(drawing, region), region
    side = 1 + 2 * int(chance.integers(0, drawing.shape[0] // 32 + 1))
    wider = np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((side, side), np.uint8)), np.bool_)
    return np.where(wider[..., None], np.uint8(255), drawing), wider
