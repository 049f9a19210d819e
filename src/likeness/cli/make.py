"""``likeness make``: a picture with any system, from its declared conditions; a system needs no command of its own."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command; a system's module is imported once it is named."""
    options.command(commands, "make", run, "make a picture with any system from its conditions, by their names", _systems)


def _systems(parser: argparse.ArgumentParser) -> None:
    """A sub-command for every system."""
    from likeness import systems

    below = parser.add_subparsers(metavar="SYSTEM", required=True, parser_class=options.Filled)
    for name, row in systems.known().items():
        options.command(below, name, run, row.what, partial(_conditions, name)).set_defaults(system=name)


def request(name: str, parser: argparse.ArgumentParser) -> None:
    """A system's conditions and options, as options of a command."""
    from likeness import systems

    taken = systems.row(name).synthesizer_class()
    for one in taken.conditions:
        needed = "" if one.needed else " (may be left out)"
        added = parser.add_argument(
            _flag(one.name), dest=f"request_{one.name}", metavar=one.kind.upper(), help=one.words + needed
        )
        added.type = int if one.kind == "noise" else str
    for option in taken.options:
        parser.add_argument(
            _flag(option.name),
            dest=f"request_{option.name}",
            type=_reader(option.default),
            metavar="VALUE",
            help=f"{option.words} (default: {_shown(option.default)})".replace("%", "%%"),
        )


def requested(given: argparse.Namespace) -> dict[str, Any]:
    """The conditions and options that were given, by name."""
    words = {name.removeprefix("request_"): value for name, value in vars(given).items() if name.startswith("request_")}
    return {name: value for name, value in words.items() if value is not None}


def _conditions(name: str, parser: argparse.ArgumentParser) -> None:
    """All options of a system's sub-command."""
    request(name, parser)
    parser.add_argument("-o", "--output", metavar="PATH", help=f"the picture to write (default: {name}.png here)")
    parser.add_argument("--weights", default=name, metavar="W", help="a weights file or run directory (default: those that ship)")
    options.engine(parser)
    parser.add_argument("--json", action="store_true", help="write a JSON file beside the picture that says how it was made")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shown(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _reader(default: Any) -> Any:
    """How an option's text becomes a value: as the type of its default; JSON where it begins like a list or a table of JSON."""
    if isinstance(default, bool):
        return lambda text: text.lower() in ("1", "true", "yes")
    others = _value if default is None else partial(_value, several=isinstance(default, tuple))
    return type(default) if isinstance(default, int | float) else others


def _value(text: str, several: bool | None = None) -> Any:
    """A text as JSON, as words between commas where there may be ``several``, or, where a number may be meant, as that."""
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            raise LikenessError(f"{text[:60]}: looks like JSON and cannot be read as such") from None
    with suppress(ValueError):
        return float(text if several is None else "")
    return tuple(text.split(",")) if several else text


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
