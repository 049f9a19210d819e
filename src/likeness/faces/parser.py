"""Parsing a face: what each pixel is, as soft maps of eight classes, by the parser that this project trained (systems/parser)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.faces.align import Framing, Similarity, alignment, check_framed, fitted
from likeness.faces.labels import CLASSES
from likeness.faces.landmark_detector import framing_of
from likeness.faces.reader import FaceReader
from likeness.faces.tools import Tool
from likeness.image import to_planes
from likeness.records import Image


class FaceParser(Tool):
    """The network and the framing it learned in."""

    system: ClassVar[str] = "parser"

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = framing_of(weights)
        self.reader: FaceReader | None = None

    def framed(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """Soft classes of framed pictures S × S × 3: N × 8 × S × S in [0, 1], which add up to 1.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        stacked = check_framed(pictures, self.framing, "picture")
        return in_batches(self.weights.graphs["parser"], 16, picture=to_planes(stacked))["classes"]

    def reframed(self, pictures: Sequence[Image], framing: Framing) -> NDArray[np.float32]:
        """Soft classes of pictures S' × S' × 3 in another, wider framing: N × 8 × S' × S' in [0, 1], which add up to 1.

        The net reads the whole picture, and the face once more as large as it knows faces; where the second reaches, it
        counts.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        wide = check_framed(pictures, framing, "picture")
        own, size = self.framing.size, framing.size
        moved = fitted(framing.template, self.framing.template)
        close = self.framed([moved.warp(picture, own, own) for picture in wide])
        whole = self.framed([cv2.resize(picture, (own, own), interpolation=cv2.INTER_AREA) for picture in wide])
        ramp = np.clip(np.minimum(np.arange(own), np.arange(own)[::-1]) / (0.12 * own), 0, 1).astype(np.float32)
        back = moved.inverse.matrix
        cover = cv2.warpAffine(np.minimum.outer(ramp, ramp), back, (size, size), flags=cv2.INTER_LINEAR)
        found = np.empty((len(wide), len(CLASSES), size, size), np.float32)
        for n, k in np.ndindex(found.shape[:2]):
            laid = cv2.warpAffine(close[n, k], back, (size, size), flags=cv2.INTER_LINEAR)
            far = cv2.resize(whole[n, k], (size, size), interpolation=cv2.INTER_LINEAR)
            found[n, k] = far + cover * (laid - far)
        found /= found.sum(1, keepdims=True)
        return found

    def soft(self, picture: Image, transform: Similarity | None = None, name: str = "the picture") -> NDArray[np.float32]:
        """Soft classes of a whole picture H × W × 3: 8 × H × W in [0, 1], which add up to 1; far from the face, background.

        Args:
            picture: a photo or a drawing with a face; the largest is taken.
            transform: from the picture to the framing, where it is known already.
            name: what to call the picture in messages.

        Raises:
            LikenessError: no face is found, and no transform was given.
        """
        moved = self._transform(picture, name) if transform is None else transform
        maps = self.framed([moved.warp(picture, self.framing.size, self.framing.size)])[0]
        others = np.stack(list(_laid(maps, moved, *picture.shape[:2])))
        return np.concatenate([np.clip(1 - others.sum(0, keepdims=True), 0, 1), others])

    def classes(self, picture: Image, name: str = "the picture") -> NDArray[np.uint8]:
        """The likeliest class of each pixel of a whole picture, H × W, see :meth:`soft`."""
        moved = self._transform(picture, name)
        maps = self.framed([moved.warp(picture, self.framing.size, self.framing.size)])[0]
        return likeliest(maps, moved, *picture.shape[:2])

    def _transform(self, picture: Image, name: str) -> Similarity:
        self.reader = self.reader or FaceReader()
        return alignment(self.reader.face(picture, name).landmarks, self.framing)


def likeliest(maps: NDArray[np.float32], transform: Similarity, height: int, width: int) -> NDArray[np.uint8]:
    """The likeliest class of each pixel of a picture, H × W; a large picture needs no eight maps of its size at once.

    Args:
        maps: soft classes of the framed face, 8 × S × S.
        transform: from the picture to the framing.
        height, width: the picture's.
    """
    best, rest = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
    found = np.zeros((height, width), np.uint8)
    for number, share in enumerate(_laid(maps, transform, height, width), 1):
        found[share > best] = number
        np.maximum(best, share, out=best)
        rest -= share
    found[rest > best] = 0
    return found


def _laid(maps: NDArray[np.float32], transform: Similarity, height: int, width: int) -> Iterator[NDArray[np.float32]]:
    """Each class's map but the background's, at its place in the picture, H × W."""
    back = transform.inverse.matrix
    for one in maps[1:]:
        yield np.asarray(cv2.warpAffine(one, back, (width, height), flags=cv2.INTER_LINEAR), np.float32)
