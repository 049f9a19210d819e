"""Options made of a dataclass."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pytest

from likeness.cli import fields
from likeness.errors import LikenessError
from likeness.experiment import option


@dataclass(frozen=True, kw_only=True)
class Options:
    data: str = option("a file", metavar="FILE")
    count: int | None = option("how many, 5 % of all", None)
    share: float = option("a share", 0.5)
    words: tuple[str, ...] = option("some words", ("a",))
    which: str = option("one of two", "x", choices=("x", "y"))
    quick: bool = option("be quick", False)
    warm: str | None = option("begin from", None, flag="--from")


def read(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    fields.add(parser, Options)
    assert "default: 0.5" in parser.format_help() and "5 % of all" in parser.format_help()
    return fields.read(parser.parse_args(words), Options)


def test_each_kind_of_field() -> None:
    assert read("--data", "f") == Options(data="f")
    words = ("--data", "f", "--count", "3", "--share", ".25", "--words", "b", "c", "--which", "y", "--quick", "--from", "w")
    assert read(*words) == Options(data="f", count=3, share=0.25, words=("b", "c"), which="y", quick=True, warm="w")


def test_what_is_needed() -> None:
    with pytest.raises(LikenessError, match="--data FILE is needed: a file"):
        read("--count", "3")


def test_a_protocols_options_are_its_annotation() -> None:
    def protocol(options: Options) -> None: ...

    protocol.__annotations__["options"] = Options
    assert fields.options_of(protocol) is Options
