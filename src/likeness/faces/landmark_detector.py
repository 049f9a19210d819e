"""The 68 landmarks of a face by the detector that this project trained (systems/landmark_detector): an hourglass and DSNT.

It learned on aligned faces that are moved about; so it wants to know roughly where a face is. Where the first look finds it
elsewhere than it was expected, it looks a second time with the face where the first look found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, alignment, check_framed, cropped
from likeness.faces.landmarks import COUNT
from likeness.faces.tools import Tool
from likeness.image import to_planes
from likeness.records import Image, Points

BOX = 0.62
"""How much of the framing's side a face box spans, from brows to chin, as dlib's detector draws it."""
NEAR = 2 / 128
"""How far from its place a face may stand in its frame, as a share of the side, for one look to be enough.

Three quarters of LFW's faces stand nearer; ``benchmarks/face_reading.py`` says what leaving out their second look costs."""


def framing_of(weights: Weights) -> Framing:
    """The framing that a network learned in, from its card."""
    try:
        return Framing(**weights.card.recipe["framing"])
    except (KeyError, TypeError):
        raise LikenessError(f"{weights.path}: its card lacks the recipe of its system") from None


class LandmarkDetector(Tool):
    """The network and the framing it learned in."""

    system: ClassVar[str] = "landmark_detector"

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = framing_of(weights)

    def framed(self, pictures: Sequence[Image]) -> Points:
        """Landmarks of framed pictures S × S × 3: N × 68 × 2 in their pixels.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        stacked = to_planes(check_framed(pictures, self.framing, "picture"))
        found = in_batches(self.weights.graphs["detector"], 32, picture=stacked)["landmarks"]
        return np.asarray(((found + 1) * self.framing.size - 1) / 2, np.float32)

    def locate(
        self, photo: Image, box: Sequence[float], looks: int = 2, near: float = NEAR, framed: Similarity | None = None
    ) -> Points:
        """Landmarks of a face in a photo, 68 × 2 in its pixels.

        Args:
            photo: H × W × 3.
            box: left, top, right, bottom of the face, brows to chin.
            looks: how often at most; from the second on the face is framed by what the last one found.
            near: no further look where the face stood less than this share of the framing's side from its place; 0 always
                takes all looks.
            framed: the transform for the first look, where one is known that is better than the box.
        """
        moved, size = framed or boxed(box, self.framing), self.framing.size
        points: Points = np.zeros((COUNT, 2), np.float32)
        for _ in range(looks):
            points = moved.inverse.apply(self.framed([cropped(photo, moved, size)])[0])
            wanted = alignment(points, self.framing)
            if away(moved, wanted, self.framing) < near * size:
                break
            moved = wanted
        return points


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


def away(one: Similarity, other: Similarity, framing: Framing) -> float:
    """How many pixels of the framing two transforms into it are apart, at the eyes and the mouth; the largest of the three."""
    template = framing.template
    return float(np.linalg.norm(one.apply(other.inverse.apply(template)) - template, axis=1).max())


def box_of(landmarks: Points) -> tuple[float, float, float, float]:
    """The box of a face with these landmarks, 68 × 2: left, top, right, bottom in their pixels, a square."""
    framing = Framing()
    moved = alignment(landmarks, framing)
    (x, y), half = moved.inverse.apply(_middle(framing)[None].astype(np.float32))[0], BOX * framing.size / moved.scale / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def _middle(framing: Framing) -> NDArray[np.float64]:
    """Where the middle of an aligned face's box is."""
    return np.array([framing.size / 2, (framing.eye_height + 0.55 * framing.mouth_drop) * framing.size])
