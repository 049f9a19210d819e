"""Drawings that never met CUFS's artists: photos framed like CUFS's, each drawn by one of the effects, with parsings of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from likeness.data import store
from likeness.data.folder import Report, photos_in
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, alignment
from likeness.faces.cufs import FRAMING, parsed, within
from likeness.faces.effects import EFFECTS, apply
from likeness.faces.landmarks import eye_distance
from likeness.faces.parser import FaceParser
from likeness.faces.reader import FaceReader
from likeness.files import lock_of, locked
from likeness.image import read
from likeness.records import AlignedFace, Image

SOFTNESS = 16.0
"""Pixels by which a photo's border is blurred where it goes on beyond the photo."""


def _on_a_ground(photo: Image, moved: Similarity) -> Image:
    """A photo in the framing; beyond its border the border's colours go on, blurred to a plain ground, not in streaks."""
    size = FRAMING.size
    framed = moved.warp(photo, size, size, "edge").astype(np.float32)
    beyond = moved.warp(np.zeros_like(photo), size, size, "paper").astype(np.float32) / 255
    ground = cv2.GaussianBlur(framed, (0, 0), SOFTNESS)
    return np.asarray(np.round(framed + beyond * (ground - framed)), np.uint8)


def prepare(
    folders: Sequence[str | Path],
    output: str | Path,
    parser: FaceParser,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Photos and their drawings as one Parquet file, framed and padded as CUFS's pairs are.

    The effects take turns, a photo each, and each photo has its own chance. A drawing is made of the whole photo and framed
    after that, as somebody's drawing would be; where it ends there is paper, where the photo ends a plain ground.

    Args:
        folders: of photos, see :func:`likeness.data.folder.photos_in`; a person's side is :func:`likeness.data.split.split_of`'s.
        output: the Parquet file.
        parser: makes the parsings.
        progress: called with (done, total) photos.

    Raises:
        LikenessError: nothing can be read, or no face was found in any photo.
    """
    target = Path(output)
    if target.suffix != ".parquet":
        raise LikenessError(f"{output}: name the output with the suffix .parquet")
    with locked(lock_of(target), str(output)):
        photos = [(Path(folder).resolve().name, photo) for folder in folders for photo in photos_in(folder)]
        reader, size, names = FaceReader(), FRAMING.size, list(EFFECTS)
        rows, skipped = [], []
        for number, (source, photo) in enumerate(photos):
            progress(number, len(photos))
            try:
                picture = read(photo.path)
                landmarks = reader.face(picture, photo.path).landmarks
                drawn = apply(names[number % len(names)], picture, number)
            except LikenessError as problem:
                skipped.append((photo.name, str(problem)))
                continue
            moved = alignment(landmarks, FRAMING)
            framed = within(_on_a_ground(picture, moved))
            drawing = within(moved.warp(drawn, size, size, "paper"))
            points, maps = moved.apply(landmarks), parsed(parser, [framed, drawing])
            face = AlignedFace(framed, points, photo.person, photo.name, photo.side, drawing, maps)
            rows.append(store.row(face, source, eye_distance(points)))
        progress(len(photos), len(photos))
        if not rows:
            raise LikenessError(f"none of {len(photos)} photos could be used; the first: {skipped[0][1]}")
        store.write_rows(target, rows, FRAMING, "with", mapped=True)
        return Report(len(rows), tuple(skipped), 0)
