"""How a photo varies in training: turned, scaled and shifted, drawn, in another light, out of focus, hidden in part."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.faces import effects
from likeness.faces.align import Similarity
from likeness.faces.effects import EFFECTS
from likeness.recipe import require, require_each
from likeness.records import Image


@dataclass(frozen=True)
class Variety:
    """How photos, and the masks or landmarks that go with them, vary; a group of fields for recipes.

    ``flip`` mirrors every second one. ``turn`` degrees either way, ``scale`` and ``shift`` as shares (of the side) move
    picture and label alike. With probability ``drawn`` a photo is drawn with one of the ``effects``, and its label stays;
    else ``colour`` varies brightness, contrast and colour, ``grey`` is how often there is none, ``blur`` how often it is out
    of focus or noisy. ``coarse`` is how often it is shrunk and enlarged again, as faces in the background are, ``hide`` how
    often a rectangle covers some of it.
    """

    flip: bool = True
    drawn: float = 0.4
    effects: tuple[str, ...] = tuple(EFFECTS)
    turn: float = 15.0
    scale: float = 0.25
    shift: float = 0.08
    colour: float = 0.35
    grey: float = 0.15
    blur: float = 0.3
    coarse: float = 0.0
    hide: float = 0.0

    def __post_init__(self) -> None:
        require_each(self, ("drawn", "grey", "blur", "coarse", "hide"), 0, 1, "a probability", "variety.")
        require_each(self, ("scale", "shift", "colour"), 0, 0.99, "a share from 0 to 0.99", "variety.")
        require(0 <= self.turn <= 180, "variety.turn", self.turn, "degrees from 0 to 180")
        for name in self.effects:
            require(name in EFFECTS, "variety.effects", name, f"one of {', '.join(EFFECTS)}")


@dataclass(frozen=True)
class PartsVariety:
    """How facial parts vary before they are laid on the average face. All off is the paper.

    With probability ``dropout`` each key part is left out with probability ``drop`` (never all), and the jaw joins with
    probability ``jaw``. With probability ``move`` parts are displaced by up to ``shift`` pixels and magnified by up to
    ``zoom`` (0.25: from 0.8 to 1.25). With probability ``tint`` each part's colours are multiplied by up to e^±``gain``,
    so that parts of several people come to agree. ``light`` varies the whole photo's brightness, target included.
    """

    flip: bool = False
    dropout: float = 0.0
    drop: float = 0.0
    jaw: float = 0.0
    move: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    tint: float = 0.0
    gain: float = 0.0
    light: float = 0.0


def seen_otherwise(photo: Image, plan: Variety, chance: np.random.Generator) -> Image:
    """A photo drawn, or in another light, coarse or hidden in part, as ``plan`` says; nothing moves in it."""
    size = photo.shape[0]
    if chance.random() < plan.coarse:
        small = max(round(size * (0.25 + 0.5 * chance.random())), 8)
        shrunk = cv2.resize(photo, (small, small), interpolation=cv2.INTER_AREA)
        photo = np.asarray(cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    if chance.random() < plan.drawn:
        photo = effects.apply(str(chance.choice(plan.effects)), photo, int(chance.integers(2**31)))
    else:
        photo = lit(photo, plan.colour, plan.grey, plan.blur, chance)
    if chance.random() < plan.hide:
        tall, wide = (int(size * (0.1 + 0.25 * chance.random())) for _ in range(2))
        y, x = int(chance.integers(size - tall)), int(chance.integers(size - wide))
        photo = photo.copy()
        photo[y : y + tall, x : x + wide] = chance.integers(0, 256, 3)
    return photo


def similarity(size: int, turn: float, scale: float, shift: float, chance: np.random.Generator) -> Similarity:
    """A chance similarity of pictures size × size about their middle.

    Args:
        size: side in pixels.
        turn: at most so many degrees either way.
        scale: at most this share larger or smaller.
        shift: at most this share of the side along either axis.
        chance: where it comes from.
    """
    middle = ((size - 1) / 2, (size - 1) / 2)
    angle, ratio = float(turn * (2 * chance.random() - 1)), float(1 + scale * (2 * chance.random() - 1))
    matrix: NDArray[np.float64] = np.array(cv2.getRotationMatrix2D(middle, angle, ratio), np.float64)
    matrix[:, 2] += shift * size * (2 * chance.random(2) - 1)
    return Similarity(matrix)


def moved(
    photo: Image, classes: NDArray[np.uint8], turn: float, scale: float, shift: float, chance: np.random.Generator
) -> tuple[Image, NDArray[np.uint8]]:
    """Both turned, scaled and shifted alike; beyond the photo is its mirror image, or black background as of a padded photo."""
    size = photo.shape[0]
    matrix = similarity(size, turn, scale, shift, chance).matrix
    border = cv2.BORDER_REFLECT_101 if chance.random() < 0.5 else cv2.BORDER_CONSTANT
    one = cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    other = cv2.warpAffine(classes, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=border)
    return np.asarray(one, np.uint8), np.asarray(other, np.uint8)


def lit(photo: Image, colour: float, grey: float, blur: float, chance: np.random.Generator) -> Image:
    """A photo with other gains of its channels, another contrast and brightness; sometimes grey, out of focus or noisy."""
    picture: NDArray[np.float32] = photo.astype(np.float32)
    gains = 1 + 0.4 * colour * (2 * chance.random(3) - 1)
    contrast, lift = 1 + colour * (2 * chance.random() - 1), 255 * 0.5 * colour * (2 * chance.random() - 1)
    picture = ((picture - 127.5) * contrast + 127.5 + lift) * gains.astype(np.float32)
    if chance.random() < grey:
        picture = np.repeat((picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, 2)
    if chance.random() < blur:
        if chance.random() < 0.5:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 + 1.5 * float(chance.random())), np.float32)
        else:
            picture = picture + np.float32(12 * chance.random()) * chance.standard_normal(picture.shape, np.float32)
    return np.asarray(np.clip(np.round(picture), 0, 255), np.uint8)
