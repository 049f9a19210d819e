"""Reenactment: a driver's landmarks, frame by frame, become a target's face (section 3.3)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.data import clips
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, upright
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import Steady, follow
from likeness.files import write_atomically, write_content
from likeness.image import pictures_in, read
from likeness.records import Image, Points
from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn

SEGMENT = 200
"""Frames in a segment: what an interruption loses at most."""
STILLS = Fraction(5)
"""Photos a second, where the driver is a folder."""


@dataclass(frozen=True)
class Manner:
    """``target``: whose face (None: the first). ``steady`` smooths the landmarks over time; ``own`` leaves out the converter.

    ``beside`` shows the driver and its landmarks at the left of the face.
    """

    target: str | None = None
    steady: bool = True
    own: bool = False
    beside: bool = False


def live(
    frames: Iterable[Image], model: LandmarkSynthesizer, manner: Manner, reader: FaceReader, rate: float = 25.0
) -> Iterator[Image]:
    """A face for each frame as it comes, S × S × 3 (or driver, landmarks and face side by side).

    The first face that is found is framed, and the frame stays where it is, so that the head moves in it; while no face is
    found, the last one made is given again.
    """
    moved: Similarity | None = None
    steady, size = Steady(rate), model.framing.size
    last: Image = np.zeros((size, size * (3 if manner.beside else 1), 3), np.uint8)
    for frame, points in follow(frames, reader):
        if points is not None:
            moved = moved or upright(points, model.framing)
            framed = moved.apply(points)
            last = made(steady(framed) if manner.steady else framed, frame, moved, model, manner)
        yield last


def made(framed: Points, frame: Image | None, moved: Similarity, model: LandmarkSynthesizer, manner: Manner) -> Image:
    """One frame's result from its landmarks in the framing; ``frame`` is needed to show it beside."""
    size = model.framing.size
    face: Image = model.draw([framed], target=manner.target, convert=not manner.own)[0]
    if not manner.beside:
        return face
    own: Image = np.zeros_like(face) if frame is None else moved.warp(frame, size, size)
    return np.concatenate([own, drawn(framed, size), face], 1)


@dataclass(frozen=True)
class Done:
    """What a reenactment came to: ``frames`` in all, ``missed`` without a face, ``strange`` outside what the model has seen."""

    frames: int
    missed: int
    strange: int


def reenact(
    driver: str | Path,
    model: LandmarkSynthesizer,
    output: str | Path,
    manner: Manner | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    reader: FaceReader | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Done:
    """A clip, or a folder of photos, as a clip of the target with the driver's rate and sound.

    A clip is read for its landmarks first, whose median says where the frame is, and a second time only to show it beside; photos
    are framed one by one. Work is kept beside the output in ``OUTPUT.partial`` in segments; the same call goes on from there.

    Raises:
        LikenessError: nothing can be read, no face is found, or what was begun is another reenactment.
        InterruptedError: ``stop`` said so; what is done is kept.
    """
    manner, reader = manner or Manner(), reader or FaceReader()
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
    rate, sound = (STILLS, None) if photos else (clips.look(source).rate, source)
    total = len(photos) or clips.look(source).frames

    partial = _begun(target, _plan(source, photos, model, manner))
    seek = _of_photos(photos, reader) if photos else _of_clip(source, reader)
    points = _landmarks(partial, seek, lambda done: progress(done, 2 * max(total, done)), stop)
    seen = ~np.isnan(points[:, 0, 0])
    if not seen.any():
        shutil.rmtree(partial)
        raise LikenessError(f"{driver}: no face was found in any of {len(points)} frames")
    points = _filled(points, seen)
    if photos:
        moved = [upright(some, model.framing) for some in points]
    else:
        moved = [upright(np.median(points[seen], 0), model.framing)] * len(points)
    framed = [one.apply(some) for one, some in zip(moved, points, strict=True)]
    if manner.steady and not photos:
        steady = Steady(float(rate))
        framed = [steady(some) for some in framed]
    parts = [partial / f"{start:07d}.mp4" for start in range(0, len(framed), SEGMENT)]
    first = next((SEGMENT * n for n, part in enumerate(parts) if not part.is_file()), len(framed))
    shown = _pictures(source, photos, first) if manner.beside else repeat(None)
    for start in range(first, len(framed), SEGMENT):
        with clips.Writer(partial / f"{start:07d}.mp4", rate) as out:
            for number in range(start, min(start + SEGMENT, len(framed))):
                if stop():
                    raise InterruptedError
                out.add(made(framed[number], next(shown, None), moved[number], model, manner))
                progress(len(framed) + number + 1, 2 * len(framed))
    clips.join(parts, target, sound, "made with likeness: synthetic face")
    shutil.rmtree(partial)
    strange = sum(model.strangeness(some, manner.target, not manner.own) > 1 for some in framed)
    return Done(len(framed), int((~seen).sum()), strange)


def _plan(source: Path, photos: list[Path], model: LandmarkSynthesizer, manner: Manner) -> str:
    """What has to be the same for work to go on."""
    files = photos or [source]
    marks = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    card = [model.card.system, model.card.step, model.card.commit, model.card.recipe, model.card.data]
    return hashlib.sha256(json.dumps([marks, card, vars(manner)]).encode()).hexdigest()


def _begun(target: Path, plan: str) -> Path:
    """The folder of work in progress, new or of the same plan."""
    partial = target.with_name(target.name + ".partial")
    note = partial / "plan"
    if note.is_file() and note.read_text() != plan:
        raise LikenessError(f"{partial}: holds the beginning of another reenactment; delete it or choose another output")
    write_content(note, plan)
    return partial


Seek = Callable[[int, Points | None, int], Iterator[Points | None]]
"""Landmarks of frames from a number on, told where the face was before, and for how many frames it has been gone."""


def _of_clip(source: Path, reader: FaceReader) -> Seek:
    return lambda first, last, missed: (points for _, points in follow(clips.frames(source, first), reader, last, missed))


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
        yield from clips.frames(source, first)
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
