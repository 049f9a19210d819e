"""``likeness make``: a picture with any system, from its declared conditions; a system needs no command of its own."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.cli.requests import request, requested


def add(commands: Any) -> None:
    """Add the command; a system's module is imported once it is named."""
    options.command(commands, "make", run, "make a picture with any system from its conditions, by their names", _systems)


def _systems(parser: argparse.ArgumentParser) -> None:
    """A sub-command for every system."""
    from likeness import systems

    below = parser.add_subparsers(metavar="SYSTEM", required=True, parser_class=options.Filled)
    for name, row in systems.known().items():
        options.command(below, name, run, row.what, partial(_conditions, name)).set_defaults(system=name)


def _conditions(name: str, parser: argparse.ArgumentParser) -> None:
    """All options of a system's sub-command."""
    request(name, parser)
    parser.add_argument("-o", "--output", metavar="PATH", help=f"the picture to write (default: {name}.png here)")
    parser.add_argument("--weights", default=name, metavar="W", help="a weights file or run directory (default: those that ship)")
    options.engine(parser)
    parser.add_argument("--json", action="store_true", help="write a JSON file beside the picture that says how it was made")


def run(given: argparse.Namespace) -> int:
    """Make the picture."""
    from likeness import systems
    from likeness.image import check_writable

    target = Path(given.output or f"{given.system}.png")
    check_writable(target)
    result = systems.load(given.weights, given.system, given.engine, given.device)(**requested(given))
    options.note(result)
    result.save(target)
    if given.json:
        options.sidecar(target, options.made_with(given, result))
    print(target)
    return 0
