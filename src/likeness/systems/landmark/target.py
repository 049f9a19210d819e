"""A target brought to order: a clip or a folder of one person's photos, as faces in one framing with their landmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from likeness import video
from likeness.data.folder import Gathered, legible
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing, upright
from likeness.faces.landmarks import five_points
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import follow
from likeness.image import pictures_in, read
from likeness.records import AlignedFace, Image, Points

FEWEST = 5
"""Faces that a target is learned from at least."""


def gather(
    source: str | Path,
    name: str,
    framing: Framing,
    progress: Callable[[int, int], None] = lambda done, total: None,
    reader: FaceReader | None = None,
    most: int = 0,
) -> Gathered:
    """A target's faces from a clip, or a folder of photos.

    A clip's faces are framed by one transform, fitted to the median of its landmarks, so that the head moves in the
    frame as it did; photos each by their own. Neither is turned.

    Args:
        source: a video file or a folder.
        name: the target's.
        framing: where the face stands.
        progress: called with (done, total).
        reader: finds the faces.
        most: take at most so many frames, evenly through the clip (0: all).

    Raises:
        LikenessError: nothing can be read, or fewer than :data:`FEWEST` faces are found.
    """
    reader = reader or FaceReader()
    path = Path(source)
    found, left_out = (_photos if path.is_dir() else _frames)(path, framing, reader, progress, most)
    if len(found) < FEWEST:
        first = f"; the first: {left_out[0][0]}: {left_out[0][1]}" if left_out else ""
        raise LikenessError(f"{source}: shows a face {len(found)} times, at least {FEWEST} are needed{first}")
    faces = []
    for i, (title, framed, points) in enumerate(found):
        share = i / len(found)
        side = "test" if share >= 0.8 else "validation" if share >= 0.7 else "train"
        faces.append(AlignedFace(framed, points, name, title, side))
    return Gathered(FaceStore.of(faces, framing, path.name), tuple(left_out))


Found = tuple[list[tuple[str, Image, Points]], list[tuple[str, str]]]
"""Title, framed picture and landmarks in it; title and reason of what was left out."""


def _frames(path: Path, framing: Framing, reader: FaceReader, progress: Callable[[int, int], None], most: int) -> Found:
    """A clip's frames in order: looked at for landmarks first, then framed, so that never all of them are in memory."""
    total = video.look(path).frames
    wanted = set(np.linspace(0, total - 1, most).round().astype(int).tolist()) if 0 < most < total else None

    def chosen() -> Iterator[tuple[int, Image]]:
        return ((i, frame) for i, frame in enumerate(video.frames(path)) if wanted is None or i in wanted)

    numbers: list[int] = []

    def counted() -> Iterator[Image]:
        for number, frame in chosen():
            numbers.append(number)
            yield frame

    tracked, left_out = [], []
    for _, points in follow(counted(), reader):
        tracked.append(points)
        if points is None:
            left_out.append((f"{numbers[-1]:06d}", "no face was found where it was"))
        progress(len(tracked), max(total if wanted is None else len(wanted), len(tracked)))
    seen = [points for points in tracked if points is not None]
    if not seen:
        return [], left_out
    moved, size, found = upright(np.median(np.stack(seen), 0), framing), framing.size, []
    for (number, frame), points in zip(chosen(), tracked, strict=True):
        if points is None:
            continue
        framed = moved.apply(points)
        if five_points(framed).min() < 0 or five_points(framed).max() > size - 1:
            left_out.append((f"{number:06d}", "the face stands far from where it mostly is"))
            continue
        found.append((f"{number:06d}", moved.warp(frame, size, size), framed))
    return found, sorted(left_out)


def _photos(path: Path, framing: Framing, reader: FaceReader, progress: Callable[[int, int], None], most: int) -> Found:
    """A folder's photos by name."""
    files = pictures_in(path)
    if not files:
        raise LikenessError(f"{path}: holds no pictures")
    if most and len(files) > most:
        files = [files[round(i)] for i in np.linspace(0, len(files) - 1, most)]
    kept, left_out = [], []
    for number, file in enumerate(files):
        title = legible(file.relative_to(path).as_posix())
        try:
            picture = read(file)
            points = reader.face(picture, title).landmarks
            moved = upright(points, framing)
            kept.append((title, moved.warp(picture, framing.size, framing.size), moved.apply(points)))
        except LikenessError as problem:
            left_out.append((title, str(problem).removeprefix(f"{title}: ").removeprefix(f"{file}: ")))
        progress(number + 1, len(files))
    return kept, left_out
