"""The 68 landmarks of a face by the detector that this project trained: an hourglass and DSNT (:mod:`likeness.nn.hourglass`).

It is trained by the system ``detector`` on aligned faces that are moved about; so it wants to know roughly where a face is,
and looks twice: the second time with the face where the first look found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from likeness import assets
from likeness.checkpoint import Card, fill, read_weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, alignment, check_framed
from likeness.faces.landmarks import COUNT
from likeness.image import to_tensor
from likeness.nn.dsnt import expected, heat
from likeness.nn.hourglass import LandmarkNet
from likeness.records import Image, Points

WEIGHTS = assets.WEIGHTS / "detector.safetensors"
BOX = 0.62
"""How much of the framing's side a face box spans, from brows to chin, as dlib's detector draws it."""


class Pointer:
    """A trained network and the framing it learned in."""

    def __init__(self, network: LandmarkNet, framing: Framing) -> None:
        self.network, self.framing = network.eval(), framing

    @classmethod
    def of(cls, card: Card, state: dict[str, Tensor], path: str | Path) -> Pointer:
        """Rebuild from what a weights file holds; ``path`` is for messages."""
        try:
            channels, depth, framing = card.recipe["channels"], card.recipe["depth"], Framing(**card.recipe["framing"])
        except (KeyError, TypeError):
            raise LikenessError(f"{path}: its card lacks the recipe of a detector") from None
        network = LandmarkNet(COUNT, channels, depth)
        fill(nn.ModuleDict({"detector": network}), state, path)
        return cls(network, framing)

    @torch.inference_mode()
    def framed(self, pictures: Sequence[Image]) -> Points:
        """Landmarks of framed pictures S × S × 3: N × 68 × 2 in their pixels.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        stacked = to_tensor(check_framed(pictures, self.framing, "picture"))
        found = torch.cat([expected(heat(self.network(some))) for some in stacked.split(32)])
        return np.asarray(((found + 1) * self.framing.size - 1).numpy() / 2, np.float32)

    def point(self, photo: Image, box: Sequence[float], looks: int = 2) -> Points:
        """Landmarks of a face in a photo, 68 × 2 in its pixels.

        Args:
            photo: H × W × 3.
            box: left, top, right, bottom of the face, brows to chin.
            looks: how often; from the second on the face is framed by what the last one found.
        """
        moved, size = boxed(box, self.framing), self.framing.size
        points: Points = np.zeros((COUNT, 2), np.float32)
        for look in range(looks):
            if look:
                moved = alignment(points, self.framing)
            points = moved.inverse.apply(self.framed([moved.warp(photo, size, size)])[0])
        return points


@cache
def open_pointer(weights: str | Path = WEIGHTS) -> Pointer:
    """The detector that ships, or one from another weights file.

    Raises:
        LikenessError: no such weights, or another system's.
    """
    card, state = read_weights(weights)
    if card.system != "detector":
        raise LikenessError(f"{weights}: holds weights of {card.system!r}, not of 'detector'")
    return Pointer.of(card, state, weights)


def dotted(picture: Image, landmarks: Points, colour: tuple[int, int, int] = (40, 220, 40), radius: int = 1) -> Image:
    """A picture with its landmarks as dots."""
    copy = picture.copy()
    for x, y in landmarks.round().astype(int).tolist():
        cv2.circle(copy, (x, y), radius, colour, -1)
    return copy


def boxed(box: Sequence[float], framing: Framing) -> Similarity:
    """The transform that brings a face box to where aligned faces have theirs: the middle of the box between eyes and mouth."""
    left, top, right, bottom = box
    scale = BOX * framing.size / max((right - left + bottom - top) / 2, 1e-3)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    return Similarity(np.hstack([scale * np.eye(2), (_middle(framing) - scale * middle)[:, None]]))


def box_of(landmarks: Points) -> tuple[float, float, float, float]:
    """The box of a face with these landmarks, 68 × 2: left, top, right, bottom in their pixels, a square."""
    framing = Framing()
    moved = alignment(landmarks, framing)
    (x, y), half = moved.inverse.apply(_middle(framing)[None].astype(np.float32))[0], BOX * framing.size / moved.scale / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def _middle(framing: Framing) -> NDArray[np.float64]:
    """Where the middle of an aligned face's box is."""
    return np.array([framing.size / 2, (framing.eye_height + 0.55 * framing.mouth_drop) * framing.size])
