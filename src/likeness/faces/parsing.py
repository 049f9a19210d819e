"""Parsing a face: what each pixel is, as soft maps of eight classes, by the parser that this project trained.

The network is a small BiSeNet (:mod:`likeness.nn.bisenet`); it is trained by the system ``parser`` on CelebAMask-HQ, photos and
drawings of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from likeness import assets
from likeness.checkpoint import fill, read_weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, alignment
from likeness.faces.labels import CLASSES
from likeness.faces.reader import FaceReader
from likeness.image import to_tensor
from likeness.nn.bisenet import BiSeNet
from likeness.records import Image

WEIGHTS = assets.WEIGHTS / "parser.safetensors"


class Parser:
    """A trained network and the framing it learned in."""

    def __init__(self, network: BiSeNet, framing: Framing) -> None:
        self.network, self.framing = network.eval(), framing
        self.reader: FaceReader | None = None

    @torch.inference_mode()
    def framed(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """Soft classes of framed pictures S × S × 3: N × 8 × S × S in [0, 1], which add up to 1.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        size = self.framing.size
        if not len(pictures):
            raise LikenessError("no picture was given")
        for picture in pictures:
            if picture.shape != (size, size, 3):
                raise LikenessError(
                    f"a picture is {picture.shape[1]}×{picture.shape[0]}, the parser wants {size}×{size}; see soft()"
                )
        found = [self.network(some)[0].softmax(1) for some in to_tensor(np.stack(pictures)).split(16)]
        return np.asarray(torch.cat(found).numpy(), np.float32)

    def soft(self, picture: Image, transform: Similarity | None = None, name: str = "the picture") -> NDArray[np.float32]:
        """Soft classes of a whole picture H × W × 3: 8 × H × W in [0, 1], which add up to 1; far from the face, background.

        Args:
            picture: a photo or a drawing with a face; the largest is taken.
            transform: from the picture to the framing, where it is known already.
            name: what to call the picture in messages.

        Raises:
            LikenessError: no face is found, and no transform was given.
        """
        if transform is None:
            self.reader = self.reader or FaceReader()
            transform = alignment(self.reader.face(picture, name).landmarks, self.framing)
        size, (height, width) = self.framing.size, picture.shape[:2]
        maps = self.framed([transform.warp(picture, size, size)])[0]
        back = transform.inverse.matrix
        laid = [cv2.warpAffine(one, back, (width, height), flags=cv2.INTER_LINEAR) for one in maps[1:]]
        others = np.asarray(np.stack(laid), np.float32)
        return np.concatenate([np.clip(1 - others.sum(0, keepdims=True), 0, 1), others])


@cache
def open_parser(weights: str | Path = WEIGHTS) -> Parser:
    """The parser that ships, or one from another weights file.

    Raises:
        LikenessError: no such weights, or another system's.
    """
    card, state = read_weights(weights)
    if card.system != "parser":
        raise LikenessError(f"{weights}: holds weights of {card.system!r}, not of 'parser'")
    network = BiSeNet(len(CLASSES), tuple(card.recipe["widths"]))
    fill(torch.nn.ModuleDict({"parser": network}), state, weights)
    return Parser(network, Framing(**card.recipe["framing"]))
