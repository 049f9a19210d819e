"""An image folder read as users have it, prepared into one file: detect, align, encode, resume, report."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from likeness.data import pairs, store
from likeness.data.pairs import Pairing
from likeness.data.points import disagreement, landmarks_in
from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing, align, missing_share
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import BACKENDS, FaceReader, backend_of
from likeness.files import csv_text, lock_of, locked, unfinished, write_content
from likeness.image import pictures_in, read
from likeness.records import AlignedFace, Image, Points

CHUNK = 200
"""Photos a worker takes at a time, and the most that an interruption loses for each worker."""

THREADS = "LIKENESS_THREADS"
"""The environment variable that :func:`likeness.engine.graph.threads` reads."""


@dataclass(frozen=True)
class Photo:
    """A photo that waits to be prepared: where it is, whom it shows, and its name within its source."""

    path: str
    person: str
    name: str
    side: str


@dataclass(frozen=True)
class Report:
    """What a preparation did."""

    prepared: int
    skipped: tuple[tuple[str, str], ...]
    resumed: int


@dataclass(frozen=True)
class Gathered:
    """One person's photos or frames that can be used, held-out ones on sides of their own, and what was left out and why."""

    store: FaceStore
    left_out: tuple[tuple[str, str], ...]


_FRAME_NUMBER = re.compile(r"_\d+$")


def person_of(path: Path, root: Path) -> str:
    """The person a photo shows: its sub-folder, or else its file name without a trailing number (``Ann_03`` → ``Ann``)."""
    relative = path.relative_to(root)
    return relative.parts[0] if len(relative.parts) > 1 else _FRAME_NUMBER.sub("", path.stem)


def photos_in(folder: str | Path) -> list[Photo]:
    """The photos below ``folder``, or below its sub-folder ``images`` where it has one (then masks and lists lie beside it)."""
    root = Path(folder)
    if not root.is_dir():
        raise LikenessError(f"{folder}: no such folder")
    if (root / "images").is_dir():
        root = root / "images"
    photos = []
    for path in pictures_in(root):
        person = legible(person_of(path, root))
        photos.append(Photo(str(path), person, legible(path.relative_to(root).with_suffix("").as_posix()), split_of(person)))
    if not photos:
        raise LikenessError(f"{folder}: holds no pictures")
    return photos


def legible(name: str) -> str:
    """A file name as UTF-8 text, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")


@dataclass(frozen=True)
class Pointing:
    """Where landmarks come from: a ``table`` (see :func:`likeness.data.points.landmarks_in`), or, empty, the ``detector``, one of
    :data:`likeness.faces.reader.BACKENDS`.

    ``agree`` leaves out faces on whose mirror image the detector's landmarks differ by more than so many per cent of the eye
    distance; 0 leaves out none.
    """

    table: str = ""
    agree: float = 0.0
    detector: str = BACKENDS[0]

    def plan(self) -> dict[str, Any]:
        """What has to be the same for a preparation to go on: the table's content counts, not its name."""
        content = hashlib.sha256(Path(self.table).read_bytes()).hexdigest()[:16] if self.table else ""
        return {"table": content, "agree": self.agree, "detector": self.detector}


@cache
def _reader(detector: str) -> FaceReader:
    """One a process."""
    return FaceReader(backend_of(detector))


def _landmarks(photo: Photo, image: Image, pointing: Pointing) -> Points:
    """A photo's landmarks in its pixels, or the reason why it has none."""
    if pointing.table:
        known = landmarks_in(pointing.table)
        if photo.name not in known:
            raise LikenessError(f"has no line in {pointing.table}")
        return known[photo.name]
    reader = _reader(pointing.detector)
    landmarks = reader.face(image, photo.path).landmarks
    if pointing.agree and disagreement(reader, image, landmarks) > pointing.agree:
        raise LikenessError("its landmarks are not sure; those of its mirror image differ")
    return landmarks


def _prepare_chunk(
    photos: Sequence[Photo], source: str, framing: Framing, pairing: Pairing | None, pointing: Pointing, part: str
) -> tuple[int, list[tuple[str, str]]]:
    """Work of one process: align ``photos`` into the part file; how many came in, and what did not and why.

    On one thread: processes do not crowd each other, and the same sums come out however many there are.
    """
    with _one_thread():
        return _prepared_chunk(photos, source, framing, pairing, pointing, part)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Within, OpenCV and the graphs that are opened use one thread; afterwards all is as it was."""
    import cv2

    threads, named = cv2.getNumThreads(), os.environ.get(THREADS)
    cv2.setNumThreads(1)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if named is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = named


def _begin_worker() -> None:
    """An interruption is the parent's to handle: it lets the workers finish what they hold. Graphs get one thread each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[THREADS] = "1"


def _prepared_chunk(
    photos: Sequence[Photo], source: str, framing: Framing, pairing: Pairing | None, pointing: Pointing, part: str
) -> tuple[int, list[tuple[str, str]]]:
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    for photo in photos:
        try:
            image = read(photo.path)
            landmarks = _landmarks(photo, image, pointing)
            picture, points, moved = align(image, landmarks, framing)
            other = None if pairing is None else pairing.of(photo.name, image, points, moved, framing)
        except LikenessError as problem:
            skipped.append((photo.name, str(problem).removeprefix(f"{photo.path}: ")))
            continue
        aligned = AlignedFace(picture, points, photo.person, photo.name, photo.side, other)
        missing = missing_share(moved, image.shape[1], image.shape[0], framing.size)
        rows.append(store.row(aligned, source, eye_distance(landmarks), missing))
    store.write_rows(Path(part), rows, framing, pairing.kind if pairing else "")
    notes = json.dumps({"photos": [photo.name for photo in photos], "skipped": skipped}).encode()
    write_content(Path(part).with_suffix(".json"), notes)
    return len(rows), skipped


def prepare(
    folders: Sequence[str | Path],
    output: str | Path,
    framing: Framing | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    pairing: Pairing | None = None,
    hold_out: int = 0,
    pointing: Pointing | None = None,
) -> Report:
    """Read image folders into one Parquet file of aligned faces.

    A person is a sub-folder where there are any, else the file name before its number; sides are chosen by
    :func:`likeness.data.split.split_of`. Work done is kept beside the output in ``OUTPUT.partial`` until the end, and the
    same call goes on from there. What was skipped and why is written to ``OUTPUT`` with the suffix ``.skipped.csv``. A second
    process that prepares the same output is refused.

    Args:
        folders: each becomes a *source*, called after the folder.
        output: the Parquet file.
        framing: where the face stands in its picture.
        processes: how many to use; by default one a core.
        progress: called with (done, total) photos.
        pairing: where each face's other picture comes from; photos without one are skipped.
        hold_out: the last so many people of each folder by name are test people, whatever their names' sides.
        pointing: where landmarks come from; by default the detector.
    """
    framing, pointing = framing or Framing(), pointing or Pointing()
    if pointing.table:
        landmarks_in(pointing.table)  # what is wrong with it is told now
    else:
        backend_of(pointing.detector)
    pairs.check(pairing)
    if pairing is not None and pairing.folder and len(folders) > 1:
        raise LikenessError(f"{pairing.folder}: other pictures are found by name, so they go with one folder of photos")
    target = Path(output)
    if target.suffix != ".parquet":
        raise LikenessError(f"{output}: name the output with the suffix .parquet")
    sources = {name: _held_out(photos, hold_out) for name, photos in _sources(folders).items()}
    about: dict[str, Any] = {"framing": asdict(framing), "sources": sorted(sources)}
    about |= {"pairing": asdict(pairing)} if pairing else {}
    about |= {"pointing": pointing.plan()} if pointing != Pointing() else {}
    plan = json.dumps(about | ({"hold_out": hold_out} if hold_out else {}))
    with locked(lock_of(target), str(output)):
        return _prepared(target, sources, plan, framing, pairing, pointing, processes, progress)


def _prepared(
    target: Path,
    sources: dict[str, list[Photo]],
    plan: str,
    framing: Framing,
    pairing: Pairing | None,
    pointing: Pointing,
    processes: int | None,
    progress: Callable[[int, int], None],
) -> Report:
    """The work of :func:`prepare` once all is known to be in order; this process has the output to itself."""
    partial = unfinished(target, plan, "preparation")
    skipped: list[tuple[str, str]] = []
    done, resumed = 0, 0
    jobs: list[tuple[str, list[Photo]]] = []
    finished: dict[str, set[str]] = {}
    for note in sorted(partial.glob("*.json")):
        record = json.loads(note.read_text())
        finished.setdefault(note.name.rsplit("-", 1)[0], set()).update(record["photos"])
        skipped += [(name, why) for name, why in record["skipped"]]
        resumed += len(record["photos"])
    total = 0
    for source, photos in sources.items():
        total += len(photos)
        waiting = [photo for photo in photos if photo.name not in finished.get(source, set())]
        jobs += [(source, waiting[i : i + CHUNK]) for i in range(0, len(waiting), CHUNK)]
    done = resumed
    progress(done, total)
    taken = {int(note.stem.rsplit("-", 1)[1]) for note in partial.glob("*.json")}
    numbers = (n for n in range(10**9) if n not in taken)
    for count, missed in _run(jobs, framing, pairing, pointing, partial, numbers, processes):
        done += count
        skipped += missed
        progress(done, total)
    _write_report(target.with_suffix(".skipped.csv"), skipped)
    if total == len(skipped):
        shutil.rmtree(partial)
        often = Counter(why for _, why in skipped).most_common(1)[0][0]
        where = target.with_suffix(".skipped.csv")
        raise LikenessError(f"none of {total} photos could be used, see {where}; most often: {often.split(';')[0]}")
    # only parts whose note was written are whole
    store.merge([note.with_suffix(".parquet") for note in sorted(partial.glob("*.json"))], target, framing)
    shutil.rmtree(partial)
    return Report(total - len(skipped), tuple(sorted(skipped)), resumed)


def _sources(folders: Sequence[str | Path]) -> dict[str, list[Photo]]:
    sources: dict[str, list[Photo]] = {}
    for folder in folders:
        name = Path(folder).resolve().name
        if name in sources:
            raise LikenessError(f"two folders are called {name}; rename one, the name tells their photos apart")
        sources[name] = photos_in(folder)
    return sources


def _held_out(photos: list[Photo], count: int) -> list[Photo]:
    """The last ``count`` people by name as test people."""
    last = set(sorted({photo.person for photo in photos})[-count:]) if count else set()
    return [replace(photo, side="test") if photo.person in last else photo for photo in photos]


def _run(
    jobs: Sequence[tuple[str, list[Photo]]],
    framing: Framing,
    pairing: Pairing | None,
    pointing: Pointing,
    partial: Path,
    numbers: Iterator[int],
    processes: int | None,
) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Work through the jobs, in processes when that pays; yields (photos done, what was skipped) for each."""
    calls = [
        (photos, source, framing, pairing, pointing, str(partial / f"{source}-{number:06d}.parquet"))
        for (source, photos), number in zip(jobs, numbers, strict=False)
    ]
    count = min(processes or os.cpu_count() or 1, len(calls))
    if count <= 1:
        for call in calls:
            _, missed = _prepare_chunk(*call)
            yield len(call[0]), missed
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin_worker) as pool:
        sizes: dict[Future[tuple[int, list[tuple[str, str]]]], int] = {
            pool.submit(_prepare_chunk, *call): len(call[0]) for call in calls
        }
        try:
            while sizes:
                ready, _ = wait(sizes, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield sizes.pop(future), future.result()[1]
        except BrokenProcessPool:
            raise LikenessError("a worker process ended without a word, often for want of memory: try --processes 1") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write_report(path: Path, skipped: Sequence[tuple[str, str]]) -> None:
    write_content(path, csv_text([["name", "reason"], *sorted(skipped)]))
