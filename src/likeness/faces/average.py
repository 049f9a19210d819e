"""The average face: mean landmarks and mean picture of many aligned faces."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from likeness.errors import LikenessError
from likeness.records import AlignedFace, Image, Points


def average_face(faces: Iterable[AlignedFace]) -> tuple[Image, Points]:
    """Mean picture (S × S × 3) and mean landmarks (68 × 2) of aligned faces of one framing."""
    total: np.ndarray | None = None
    points: np.ndarray | None = None
    count = 0
    for face in faces:
        picture = face.image.astype(np.float64)
        total = picture if total is None else total + picture
        marks = face.landmarks.astype(np.float64)
        points = marks if points is None else points + marks
        count += 1
    if total is None or points is None:
        raise LikenessError("an average face needs at least one face")
    return (total / count).round().astype(np.uint8), (points / count).astype(np.float32)
