"""Faces in a photo by our own finder and detector: the backend that is used when none is named.

The finder (:mod:`likeness.nn.finder`) looks at the photo in several sizes; the detector (:mod:`likeness.faces.pointing`) places
landmarks in each face that is found.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from likeness import assets
from likeness.checkpoint import Card, fill, read_weights
from likeness.errors import LikenessError
from likeness.faces.pointing import Pointer, open_pointer
from likeness.image import to_tensor
from likeness.nn.finder import STRIDE, FinderNet
from likeness.records import Face, Image

WEIGHTS = assets.WEIGHTS / "finder.safetensors"
SIDES = (160, 320, 640)
"""The longest sides at which a photo is looked at."""


def peaks(made: tuple[Tensor, Tensor, Tensor], least: float) -> list[NDArray[np.float32]]:
    """Faces in what :class:`FinderNet` made of pictures: cells with scores from ``least`` that no neighbour beats.

    For each picture N × 4: x, y and side in pixels, and the score.
    """
    logits, sizes, offsets = (one.float() for one in made)
    scores = logits.sigmoid()
    top = (max_pool2d(scores[:, None], 3, 1, 1)[:, 0] == scores) & (scores >= least)
    found = []
    for number in range(len(scores)):
        rows, columns = top[number].nonzero(as_tuple=True)
        x = (columns + offsets[number, 0, rows, columns]) * STRIDE - 0.5
        y = (rows + offsets[number, 1, rows, columns]) * STRIDE - 0.5
        side = sizes[number, rows, columns].clamp(-3, 5).exp() * STRIDE
        found.append(torch.stack([x, y, side, scores[number, rows, columns]], 1).cpu().numpy().astype(np.float32))
    return found


def shared(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The area that two squares (middle x, y and side) have in common, in square pixels."""
    reach = (one[2] + other[2]) / 2 - np.abs(one[:2] - other[:2])
    return float(np.prod(np.clip(reach, 0, min(one[2], other[2]))))


def drawn(picture: Image, squares: NDArray[np.float32], colour: tuple[int, int, int] = (40, 220, 40)) -> Image:
    """A picture with squares N × 3 or more (middle x, y, side, …) drawn in it."""
    copy = picture.copy()
    for x, y, side in squares[:, :3].tolist():
        corners = [(round(x + sign * side / 2), round(y + sign * side / 2)) for sign in (-1, 1)]
        cv2.rectangle(copy, corners[0], corners[1], colour, 1)
    return copy


def apart(squares: NDArray[np.float32], most: float = 0.4) -> NDArray[np.float32]:
    """Squares N × 4 without those that overlap a better one by more than ``most`` of the smaller (non-maximum suppression)."""
    kept: list[NDArray[np.float32]] = []
    for one in squares[np.argsort(-squares[:, 3], kind="stable")]:
        if not any(shared(one, other) > most * float(min(one[2], other[2])) ** 2 for other in kept):
            kept.append(one)
    return np.stack(kept) if kept else np.zeros((0, 4), np.float32)


class Finder:
    """A trained net, looking at photos of any size."""

    def __init__(self, network: FinderNet, least: float = 0.5) -> None:
        self.network, self.least = network.eval(), least

    @classmethod
    def of(cls, card: Card, state: dict[str, Tensor], path: str | Path) -> Finder:
        """Rebuild from what a weights file holds; ``path`` is for messages."""
        try:
            network = FinderNet(int(card.recipe["width"]))
        except (KeyError, TypeError, ValueError):
            raise LikenessError(f"{path}: its card lacks the recipe of a finder") from None
        fill(nn.ModuleDict({"finder": network}), state, path)
        return cls(network)

    @torch.inference_mode()
    def squares(self, photo: Image) -> NDArray[np.float32]:
        """Faces in a photo H × W × 3, the surest first: N × 4, middle x, y and side in its pixels, and score."""
        height, width = photo.shape[:2]
        found = []
        for longest in SIDES:
            ratio = longest / max(height, width)
            if ratio > 2 and longest != SIDES[0]:
                break
            size = (max(round(width * ratio / 16) * 16, 16), max(round(height * ratio / 16) * 16, 16))
            method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
            small = np.asarray(cv2.resize(photo, size, interpolation=method), np.uint8)
            (some,) = peaks(self.network(to_tensor(small[None])), self.least)
            across, down = width / size[0], height / size[1]
            scale = np.array([across, down, (across + down) / 2, 1], np.float32)
            half = np.array([0.5, 0.5, 0, 0], np.float32)
            found.append((some + half) * scale - half)
        return apart(np.concatenate(found))


class OwnBackend:
    """Our finder and our detector (:class:`likeness.faces.reader.FaceBackend`)."""

    name = "likeness"

    def __init__(self, finder: Finder | None = None, pointer: Pointer | None = None) -> None:
        self.finder, self.pointer = finder or open_finder(), pointer or open_pointer()

    def find(self, image: Image) -> list[Face]:
        """All faces in a photo."""
        faces = []
        for x, y, side, score in self.finder.squares(image).tolist():
            box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
            faces.append(Face(box, self.pointer.point(image, box), score))
        return faces


@cache
def open_finder(weights: str | Path = WEIGHTS) -> Finder:
    """The finder that ships, or one from another weights file.

    Raises:
        LikenessError: no such weights, or another system's.
    """
    card, state = read_weights(weights)
    if card.system != "finder":
        raise LikenessError(f"{weights}: holds weights of {card.system!r}, not of 'finder'")
    return Finder.of(card, state, weights)
