"""What preparing a million photos takes, by repetition: a folder of hard links to a few small photos, and parts repeated.

python tools/million_photos.py --photos 1000000 --seconds 60 --csv benchmarks/million.csv

Three figures, each with the peak memory of the process that did it: all photos are written down in pieces; then pieces are
prepared for so many seconds (detect, align, encode); then the finished parts, repeated to as many rows, are joined into one file.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

LINKS = 30_000
"""Hard links to a file: ext4 allows 65,000, and a tenth of the photos are linked twice."""


def photos(folder: Path, count: int) -> None:
    """A thousand photos a person, people in sub-folders."""
    from likeness import assets
    from likeness.image import pictures_in, read, write

    samples = pictures_in(assets.SAMPLES)
    for number in range(count):
        if number % LINKS == 0:
            original = folder.parent / f"{number}.jpg"
            write(original, read(samples[(number // LINKS) % len(samples)]))
        place = folder / f"person{number // 1000:05d}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
        os.link(original, place / f"{number:07d}.jpg")


def write_down(folder: Path, partial: Path) -> int:
    """All photos in pieces."""
    from likeness.data.folder import _pieces
    from likeness.shards import pieces

    partial.mkdir()
    return pieces.write(_pieces({"photos": folder}), partial)[0]


def prepare(partial: Path, seconds: float) -> int:
    """Pieces for so long, by one process; how many photos."""
    from likeness.data.folder import Pointing, PrepareJob
    from likeness.faces.align import Framing
    from likeness.shards import pool

    until, done = time.monotonic() + seconds, 0
    count = sum(1 for _ in (partial / "pieces.jsonl").open())
    for _, said in pool.run(PrepareJob(str(partial), Framing(), None, Pointing()), iter(range(count)), 1):
        done += said["done"]
        if time.monotonic() >= until:
            break
    return done


def join(partial: Path, output: Path, rows: int) -> int:
    """The finished parts, repeated to so many rows, as one file."""
    import pyarrow.parquet as pq

    from likeness.data.store import merge
    from likeness.faces.align import Framing

    parts = sorted(partial.glob("*.parquet"))
    each = [pq.ParquetFile(part).metadata.num_rows for part in parts]
    repeated = [parts[i % len(parts)] for i in range(-(-rows * len(parts) // sum(each)))]
    merge(repeated, output, Framing())
    return pq.ParquetFile(output).metadata.num_rows


def measured(what: str, work: Callable[..., int], *given: Any) -> list[str]:
    """Do it in a process of its own; print how many a second, and the most memory that it had; the line of the table."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_child, args=(there, work, given))
    process.start()
    count, seconds, peak = here.recv()
    process.join()
    print(f"{what}: {count} in {seconds:.1f} s, {count / seconds:.1f} a second, peak {peak / 1e6:.0f} MB", flush=True)
    return [what, str(count), f"{count / seconds:.1f}", f"{peak / 1e6:.0f}"]


def _child(pipe: Connection, work: Callable[..., int], given: tuple[Any, ...]) -> None:
    began = time.monotonic()
    count = work(*given)
    unit = 1 if sys.platform == "darwin" else 1024
    pipe.send((count, time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit))


def main() -> None:
    """Write down, prepare, join."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--csv")
    given = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        photos(folder / "photos", given.photos)
        for few in (given.photos // 10, given.photos):
            place = folder / f"partial{few}"
            if few < given.photos:
                small = folder / "few"
                small.mkdir()
                for person in sorted((folder / "photos").iterdir())[: max(few // 1000, 1)]:
                    (small / person.name).mkdir()
                    for photo in person.iterdir():
                        os.link(photo, small / person.name / photo.name)
                lines.append(measured("written down", write_down, small, place))
            else:
                lines.append(measured("written down", write_down, folder / "photos", place))
        lines.append(measured("prepared, one process", prepare, place, given.seconds))
        for rows in (given.photos // 10, given.photos):
            lines.append(measured("joined", join, place, folder / "all.parquet", rows))
    if given.csv:
        from likeness.files import csv_text, write_content
        from likeness.train.run import commit

        rows = [["stage", "photos", "per_second", "peak_mb", "commit"], *([*line, commit()] for line in lines)]
        write_content(given.csv, csv_text(rows))


if __name__ == "__main__":
    main()
