"""``likeness matrix``: everybody's parts with everybody's (figure 8 of the parts paper)."""

from __future__ import annotations

import argparse
import string
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "matrix", run, "mix the parts of several people: one labelled picture")
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="two or more photos, or one folder of them")
    parser.add_argument("--random", type=int, metavar="N", help="N mixed faces by chance (default: 10, or fewer)")
    parser.add_argument("--every", action="store_true", help="all combinations instead")
    parser.add_argument("--each", metavar="FOLDER", help="write every mixed face into this folder too")
    options.making(parser, "the picture to write (default: matrix.png here)")


def run(given: argparse.Namespace) -> int:
    """Make the matrix."""
    if given.every and given.random is not None:
        raise LikenessError("--random and --every exclude each other")
    if given.random is not None and given.random < 1:
        raise LikenessError(f"--random {given.random}: at least one face is needed")
    from likeness.image import check_writable, pictures_in

    target = Path(given.output or "matrix.png")
    target = target / "matrix.png" if target.is_dir() else target
    check_writable(target)
    photos = [Path(photo) for photo in given.photos]
    if len(photos) == 1 and photos[0].is_dir():
        photos = pictures_in(photos[0])

    from likeness import provenance
    from likeness.image import read
    from likeness.systems.parts.figures import GROUPS, matrix

    system = options.painter(given.weights, given.engine, given.device)
    people = [system.reader.read(read(photo), str(photo)) for photo in photos]
    picture, chosen, results = matrix(system, people, None if given.every else given.random or 10, given.seed)
    letters = string.ascii_uppercase
    if given.each:
        for who, result in zip(chosen, results, strict=True):
            name = "-".join(f"{part}{letters[person]}" for part, person in zip(GROUPS, who, strict=True))
            result.save(Path(given.each) / f"{name}.png")
    provenance.write(target, picture, results[0].tool)
    if given.json:
        who_is = dict(zip(letters, (str(photo) for photo in photos), strict=False))
        mixes = [dict(zip(GROUPS, (letters[person] for person in who), strict=True)) for who in chosen]
        said = options.made_with(given, results[0]) | {"conditions": {}, "seed": given.seed}
        options.sidecar(target, said | {"people": who_is, "faces": mixes})
    print(target)
    return 0
