"""``likeness inspect``: what was found in a photo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "inspect", run, "draw the faces, landmarks and parts that are found in a photo")
    parser.add_argument("photo", metavar="PHOTO", help="a photo, or a folder of them")
    parser.add_argument("-o", "--output", metavar="PATH", help="the picture to write (default: PHOTO-inspect.png here)")
    parser.add_argument("--json", action="store_true", help="write boxes and landmarks as JSON beside it")


def run(given: argparse.Namespace) -> int:
    """Draw what was found."""
    pairs = list(options.jobs(given.photo, given.output, "inspect"))

    from likeness.faces import inspection
    from likeness.faces.reader import FaceReader
    from likeness.image import read, write

    reader = FaceReader()

    def work(before: Path, after: Path) -> None:
        photo = read(before)
        faces = reader.faces(photo) or [reader.face(photo, str(before))]  # which says why there is none
        first = faces[0]
        write(after, inspection.draw(photo, faces))
        if given.json:
            options.sidecar(after, {"photo": str(before), "faces": [inspection.describe(face) for face in faces]})
        many = f"{len(faces)} faces, the largest" if len(faces) > 1 else "1 face,"
        print(f"{after}: {many} {first.box[2] - first.box[0]:.0f} pixels wide")

    return options.each(pairs, work, given.photo)
