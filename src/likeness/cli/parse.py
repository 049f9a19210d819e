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
    import cv2
    import numpy as np

    from likeness import provenance, systems
    from likeness.faces.labels import CLASSES, coloured
    from likeness.image import read
    from likeness.systems.parser.synthesis import ParserSynthesizer

    pairs = list(options.jobs(given.photo, given.output, "parsing"))
    system = systems.load(given.weights or "parser", "parser")
    assert isinstance(system, ParserSynthesizer)

    def work(before: Path, after: Path) -> None:
        photo = read(before)
        classes = system.parser.classes(photo, str(before))
        picture = coloured(classes)
        if not given.plain:
            picture = np.concatenate([photo, cv2.addWeighted(photo, 0.45, picture, 0.55, 0), picture], 1)
        provenance.write(after, picture, provenance.software("parse", "parser"), provenance.ENHANCED)
        shares = [f"{name} {100 * float((classes == k).mean()):.1f} %" for k, name in enumerate(CLASSES) if k]
        print(f"{after}: {', '.join(shares)}")

    return options.each(pairs, work, given.photo)
