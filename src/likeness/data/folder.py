"""An image folder read as users have it, prepared into one file: detect, align, encode, resume, report."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
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
from likeness.image import pictures_in, read, walked_pictures
from likeness.records import AlignedFace, Image, Points
from likeness.shards import pieces
from likeness.shards.job import Job, Line, one_thread
from likeness.shards.pool import cores
from likeness.shards.running import Crew
from likeness.shards.trouble import Trouble

CHUNK = 200
"""Photos a worker takes at a time, and the most that an interruption loses for each worker."""


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
    root = _root(folder)
    photos = [_photo(root, path.relative_to(root).as_posix()) for path in pictures_in(root)]
    if not photos:
        raise LikenessError(f"{folder}: holds no pictures")
    return photos


def _root(folder: str | Path) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise LikenessError(f"{folder}: no such folder")
    return root / "images" if (root / "images").is_dir() else root


def _photo(root: Path, name: str) -> Photo:
    """A photo by its path below ``root``."""
    path = root / name
    person = legible(person_of(path, root))
    return Photo(str(path), person, legible(path.relative_to(root).with_suffix("").as_posix()), split_of(person))


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
    with one_thread():
        return _prepared_chunk(photos, source, framing, pairing, pointing, part)


def _prepared_chunk(
    photos: Sequence[Photo], source: str, framing: Framing, pairing: Pairing | None, pointing: Pointing, part: str
) -> tuple[int, list[tuple[str, str]]]:
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    trouble = Trouble(Path(part).parent / "trouble", Path(part).stem)
    for number, photo in enumerate(photos):
        if not trouble.begin(number):
            skipped.append((photo.name, "worker processes die of it, perhaps for want of memory"))
            continue
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
    trouble.end()
    return len(rows), skipped


@dataclass(frozen=True)
class PrepareJob(Job):
    """The preparation of the photos that are written down in ``partial``; ``held`` are people who are test people anyway."""

    partial: str
    framing: Framing
    pairing: Pairing | None
    pointing: Pointing
    held: frozenset[tuple[str, str]] = frozenset()

    def open(self) -> Callable[[int], Line]:
        """See :class:`likeness.shards.job.Job`."""
        return self._do

    def _do(self, number: int) -> Line:
        part = Path(self.partial) / f"{number:06d}.parquet"
        if not part.with_suffix(".json").exists():
            piece = pieces.read(Path(self.partial), number)
            source, root = piece["source"], Path(os.fsdecode(bytes.fromhex(piece["root"])))
            photos = [_photo(root, os.fsdecode(bytes.fromhex(name))) for name in piece["each"]]
            photos = [replace(photo, side="test") if (source, photo.person) in self.held else photo for photo in photos]
            _prepare_chunk(photos, source, self.framing, self.pairing, self.pointing, str(part))
        return _noted(part.with_suffix(".json"))


def _noted(note: Path) -> Line:
    """How many photos a finished piece had, and how many were skipped."""
    record = json.loads(note.read_text())
    return {"done": len(record["photos"]), "missed": len(record["skipped"])}


def prepare(
    folders: Sequence[str | Path],
    output: str | Path,
    framing: Framing | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    pairing: Pairing | None = None,
    hold_out: int = 0,
    pointing: Pointing | None = None,
    crew: Crew | None = None,
) -> Report:
    """Read image folders into one Parquet file of aligned faces.

    A person is a sub-folder where there are any, else the file name before its number; sides are chosen by
    :func:`likeness.data.split.split_of`. Work done is kept beside the output in ``OUTPUT.partial`` until the end, and the
    same call goes on from there, with the photos that were there when it began. Memory does not grow with their number.
    What was skipped and why is written to ``OUTPUT`` with the suffix ``.skipped.csv``. A second process that prepares the
    same output is refused.

    Args:
        folders: each becomes a *source*, called after the folder.
        output: the Parquet file.
        framing: where the face stands in its picture.
        processes: how many to use; by default one a core.
        progress: called with (done, total) photos.
        pairing: where each face's other picture comes from; photos without one are skipped.
        hold_out: the last so many people of each folder by name are test people, whatever their names' sides.
        pointing: where landmarks come from; by default the detector.
        crew: who works, in place of ``processes``; on other hosts photos and output have to be there under the same names.
    """
    crew = crew or Crew(workers=processes)
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
    sources = _sources(folders)
    about: dict[str, Any] = {"framing": asdict(framing), "sources": sorted(sources)}
    about |= {"pairing": asdict(pairing)} if pairing else {}
    about |= {"pointing": pointing.plan()} if pointing != Pointing() else {}
    plan = json.dumps(about | ({"hold_out": hold_out} if hold_out else {}))
    with locked(lock_of(target), str(output)):
        held = frozenset((name, person) for name, root in sources.items() for person in _last_people(root, hold_out))
        partial = unfinished(target, plan, "preparation")
        if pieces.count(partial) is None:
            pieces.write(_pieces(sources), partial)
        job = PrepareJob(str(partial.absolute()), framing, pairing, pointing, held)
        return _prepared(target, partial, job, crew, progress)


def _prepared(target: Path, partial: Path, job: PrepareJob, crew: Crew, progress: Callable[[int, int], None]) -> Report:
    """The work of :func:`prepare` once all is known to be in order; this process has the output to itself."""
    total, count = pieces.count(partial) or (0, 0)
    notes = {number: partial / f"{number:06d}.json" for number in range(count)}
    before = {number: _noted(note) for number, note in notes.items() if note.exists()}
    resumed = sum(said["done"] for said in before.values())
    done = resumed
    progress(done, total)
    if crew.engine == "pool":  # no process is started for what one can do
        crew = replace(crew, workers=max(1, min(crew.workers or cores(), count - len(before))))
    for _, said in crew.run(job, (number for number in range(count) if number not in before)):
        done += said["done"]
        progress(done, total)
    skipped = tuple(sorted((name, why) for note in notes.values() for name, why in json.loads(note.read_text())["skipped"]))
    _write_report(target.with_suffix(".skipped.csv"), skipped)
    if total == len(skipped):
        shutil.rmtree(partial)
        often = Counter(why for _, why in skipped).most_common(1)[0][0]
        where = target.with_suffix(".skipped.csv")
        raise LikenessError(f"none of {total} photos could be used, see {where}; most often: {often.split(';')[0]}")
    store.merge([note.with_suffix(".parquet") for note in notes.values()], target, job.framing)
    shutil.rmtree(partial)
    return Report(total - len(skipped), skipped, resumed)


def _sources(folders: Sequence[str | Path]) -> dict[str, Path]:
    """Where the photos of each source are, in order of the sources' names."""
    sources: dict[str, Path] = {}
    for folder in folders:
        name = Path(folder).resolve().name
        if name in sources:
            raise LikenessError(f"two folders are called {name}; rename one, the name tells their photos apart")
        sources[name] = _root(folder)
        if next(walked_pictures(sources[name]), None) is None:
            raise LikenessError(f"{folder}: holds no pictures")
    return dict(sorted(sources.items()))


def _last_people(root: Path, count: int) -> list[str]:
    """The last people of a folder by name."""
    return sorted({_photo(root, name).person for name in walked_pictures(root)})[-count:] if count else []


def _pieces(sources: Mapping[str, Path]) -> Iterator[dict[str, Any]]:
    """All photos in order of source and name; names as hexadecimal bytes, which need not be UTF-8."""
    for source, root in sources.items():
        whole = os.fsencode(root.absolute()).hex()
        for piece in pieces.grouped((os.fsencode(name).hex() for name in walked_pictures(root)), CHUNK):
            yield {**piece, "source": source, "root": whole}


def _write_report(path: Path, skipped: Sequence[tuple[str, str]]) -> None:
    write_content(path, csv_text([["name", "reason"], *sorted(skipped)]))
