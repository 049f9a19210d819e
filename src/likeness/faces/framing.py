"""Drawings, and photos that may be framed already, brought to a framing."""

from __future__ import annotations

import cv2
import numpy as np

from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, alignment
from likeness.faces.reader import FaceReader
from likeness.records import Image, Points

FRAMES = ("auto", "align", "as-is")
"""How a picture is brought to the framing."""
SMALLEST = 16
"""Pixels that a drawing has each way at least."""


def framed(
    picture: Image,
    framing: Framing,
    reader: FaceReader,
    how: str = "auto",
    name: str = "the picture",
    landmarks: Points | None = None,
) -> tuple[Image, Similarity, bool]:
    """A picture H × W × 3 in a framing, the transform that did it, and whether its face was aligned.

    Args:
        picture: a drawing or photo.
        framing: where the face shall stand.
        reader: what finds it.
        how: ``"align"`` by the eyes and mouth of the face that the detector sees; ``"as-is"``, the middle square scaled;
            ``"auto"``: as it is where no face is seen or a square picture's eyes stand within a tenth of their place, else
            aligned (landmarks of drawings are rough, and drawings may be too free for any).
        name: what to call the picture in messages.
        landmarks: the face's, 68 × 2, where they are known already.

    Raises:
        LikenessError: ``"align"`` was asked for and no face is seen, there is no such way, or the picture is tiny.
    """
    if how not in FRAMES:
        raise LikenessError(f"frame {how!r}: there are {', '.join(FRAMES)}")
    if min(picture.shape[:2]) < SMALLEST:
        high, wide = picture.shape[:2]
        raise LikenessError(f"{name}: is only {wide}×{high}; a drawing needs at least {SMALLEST} pixels each way")
    size = framing.size
    if how != "as-is":
        seen = [landmarks] if landmarks is not None else [one.landmarks for one in reader.faces(picture)]
        if how == "align" and not seen:
            raise LikenessError(f"{name}: no face was found to align by; as it is (--frame as-is) may do")
        if seen and (how == "align" or not _stands(picture, seen[0], framing)):
            transform = alignment(seen[0], framing)
            return transform.warp(picture, size, size), transform, True
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    scale = size / side
    # a pixel centre x lies at scale·(x + 0.5 − left) − 0.5 of the scaled square
    shift = [[scale * (0.5 - left) - 0.5], [scale * (0.5 - top) - 0.5]]
    square = picture[top : top + side, left : left + side]
    resized = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8), Similarity(np.hstack([scale * np.eye(2), shift])), False


def _stands(picture: Image, landmarks: Points, framing: Framing) -> bool:
    """Whether a square picture's eyes already stand within a tenth of where the framing has them."""
    if picture.shape[0] != picture.shape[1]:
        return False
    template = Framing(picture.shape[0], framing.eye_distance, framing.eye_height, framing.mouth_drop).template
    eyes = np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)])
    return bool(np.abs(eyes - template[:2]).max() < 0.1 * picture.shape[0])
