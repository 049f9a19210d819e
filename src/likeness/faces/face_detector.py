"""Faces in a photo by the project's own networks: the backend that is used when none is named.

The face detector looks at the photo in several sizes (systems/face_detector trains it), or at one small size where only the
largest face is asked for and is large enough to be seen there; the landmark detector (:mod:`likeness.faces.landmark_detector`)
places landmarks in each face that is found.
"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine.graph import Array
from likeness.faces.align import Framing, Similarity, alignment, cropped, upright
from likeness.faces.landmark_detector import LandmarkDetector, box_of
from likeness.faces.tools import Tool, open_tool
from likeness.image import to_planes
from likeness.records import Face, Image, Points

STRIDE = 8
"""Pixels a cell of the network's maps."""
SIDES = (112, 160, 320, 640)
"""The longest sides at which a photo is looked at; no side over 160 is more than twice the photo's own."""
COARSE, CLEAR, ALONE = SIDES[0], 20.0, 0.7
"""The longest side at which the largest face is looked for first, the side in its pixels from which a face counts as clearly seen
there, and the share of the largest face's side from which another might be as large."""
CROP = Framing(size=96, eye_distance=0.18, eye_height=0.45, mouth_drop=0.2)
"""Where a face is expected when it is looked for at the place where it was: about 40 of 96 pixels wide."""


def peaks(logits: Array, sizes: Array, offsets: Array, least: float) -> list[NDArray[np.float32]]:
    """Faces in the network's maps: cells with scores from ``least`` that no neighbour exceeds.

    Args:
        logits: B × h × w.
        sizes: B × h × w, logarithms of sides in cells.
        offsets: B × 2 × h × w in [0, 1], of the middle from its cell's corner.
        least: in [0, 1].

    Returns:
        For each picture N × 4: x, y and side in pixels, and the score.
    """
    scores = 1 / (1 + np.exp(-np.asarray(logits, np.float32)))
    found = []
    for number, score in enumerate(scores):
        top = (cv2.dilate(score, np.ones((3, 3), np.uint8)) == score) & (score >= least)
        rows, columns = np.nonzero(top)
        x = (columns + offsets[number, 0, rows, columns]) * STRIDE - 0.5
        y = (rows + offsets[number, 1, rows, columns]) * STRIDE - 0.5
        side = np.exp(np.clip(sizes[number, rows, columns], -3, 5)) * STRIDE
        found.append(np.stack([x, y, side, score[rows, columns]], 1).astype(np.float32))
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


class FaceDetector(Tool):
    """Squares round the faces of a photo of any size; ``least`` is the score from which a face counts."""

    system: ClassVar[str] = "face_detector"
    least = 0.5

    def squares(self, photo: Image) -> NDArray[np.float32]:
        """Faces in a photo H × W × 3, the surest first: N × 4, middle x, y and side in its pixels, and score."""
        longest = max(photo.shape[:2])
        return apart(np.concatenate([self._at(photo, side) for side in SIDES if side <= max(2 * longest, 160)]))

    def largest(self, photo: Image) -> NDArray[np.float32]:
        """The largest face in a photo H × W × 3: 1 × 4 as :meth:`squares`, or 0 × 4 where there is none.

        The photo is looked at once and small; only where no face is clear at that size, or several are about as large, it is
        looked at in all sizes.
        """
        found, clear = apart(self._at(photo, COARSE)), CLEAR * max(photo.shape[:2]) / COARSE
        order = np.argsort(-found[:, 2], kind="stable")
        sides = found[order, 2]
        if not len(sides) or sides[0] < clear or (sides[1:] > ALONE * sides[0]).any():
            found = self.squares(photo)
            order = np.argsort(-found[:, 2], kind="stable")
        return found[order[:1]]

    def still(self, photo: Image, landmarks: Points) -> NDArray[np.float32]:
        """The face that was at these landmarks 68 × 2 before and is near there still: 1 × 4 as :meth:`squares`, or 0 × 4."""
        moved, size = upright(landmarks, CROP), CROP.size
        (found,) = self._peaks(cropped(photo, moved, size))
        expected = moved.apply(np.asarray(box_of(landmarks), np.float32).reshape(2, 2))
        middle, side = expected.mean(0), float(np.ptp(expected[:, 0]))
        away = np.linalg.norm(found[:, :2] - middle, axis=1)
        kept = found[(away < side / 2) & (found[:, 2] > side / 2) & (found[:, 2] < 2 * side)]
        kept = kept[np.argsort(np.linalg.norm(kept[:, :2] - middle, axis=1), kind="stable")[:1]]
        back = moved.inverse
        return np.concatenate([back.apply(kept[:, :2]), kept[:, 2:3] * np.float32(back.scale), kept[:, 3:]], 1)

    def _at(self, photo: Image, longest: int) -> NDArray[np.float32]:
        """Faces that are seen when the photo's longest side is so many pixels: N × 4 as :meth:`squares`, in any order."""
        height, width = photo.shape[:2]
        ratio = longest / max(height, width)
        size = (max(round(width * ratio / 16) * 16, 16), max(round(height * ratio / 16) * 16, 16))
        method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        (some,) = self._peaks(np.asarray(cv2.resize(photo, size, interpolation=method), np.uint8))
        across, down = width / size[0], height / size[1]
        scale = np.array([across, down, (across + down) / 2, 1], np.float32)
        half = np.array([0.5, 0.5, 0, 0], np.float32)
        return (some + half) * scale - half

    def _peaks(self, picture: Image) -> list[NDArray[np.float32]]:
        return peaks(**self.weights.graphs["detector"](picture=to_planes(picture[None])), least=self.least)


class OwnBackend:
    """Our face detector and our landmark detector (:class:`likeness.faces.reader.FaceBackend`)."""

    name = "likeness"

    def __init__(self, faces: FaceDetector | None = None, landmarks: LandmarkDetector | None = None) -> None:
        self.faces = faces or open_tool(FaceDetector)
        self.landmarks = landmarks or open_tool(LandmarkDetector)

    def find(self, image: Image) -> list[Face]:
        """All faces in a photo."""
        return [self._face(image, square) for square in self.faces.squares(image)]

    def largest(self, image: Image) -> Face | None:
        """The largest face in a photo, or None; quicker than :meth:`find`."""
        found = self.faces.largest(image)
        return self._face(image, found[0]) if len(found) else None

    def still(self, image: Image, landmarks: Points) -> Face | None:
        """The face that had these landmarks in the frame before, or None where it is not near there any more."""
        found = self.faces.still(image, landmarks)
        return self._face(image, found[0], alignment(landmarks, self.landmarks.framing)) if len(found) else None

    def _face(self, image: Image, square: NDArray[np.float32], framed: Similarity | None = None) -> Face:
        x, y, side, score = square.tolist()
        box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        return Face(box, self.landmarks.locate(image, box, framed=framed), score)
