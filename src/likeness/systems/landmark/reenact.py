"""Reenactment: a driver's landmarks, frame by frame, become a target's face (section 3.3)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likeness import provenance, video
from likeness.card import Card
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, upright
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import Steady, follow
from likeness.files import lock_of, locked, unfinished, write_atomically, write_content
from likeness.image import pictures_in, read
from likeness.records import Image, Points
from likeness.systems.landmark.synthesis import drawn

SEGMENT = 200
"""Frames in a segment: what an interruption loses at most."""
BATCH = 8
"""Faces that are generated at a time."""
STILLS = Fraction(5)
"""Photos a second, where the driver is a folder."""


class Target(Protocol):
    """Whose face is driven: :class:`likeness.systems.landmark.synthesis.LandmarkSynthesizer` says what the methods do."""

    @property
    def card(self) -> Card: ...

    @property
    def framing(self) -> Framing: ...

    def draw(self, conditions: Sequence[Points], *, target: str | None = None, convert: bool = True) -> Image: ...

    def ood_scores(self, landmarks: Sequence[Points], target: str | None = None, convert: bool = True) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Options:
    """How a driver becomes a target.

    ``target`` is whose face is made (None: the first). ``smooth`` filters the landmarks over time. ``convert`` gives them the
    target's shape. ``side_by_side`` shows the driver and its landmarks at the left of the face.
    """

    target: str | None = None
    smooth: bool = True
    convert: bool = True
    side_by_side: bool = False


def live(frames: Iterable[Image], model: Target, options: Options, reader: FaceReader, rate: float = 25.0) -> Iterator[Image]:
    """A face for each frame as it comes, S × S × 3 (or driver, landmarks and face side by side).

    The first face that is found is framed, and the frame stays where it is, so that the head moves in it; while no face is
    found, the last one made is given again.
    """
    moved: Similarity | None = None
    steady, size = Steady(rate), model.framing.size
    last: Image = np.zeros((size, size * (3 if options.side_by_side else 1), 3), np.uint8)
    for frame, points in follow(frames, reader):
        if points is not None:
            moved = moved or upright(points, model.framing)
            framed = moved.apply(points)
            last = made([steady(framed) if options.smooth else framed], [frame], [moved], model, options)[0]
        yield last


def made(
    framed: Sequence[Points],
    frames: Sequence[Image | None],
    moved: Sequence[Similarity],
    model: Target,
    options: Options,
) -> list[Image]:
    """Frames' results from their landmarks in the framing; the frames themselves are needed only to show them at the side."""
    size = model.framing.size
    faces = model.draw(framed, target=options.target, convert=options.convert)
    if not options.side_by_side:
        return list(faces)
    own = [
        np.zeros((size, size, 3), np.uint8) if frame is None else one.warp(frame, size, size)
        for frame, one in zip(frames, moved, strict=True)
    ]
    return [
        np.concatenate([picture, drawn(points, size), face], 1) for picture, points, face in zip(own, framed, faces, strict=True)
    ]


@dataclass(frozen=True)
class Done:
    """What a reenactment came to: ``frames`` in all, ``missed`` without a face, ``outside`` of what the model has seen."""

    frames: int
    missed: int
    outside: int


def reenact(
    driver: str | Path,
    model: Target,
    output: str | Path,
    options: Options | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    reader: FaceReader | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Done:
    """A clip, or a folder of photos, as a clip of the target with the driver's rate and sound.

    A clip is read for its landmarks first, whose median says where the frame is, and a second time only to show it beside; photos
    are framed one by one. Work is kept beside the output in ``OUTPUT.partial`` in segments; the same call goes on from there.

    Raises:
        LikenessError: nothing can be read, no face is found, what was begun is another reenactment, or another process makes it.
        InterruptedError: ``stop`` said so; what is done is kept.
    """
    options, reader = options or Options(), reader or FaceReader()
    source, target = Path(driver), Path(output)
    if target.suffix.lower() not in (".mp4", ".mov"):
        raise LikenessError(f"{output}: video is written as .mp4 or .mov")
    if target.is_dir():
        raise LikenessError(f"{output}: is a folder; name a file")
    if target.resolve() == source.resolve():
        raise LikenessError(f"{output}: is the driver; name another, nothing of yours is overwritten")
    photos = pictures_in(source) if source.is_dir() else []
    if source.is_dir() and not photos:
        raise LikenessError(f"{driver}: holds no pictures")
    with locked(lock_of(target), str(output)):
        return _reenact(source, photos, model, target, options, progress, reader, stop)


def _reenact(
    source: Path,
    photos: list[Path],
    model: Target,
    target: Path,
    options: Options,
    progress: Callable[[int, int], None],
    reader: FaceReader,
    stop: Callable[[], bool],
) -> Done:
    """The work of :func:`reenact`; no other process makes the same clip."""
    rate, sound = (STILLS, None) if photos else (video.look(source).rate, source)
    total = len(photos) or video.look(source).frames

    partial = unfinished(target, _plan(source, photos, model, options), "reenactment")
    seek = _of_photos(photos, reader) if photos else _of_clip(source, reader)
    points = _landmarks(partial, seek, lambda done: progress(done, 2 * max(total, done)), stop)
    seen = ~np.isnan(points[:, 0, 0])
    if not seen.any():
        shutil.rmtree(partial)
        raise LikenessError(f"{source}: no face was found in any of {len(points)} frames")
    points = _filled(points, seen)
    if photos:
        moved = [upright(some, model.framing) for some in points]
    else:
        moved = [upright(np.median(points[seen], 0), model.framing)] * len(points)
    framed = [one.apply(some) for one, some in zip(moved, points, strict=True)]
    if options.smooth and not photos:
        steady = Steady(float(rate))
        framed = [steady(some) for some in framed]
    parts = [partial / f"{start:07d}.mp4" for start in range(0, len(framed), SEGMENT)]
    first = next((SEGMENT * n for n, part in enumerate(parts) if not part.is_file()), len(framed))
    shown = _pictures(source, photos, first) if options.side_by_side else repeat(None)
    for start in range(first, len(framed), SEGMENT):
        with video.Writer(partial / f"{start:07d}.mp4", rate) as out:
            last = min(start + SEGMENT, len(framed))
            for at in range(start, last, BATCH):
                if stop():
                    raise InterruptedError
                some = slice(at, min(at + BATCH, last))
                pictures = [next(shown, None) for _ in framed[some]]
                for picture in made(framed[some], pictures, moved[some], model, options):
                    out.add(picture)
                progress(len(framed) + some.stop, 2 * len(framed))
    video.join(parts, target, sound, provenance.software(model.card.system, model.card.recipe["name"]))
    shutil.rmtree(partial)
    scores = model.ood_scores(framed, options.target, options.convert)
    return Done(len(framed), int((~seen).sum()), int((scores > 1).sum()))


def _plan(source: Path, photos: list[Path], model: Target, options: Options) -> str:
    """What has to be the same for work to go on."""
    files = photos or [source]
    marks = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    card = [model.card.system, model.card.step, model.card.commit, model.card.recipe, model.card.data]
    return hashlib.sha256(json.dumps([marks, card, vars(options)]).encode()).hexdigest()


Seek = Callable[[int, Points | None, int], Iterator[Points | None]]
"""Landmarks of frames from a number on, told where the face was before, and for how many frames it has been gone."""


def _of_clip(source: Path, reader: FaceReader) -> Seek:
    return lambda first, last, missed: (points for _, points in follow(video.frames(source, first), reader, last, missed))


def _of_photos(photos: list[Path], reader: FaceReader) -> Seek:
    """Each photo by itself; one that cannot be read, or shows no face, has none."""

    def seek(first: int, last: Points | None, missed: int) -> Iterator[Points | None]:
        for path in photos[first:]:
            try:
                yield reader.face(read(path), path.name).landmarks
            except LikenessError:
                yield None

    return seek


def _pictures(source: Path, photos: list[Path], first: int) -> Iterator[Image | None]:
    """The driver's pictures from a number on, None for one that cannot be read."""
    if not photos:
        yield from video.frames(source, first)
    for path in photos[first:]:
        try:
            yield read(path)
        except LikenessError:
            yield None


def _landmarks(partial: Path, seek: Seek, progress: Callable[[int], None], stop: Callable[[], bool]) -> NDArray[np.float32]:
    """Every frame's landmarks, N × 68 × 2, not numbers where no face is; kept by segments, and gone on with."""
    kept = sorted(partial.glob("landmarks-*.npy"))
    found = [some for path in kept for some in np.asarray(np.load(path, allow_pickle=False), np.float32)]
    if (partial / "landmarks").is_file():
        return np.asarray(found, np.float32).reshape(-1, 68, 2)
    missed = next((n for n, some in enumerate(reversed(found)) if not np.isnan(some[0, 0])), len(found))
    last = found[-1 - missed] if missed < len(found) else None
    begun = len(found)

    def keep(start: int) -> None:
        part = np.asarray(found[start:], np.float32).reshape(-1, 68, 2)
        write_atomically(partial / f"landmarks-{start:07d}.npy", lambda file: np.save(file, part, allow_pickle=False))

    for points in seek(len(found), last, missed):
        if stop():
            raise InterruptedError
        found.append(points if points is not None else np.full((68, 2), np.nan, np.float32))
        progress(len(found))
        if len(found) - begun == SEGMENT:
            keep(begun)
            begun = len(found)
    if len(found) > begun:
        keep(begun)
    write_content(partial / "landmarks", "all")
    return np.asarray(found, np.float32).reshape(-1, 68, 2)


def _filled(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Frames without a face take the landmarks of the last that had one, or at the beginning of the first."""
    places = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), 0))
    places[: int(np.argmax(seen))] = int(np.argmax(seen))
    return points[places]
