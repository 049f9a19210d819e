"""How a photo varies in training: turned, scaled and shifted, in another light, out of focus."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.records import Image


def similarity(size: int, turn: float, scale: float, shift: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A chance similarity of pictures size × size about their middle, 2 × 3.

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
    return matrix


def moved(
    photo: Image, classes: NDArray[np.uint8], turn: float, scale: float, shift: float, chance: np.random.Generator
) -> tuple[Image, NDArray[np.uint8]]:
    """Both turned, scaled and shifted alike; beyond the photo is its mirror image, or black background as of a padded photo."""
    size = photo.shape[0]
    matrix = similarity(size, turn, scale, shift, chance)
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
