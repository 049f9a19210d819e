"""A system's conditions and options as options of a command: of ``likeness make`` and ``likeness bulk``."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from functools import partial
from typing import Any

from likeness.errors import LikenessError

USUAL = "joint"
"""The system that takes any mix of conditions: what is meant where ``likeness make`` is told of none."""


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
