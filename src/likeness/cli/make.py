"""``likeness make``: a picture with any system, from its declared conditions; a system needs no command of its own."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.cli.requests import USUAL, request, requested
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.history import History
    from likeness.synthesizer import Synthesizer

MOST = 1024
"""The most faces in one call: all are in memory."""


def add(commands: Any) -> None:
    """Add the command; a system's module is imported once it is named."""
    made = options.command(commands, "make", run, "make a picture with any system from its conditions, by their names", _systems)
    made.usual = USUAL


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
    parser.add_argument("-n", "--number", type=int, default=1, metavar="N", help="so many, each of another seed, as a grid")
    parser.add_argument("--vary", default="all", metavar="WHAT", help="what another seed changes (default: all)")
    parser.add_argument("--session", metavar="FILE.json", help="go on with this session, or begin one: every face is noted in it")
    parser.add_argument(
        "--choose", type=int, metavar="N", help="take face N of the session further: it stays but for what is said"
    )


def run(given: argparse.Namespace) -> int:
    """Make the picture, or several."""
    from likeness import systems
    from likeness.image import check_writable

    target = Path(given.output or f"{given.system}.png")
    check_writable(target)
    if not 1 <= given.number <= MOST:
        raise LikenessError(f"-n {given.number}: a number from 1 to {MOST} is needed")
    if given.choose is not None and not given.session:
        raise LikenessError("--choose: name the --session whose face is meant")
    system = systems.load(given.weights, given.system, given.engine, given.device)
    asked, history = requested(given), _history(given, system)
    if given.choose is not None and history is not None:
        if changed := history.changed_files(given.choose):
            raise LikenessError(f"{changed[0]}: is gone, or is not the file that face {given.choose} was made of")
        asked = {**history.step(given.choose).request, **asked}
    requests = [asked]
    if given.number > 1 or (given.choose is not None and given.vary != "all"):
        first = asked.get("noise") or 0
        skip = int(given.choose is not None)  # the chosen face itself is not made again
        requests = [system.varied(asked, given.vary.split(","), first + skip + i) for i in range(given.number)]
    return _write(given, system, requests, history, target)


def _history(given: argparse.Namespace, system: Synthesizer) -> History | None:
    from likeness.history import open_history

    return open_history(given.session, given.system, system.weights.digest[:16]) if given.session else None


def _write(
    given: argparse.Namespace, system: Synthesizer, requests: list[dict[str, Any]], history: History | None, target: Path
) -> int:
    """Make the faces, write them, and note them in the session."""
    first = system.prepare(requests[0])
    results = system.make([first, *(system.with_chance(first, one) for one in requests[1:])])
    options.note(results[0])
    (results[0] if len(results) == 1 else options.gridded(results)).save(target)
    if given.json:
        made = options.made_with(given, results[0])
        options.sidecar(target, made if len(results) == 1 else {**made, "faces": [dict(one.made) for one in results]})
    if history is not None:
        history = history.added(requests, given.choose or 0)
        history.save(given.session)
        print(f"{given.session}: faces {len(history.steps) - len(results) + 1} to {len(history.steps)}")
    print(target)
    return 0
