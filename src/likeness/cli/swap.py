"""``likeness swap``: one part exchanged, a row of faces (figures 6 and 7 of the parts paper)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "swap", run, "exchange one part of a face for that of each donor: a row of faces")
    parser.add_argument("photo", metavar="PHOTO", help="whose face is kept: a photo, or a folder of them")
    options.part_flags(parser, several=True)
    parser.add_argument("--face", type=int, default=1, metavar="N", help="which face of PHOTO, 1 is the largest (default: 1)")
    parser.add_argument("--each", metavar="FOLDER", help="write every face of the row into this folder too")
    options.making(parser, "the picture to write, or for a folder the folder (default: PHOTO-swap.png here)")


def run(given: argparse.Namespace) -> int:
    """Make the rows."""
    named = {name: getattr(given, name) for name in options.PART_FLAGS if getattr(given, name)}
    if len(named) != 1:
        raise LikenessError("name one part and its donors, such as --mouth B.jpg C.jpg D.jpg")
    word, pictures = next(iter(named.items()))
    pairs = list(options.jobs(given.photo, given.output, "swap"))

    from likeness import provenance
    from likeness.image import read
    from likeness.systems.parts.figures import swap

    system = options.painter(given.weights, given.engine, given.device)
    donors = [options.donated(system, {word: picture})[word] for picture in pictures]

    def work(before: Path, after: Path) -> None:
        row = swap(system, system.reader.read(read(before), str(before), given.face), word, donors)
        if given.each:
            for number, result in enumerate(row.results):
                name = "reconstruction" if number == 0 else f"{word}-{number}"
                place = before.relative_to(given.photo).with_suffix("") if Path(given.photo).is_dir() else Path(before.stem)
                result.save(Path(given.each) / place.with_name(f"{place.name}-{name}.png"))
        provenance.write(after, row.picture, row.results[0].tool)
        if given.json:
            said = options.made_with(given, row.results[0]) | {"part": word, "donors": pictures}
            options.sidecar(after, said)
        print(after)

    return options.each(pairs, work, given.photo)
