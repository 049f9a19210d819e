"""Reenactment: a driver's landmarks, frame by frame, become a target's face (section 3.3)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
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
    last: Image = np.zeros((size, size, 3), np.uint8)
    for frame, points in follow(frames, reader):
        if points is not None:
            moved = moved or upright(points, model.framing)
            framed = moved.apply(points)
            last = made(steady(framed) if manner.steady else framed, frame, moved, model, manner)
        yield last


def made(framed: Points, frame: Image, moved: Similarity, model: LandmarkSynthesizer, manner: Manner) -> Image:
    """One frame's result from its landmarks in the framing."""
    size = model.framing.size
    face = model.draw([framed], target=manner.target, convert=not manner.own)[0]
    return np.concatenate([moved.warp(frame, size, size), drawn(framed, size), face], 1) if manner.beside else face


def reenact(
    driver: str | Path,
    model: LandmarkSynthesizer,
    output: str | Path,
    manner: Manner | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    reader: FaceReader | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """A clip, or a folder of photos, as a clip of the target with the driver's rate and sound; how many frames had no face.

    The driver is read twice: for landmarks, whose median says where the frame is, then for pictures. Work is kept beside the
    output in ``OUTPUT.partial`` in segments; the same call goes on from there.

    Raises:
        LikenessError: nothing can be read, no face is found, or what was begun is another reenactment.
        InterruptedError: ``stop`` said so; what is done is kept.
    """
    manner, reader = manner or Manner(), reader or FaceReader()
    source, target = Path(driver), Path(output)
    if target.suffix.lower() not in (".mp4", ".mov"):
        raise LikenessError(f"{output}: video is written as .mp4 or .mov")
    if target.resolve() == source.resolve():
        raise LikenessError(f"{output}: is the driver; name another, nothing of yours is overwritten")
    photos = pictures_in(source) if source.is_dir() else []
    if source.is_dir() and not photos:
        raise LikenessError(f"{driver}: holds no pictures")
    rate, sound = (STILLS, None) if photos else (clips.look(source).rate, source)
    total = len(photos) or clips.look(source).frames

    def frames(first: int = 0) -> Iterator[Image]:
        return (read(path) for path in photos[first:]) if photos else clips.frames(source, first)

    partial = _begun(target, _plan(source, photos, model, manner))
    points = _landmarks(partial / "landmarks.npy", frames, reader, lambda done: progress(done, 2 * max(total, done)), stop)
    seen = ~np.isnan(points[:, 0, 0])
    if not seen.any():
        shutil.rmtree(partial)
        raise LikenessError(f"{driver}: no face was found in any of {len(points)} frames")
    moved = upright(np.median(points[seen], 0), model.framing)
    framed = _filled(np.stack([moved.apply(some) for some in points]), seen)
    if manner.steady and not photos:
        steady = Steady(float(rate))
        framed = np.stack([steady(some) for some in framed])
    parts = []
    for start in range(0, len(framed), SEGMENT):
        part = partial / f"{start:07d}.mp4"
        parts.append(part)
        if part.is_file():
            continue
        with clips.Writer(part, rate) as out:
            for number, frame in enumerate(frames(start), start):
                if number >= min(start + SEGMENT, len(framed)):
                    break
                if stop():
                    raise InterruptedError
                out.add(made(framed[number], frame, moved, model, manner))
                progress(len(framed) + number + 1, 2 * len(framed))
    clips.join(parts, target, sound, "made with likeness: synthetic face")
    shutil.rmtree(partial)
    return int((~seen).sum())


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


def _landmarks(
    kept: Path,
    frames: Callable[[], Iterator[Image]],
    reader: FaceReader,
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> NDArray[np.float32]:
    """Every frame's landmarks, N × 68 × 2, not numbers where no face is; from the file, if they were found before."""
    if kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False), np.float32)
    found = []
    for number, (_, points) in enumerate(follow(frames(), reader), 1):
        if stop():
            raise InterruptedError
        found.append(points if points is not None else np.full((68, 2), np.nan, np.float32))
        progress(number)
    points = np.asarray(found, np.float32).reshape(-1, 68, 2)
    write_atomically(kept, lambda file: np.save(file, points, allow_pickle=False))
    return points


def _filled(framed: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Frames without a face take the landmarks of the last that had one, or at the beginning of the first."""
    places = np.where(seen, np.arange(len(seen)), 0)
    places = np.maximum.accumulate(places)
    places[: int(np.argmax(seen))] = int(np.argmax(seen))
    return framed[places]
