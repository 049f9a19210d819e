"""``likeness parse``: what each pixel of a face is, drawn over the photo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "parse", run, "tell skin, hair, eyes, … of a photo or a drawing apart")
    parser.add_argument("photo", metavar="PICTURE", help="a photo or a drawing with a face, or a folder of them")
    parser.add_argument("-o", "--output", metavar="PATH", help="the picture to write, or for a folder the folder")
    parser.add_argument("--plain", action="store_true", help="write the classes' colours alone, as other commands read them")
    parser.add_argument("--weights", metavar="W", help="a weights file or run directory (default: the parser that ships)")


def run(given: argparse.Namespace) -> int:
    """Parse, and draw."""
    import numpy as np

    from likeness import provenance, systems
    from likeness.faces.labels import CLASSES, coloured
    from likeness.faces.parsing import WEIGHTS, open_parser
    from likeness.image import read

    pairs = list(options.jobs(given.photo, given.output, "parsing"))
    parser = open_parser(systems.weights_path(given.weights) if given.weights else WEIGHTS)

    def work(before: Path, after: Path) -> None:
        photo = read(before)
        try:
            classes = parser.soft(photo, name=str(before)).argmax(0).astype(np.uint8)
        except LikenessError as problem:
            raise LikenessError(problem if str(before) in str(problem) else f"{before}: {problem}") from None
        picture = coloured(classes)
        if not given.plain:
            mixed = np.round(0.45 * photo + 0.55 * picture).astype(np.uint8)
            picture = np.concatenate([photo, mixed, picture], 1)
        provenance.write(after, picture, provenance.software("parse", "parser"), provenance.ENHANCED)
        shares = [f"{name} {100 * float((classes == k).mean()):.1f} %" for k, name in enumerate(CLASSES) if k]
        print(f"{after}: {', '.join(shares)}")

    return options.each(pairs, work, given.photo)
