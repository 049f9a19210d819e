"""``likeness verify``: does a picture or clip say that it was made?"""

from __future__ import annotations

import argparse
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "verify",
        run,
        "read the mark of provenance in a picture or clip; exit code 0 when it says it was made, 1 when not",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures and clips")


def run(given: argparse.Namespace) -> int:
    """Print each file's mark."""
    from likeness import provenance, video

    status = 0
    for file in given.files:
        mark = video.mark(file) if video.is_clip(file) else provenance.read(file)
        if mark is None:
            print(f"{file}: no mark (that proves nothing: marks can be taken off)")
        else:
            print(f"{file}: {mark.source_type.rsplit('/', 1)[-1]}, by {mark.software or 'an unnamed tool'}")
        if mark is None or not mark.trained:
            status = 1
    return status
