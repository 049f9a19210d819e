"""What bulk making reads: a folder of pictures, a list, or Parquet; local, or anywhere that fsspec opens.

The inputs are written down once, before the work begins, as *pieces* of a fixed number each. So a run that goes on does the same
pieces, whatever has come into the folder meanwhile, and a worker finds a piece by its number without reading the others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from likeness.bulk import parquet
from likeness.errors import LikenessError
from likeness.image import SUFFIXES, walked_pictures
from likeness.shards import pieces

LISTS = (".txt", ".jsonl")
"""Suffixes of lists: a path a line, or a JSON object a line with conditions by name."""
READ_BY_FILE = ("photo", "parts", "drawing", "parsing", "mask", "landmarks")
"""Kinds of conditions whose value in a list is a file."""

Value = bytes | str | LikenessError
"""What is there of a condition: a file's bytes, a plain value such as a name, or why it cannot be read."""


@dataclass(frozen=True)
class Input:
    """One input: its ``number`` in the run, its ``name``, and its conditions, or why they cannot be read."""

    number: int
    name: str
    given: Mapping[str, Value]


def remote(place: str) -> bool:
    """Whether a path is an address for fsspec."""
    return "://" in place


@contextmanager
def opened(place: str) -> Iterator[BinaryIO]:
    """A file, local or remote.

    Raises:
        LikenessError: it cannot be opened; the message does not name it.
    """
    try:
        if remote(place):
            with _fsspec().open(place, "rb") as file:
                yield file
        else:
            with Path(place).open("rb") as file:
                yield file
    except FileNotFoundError:
        raise LikenessError("no such file") from None
    except (OSError, ValueError) as problem:
        raise LikenessError(f"cannot be read ({getattr(problem, 'strerror', None) or problem})") from None


def _fsspec() -> Any:
    try:
        import fsspec
    except ImportError:
        raise LikenessError("addresses such as s3:// need fsspec: pip install 'likeness[parquet]'") from None
    return fsspec


def is_parquet(place: str) -> bool:
    """Whether an input is a Parquet file or a folder of such."""
    return place.rstrip("/").endswith(".parquet")


def write_pieces(place: str, size: int, folder: Path, column: str = "") -> tuple[int, int]:
    """Write down all inputs in pieces of at most ``size``; how many inputs there are, and how many pieces.

    Args:
        place: the input, as a user gives it.
        size: inputs a piece.
        folder: where they are written, see :mod:`likeness.shards.pieces`.
        column: of a Parquet file, see :func:`likeness.bulk.parquet.slices`.

    Raises:
        LikenessError: there is no such input, or it is empty.
    """
    found = parquet.slices(_parquet_files(place), size, column) if is_parquet(place) else pieces.grouped(_places(place), size)
    counted, number = pieces.write(found, folder)
    if not counted:
        raise LikenessError(f"{place}: holds no inputs")
    return counted, number


def _places(place: str) -> Iterator[Any]:
    """A path, or conditions by name, for each input of a folder or list."""
    suffix = os.path.splitext(place)[1].lower()  # noqa: PTH122 (it may be an address)
    if suffix in LISTS:
        yield from _lines(place, suffix)
    elif remote(place):
        system, root = _fsspec().core.url_to_fs(place)
        for folder, _, names in system.walk(root):
            for name in sorted(names):
                if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith("."):  # noqa: PTH122
                    yield system.unstrip_protocol(f"{folder}/{name}")
    elif Path(place).is_dir():
        for name in walked_pictures(place):
            yield str(Path(place) / name)
    elif suffix in SUFFIXES and Path(place).is_file():
        yield place
    else:
        kinds = f"a folder of pictures, a picture, a list ({', '.join(LISTS)}) or a .parquet"
        raise LikenessError(f"{place}: no such file or folder" if not Path(place).exists() else f"{place}: {kinds} is needed")


def _lines(place: str, suffix: str) -> Iterator[Any]:
    try:
        with opened(place) as file:
            for number, line in enumerate(file, 1):
                if not (text := line.decode("utf-8-sig" if number == 1 else "utf-8").strip()):
                    continue
                if suffix == ".txt":
                    yield text
                    continue
                request = json.loads(text)
                if not isinstance(request, dict) or not all(isinstance(one, str) for one in request.values()):
                    raise ValueError
                yield request
    except UnicodeDecodeError:
        raise LikenessError(f"{place}: is not UTF-8 text") from None
    except ValueError:
        raise LikenessError(f'{place}, line {number}: a JSON object of texts is needed, such as {{"photo": "a.jpg"}}') from None
    except LikenessError as problem:
        raise LikenessError(f"{place}: {problem}") from None


def _parquet_files(place: str) -> list[str]:
    if remote(place):
        system, root = _fsspec().core.url_to_fs(place)
        found = [root] if system.isfile(root) else sorted(system.glob(f"{root}/**/*.parquet"))
        return [system.unstrip_protocol(one) for one in found]
    path = Path(place)
    if not path.exists():
        raise LikenessError(f"{place}: no such file or folder")
    return [str(one) for one in sorted(path.rglob("*.parquet")) if one.is_file()] if path.is_dir() else [place]


def read_piece(folder: Path, number: int, condition: str, kinds: Mapping[str, str]) -> Iterator[Input]:
    """The inputs of a piece, one by one.

    Args:
        folder: where :func:`write_pieces` wrote.
        number: the piece's.
        condition: what a plain path or a row of a Parquet is given as.
        kinds: each condition's kind, see :data:`likeness.synthesizer.KINDS`.
    """
    piece = pieces.read(folder, number)
    first = piece["first"]
    if "each" not in piece:
        with opened(piece["file"]) as file:
            for i, (name, value) in enumerate(parquet.rows(file, piece)):
                given = _file(value) if isinstance(value, str) else value
                yield Input(first + i, name, {condition: given})
        return
    for i, place in enumerate(piece["each"]):
        request = {condition: place} if isinstance(place, str) else place
        read: dict[str, Value] = {
            name: _file(value) if kinds.get(name) in READ_BY_FILE else value for name, value in request.items()
        }
        yield Input(first + i, place if isinstance(place, str) else json.dumps(place, ensure_ascii=False), read)


def _file(place: str) -> bytes | LikenessError:
    try:
        with opened(place) as file:
            return file.read()
    except LikenessError as problem:
        return problem
