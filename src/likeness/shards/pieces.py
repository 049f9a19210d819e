"""Inputs written down in pieces, so that a run that goes on does the same ones, and a worker finds a piece by its number."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from likeness.files import write_atomically, write_content

LINES, INDEX = "pieces.jsonl", "pieces.index"
"""A line a piece; and the offset of each line, 8 bytes each. The index is written last."""


def write(pieces: Iterable[Mapping[str, Any]], folder: Path) -> tuple[int, int]:
    """Write down pieces, each with its ``count`` of inputs: how many inputs there are, and how many pieces.

    A piece gets ``first``, the number of its first input. No more than one is held at a time.
    """
    counted, offsets = 0, array("Q")

    def fill(file: BinaryIO) -> None:
        nonlocal counted
        for piece in pieces:
            offsets.append(file.tell())
            file.write(json.dumps({"first": counted, **piece}).encode() + b"\n")
            counted += piece["count"]

    write_atomically(folder / LINES, fill)
    write_content(folder / INDEX, offsets.tobytes())
    return counted, len(offsets)


def grouped(places: Iterable[Any], size: int) -> Iterator[dict[str, Any]]:
    """Pieces of at most ``size`` places: ``each`` of them, and their ``count``."""
    waiting = iter(places)
    while some := list(islice(waiting, size)):
        yield {"count": len(some), "each": some}


def read(folder: Path, number: int) -> dict[str, Any]:
    """The piece of a number."""
    with (folder / INDEX).open("rb") as file:
        file.seek(8 * number)
        (offset,) = array("Q", file.read(8))
    with (folder / LINES).open("rb") as file:
        file.seek(offset)
        found: dict[str, Any] = json.loads(file.readline())
    return found


def count(folder: Path) -> tuple[int, int] | None:
    """How many inputs were written down, and in how many pieces; None where they are not yet."""
    if not (folder / INDEX).is_file():
        return None
    pieces = (folder / INDEX).stat().st_size // 8
    if not pieces:
        return 0, 0
    last = read(folder, pieces - 1)
    return last["first"] + last["count"], pieces
