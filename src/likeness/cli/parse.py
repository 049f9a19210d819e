"""``likeness parse``: what each pixel of a face is, drawn over the photo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options


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

    pairs = list(options.jobs(given.photo, given.output, "parsing"))
    system = systems.load(given.weights or "parser", "parser")

    def work(before: Path, after: Path) -> None:
        result = system(photo=before)
        picture = result.picture
        if not given.plain:
            picture = np.concatenate([result.intermediates["photo"], result.intermediates["overlay"], picture], 1)
        provenance.write(after, picture, result.tool, provenance.ENHANCED)
        shares = [f"{name} {100 * share:.1f} %" for name, share in result.made["shares"].items() if name != "background"]
        print(f"{after}: {', '.join(shares)}")

    return options.each(pairs, work, given.photo)
