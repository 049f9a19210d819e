"""CUFS, the CUHK Face Sketch database (Wang & Tang 2009): photos and artists' sketches, 200 × 250, with parsings of both.

Two layouts are read. Ours: ``pairs.csv`` with the columns ``id``, ``subset``, ``split``, beside ``photos/ID.jpg`` and
``sketches/ID.jpg``. And folders as the data set is handed on: for each subset ``training…`` and
``testing…``, in (or above) each of them ``photo…`` and ``sketch…``, such as ``cuhk/training/photos/f1-001-01.jpg`` and
``cuhk/training/sketches/f1-001-01-sz1.jpg``, or ``f-005-01.jpg`` and ``F2-005-01-sz1.jpg``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from likeness.data import store
from likeness.data.folder import Report, legible
from likeness.data.split import split_of
from likeness.errors import LikenessError
from likeness.faces.cufs import FRAMING, HEIGHT, WIDTH, padded, parsed
from likeness.faces.landmarks import eye_distance
from likeness.faces.parser import FaceParser
from likeness.faces.reader import FaceReader
from likeness.files import lock_of, locked
from likeness.image import pictures_in, read
from likeness.records import AlignedFace, Image


@dataclass(frozen=True)
class Pair:
    """A photo and its sketch; ``side`` is ``train`` or ``test``."""

    name: str
    subset: str
    side: str
    photo: Path
    sketch: Path


def pairs_in(folder: str | Path, column: str = "split") -> list[Pair]:
    """The pairs of the data set in either layout, by name; of a list, with the sides that its ``column`` says.

    Raises:
        LikenessError: no data set, or a photo without a sketch (or the other way round).
    """
    root = Path(folder)
    if not root.is_dir():
        raise LikenessError(f"{folder}: no such folder")
    found = _listed(root, column) if (root / "pairs.csv").is_file() else _walked(root)
    if not found:
        raise LikenessError(f"{folder}: holds neither pairs.csv nor folders training…/photo…, training…/sketch…, testing…/…")
    found.sort(key=lambda pair: pair.name)
    for one, other in pairwise(found):
        if one.name == other.name:
            where = f"on the sides {one.side} and {other.side}" if one.side != other.side else "twice"
            raise LikenessError(f"{folder}: {one.name} is there {where}; a person has one pair, on one side")
    return found


def _listed(root: Path, column: str) -> list[Pair]:
    found = []
    with (root / "pairs.csv").open(newline="", encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(_lines(file, root / "pairs.csv"), 2):
            name, side = line.get("id") or "", line.get(column)
            if side not in ("train", "test") or not name or name != Path(name).name:
                raise LikenessError(f"{root / 'pairs.csv'}, line {number}: an id, and a {column} train or test, are needed")
            photo, sketch = (_one(root / kind, name) for kind in ("photos", "sketches"))
            found.append(Pair(name, line.get("subset") or "", side, photo, sketch))
    return found


def _lines(file: Iterable[str], path: Path) -> Iterator[dict[str, str]]:
    try:
        yield from csv.DictReader(file)
    except csv.Error as problem:
        raise LikenessError(f"{path}: cannot be read as CSV ({problem})") from None


def _one(folder: Path, name: str) -> Path:
    paths = sorted(folder.glob(f"{name}.*")) if folder.is_dir() else []
    if not paths:
        raise LikenessError(f"{folder}: has no picture {name}")
    return paths[0]


_CUHK, _NUMBER = re.compile(r"^([fm])(\d?)-(\d+)-\d+"), re.compile(r"\d+")


def key_of(stem: str) -> str:
    """What a photo's and its sketch's file names have in common.

    In CUHK's, sex, series and number, where a sketch's series 2 goes with photos that name none: ``f-005-01`` and
    ``F2-005-01-sz1``, but ``f1-005-01`` and ``f1-005-01-sz1``. Elsewhere the first number.
    """
    if match := _CUHK.match(stem.lower()):
        sex, series, number = match.groups()
        return f"{sex}{series.replace('2', '')}-{int(number)}"
    number = _NUMBER.search(stem)
    return str(int(number[0])) if number else stem.lower()


def _walked(root: Path) -> list[Pair]:
    kinds: dict[str, dict[tuple[str, str, str], Path]] = {"photo": {}, "sketch": {}}
    for path in pictures_in(root):
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        side = next((side for side in ("train", "test") for part in folders if side in part), "")
        kind = next((kind for part in reversed(folders) for kind in kinds if kind in part), "")
        if not side or not kind:
            continue
        subset = next((name for name in ("cuhk", "ar", "xm2vts") for part in folders if part.startswith(name)), root.name.lower())
        key = (legible(subset), side, key_of(path.stem))
        if key in kinds[kind]:
            raise LikenessError(f"{path}: and {kinds[kind][key]} have the same number")
        kinds[kind][key] = path
    if alone := sorted(set(kinds["photo"]) ^ set(kinds["sketch"])):
        has = "photo" if alone[0] in kinds["photo"] else "sketch"
        raise LikenessError(f"{kinds[has][alone[0]]}: has no {'sketch' if has == 'photo' else 'photo'} with its number")
    return [
        Pair(f"{subset}_{number}", subset, side, photo, kinds["sketch"][subset, side, number])
        for (subset, side, number), photo in kinds["photo"].items()
    ]


def prepare(
    folder: str | Path,
    output: str | Path,
    parser: FaceParser,
    progress: Callable[[int, int], None] = lambda done, total: None,
    validation: bool = False,
    column: str = "split",
) -> Report:
    """CUFS as one Parquet file: photos, sketches as their other pictures, and soft parsings of both, padded to 256 × 256.

    Args:
        folder: the data set.
        output: the Parquet file.
        parser: makes the parsings, once.
        progress: called with (done, total) pairs.
        validation: keep every training person for validation whose side by :func:`likeness.data.split.split_of` that is, to make
            choices on; otherwise all are learned from, as in the paper.
        column: of pairs.csv, whose sides are taken: ``paper_split`` has all of the papers' test people, and fewer to learn from.
    """
    target = Path(output)
    if target.suffix != ".parquet":
        raise LikenessError(f"{output}: name the output with the suffix .parquet")
    with locked(lock_of(target), str(output)):
        pairs, reader, rows = pairs_in(folder, column), FaceReader(), []
        skipped: list[tuple[str, str]] = []
        for number, pair in enumerate(pairs):
            progress(number, len(pairs))
            try:
                photo, sketch = _framed(pair.photo), _framed(pair.sketch)
                landmarks = reader.face(photo, str(pair.photo)).landmarks
            except LikenessError as problem:
                skipped.append((pair.name, str(problem)))
                continue
            maps = parsed(parser, [photo, sketch])
            kept = validation and pair.side == "train" and split_of(pair.name) == "validation"
            side = "validation" if kept else pair.side
            face = AlignedFace(photo, landmarks, pair.name, pair.name, side, sketch, maps)
            rows.append(store.row(face, "cufs", eye_distance(landmarks)))
        progress(len(pairs), len(pairs))
        if not rows:
            raise LikenessError(f"none of {len(pairs)} pairs could be used; the first: {skipped[0][1]}")
        store.write_rows(target, rows, FRAMING, "with", mapped=True)
        return Report(len(rows), tuple(skipped), 0)


def _framed(path: Path) -> Image:
    picture = read(path)
    if picture.shape[:2] != (HEIGHT, WIDTH):
        raise LikenessError(f"{path}: is {picture.shape[1]}×{picture.shape[0]}; CUFS's aligned pictures are {WIDTH}×{HEIGHT}")
    return padded(picture)
