"""Command-line options made of a dataclass, as :func:`likeness.experiment.option` declares its fields."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from likeness.errors import LikenessError

T = TypeVar("T")


def options_of(function: Any) -> type[Any]:
    """The options dataclass of a protocol: the annotation of its first parameter."""
    kind: type[Any] = get_type_hints(function)["options"]
    return kind


def add(parser: argparse.ArgumentParser, kind: type[Any]) -> None:
    """An option for each field: a switch for a bool, several values for a tuple, else one value of its type."""
    hints = get_type_hints(kind)
    for one in fields(kind):
        hint, said = hints[one.name], dict(one.metadata)
        text, default = str(said.get("help", "")), one.default
        words: dict[str, Any] = {"dest": one.name, "default": None}
        if hint is bool:
            parser.add_argument(_flag(one), help=text, action="store_true", **words)
            continue
        if get_origin(hint) is UnionType:
            hint = next(inner for inner in get_args(hint) if inner is not type(None))
        if get_origin(hint) is tuple:
            words |= {"nargs": "+", "type": get_args(hint)[0]}
        else:
            words["type"] = hint
        if said.get("choices"):
            words["choices"] = said["choices"]
        else:
            words["metavar"] = said.get("metavar") or one.name.upper()
        shown = default is not MISSING and default not in (None, ())
        text += f" (default: {default})" if shown else ""
        parser.add_argument(_flag(one), help=text.replace("%", "%%"), **words)


def read(given: argparse.Namespace, kind: type[T]) -> T:
    """The dataclass, from what was given.

    Raises:
        LikenessError: an option that is needed was not given.
    """
    values = {}
    for one in fields(kind):  # type: ignore[arg-type]
        value = getattr(given, one.name)
        if value is not None:
            values[one.name] = tuple(value) if isinstance(value, list) else value
        elif one.default is MISSING:
            shown = one.metadata.get("metavar") or one.name.upper()
            raise LikenessError(f"{_flag(one)} {shown} is needed: {one.metadata.get('help', '')}")
    return kind(**values)


def _flag(one: Field[Any]) -> str:
    return str(one.metadata.get("flag") or "--" + one.name.replace("_", "-"))
