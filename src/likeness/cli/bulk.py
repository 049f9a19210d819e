"""``likeness bulk``: a face of each of many inputs, by several processes or a Ray cluster."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from likeness.cli import options, requests


def add(commands: Any) -> None:
    """Add the command; a system's module is imported once it is named."""
    text = "make a face of each input of a folder, list or Parquet; the same command goes on after any interruption"
    options.command(commands, "bulk", run, text, _systems)


def _systems(parser: argparse.ArgumentParser) -> None:
    """A sub-command for every system."""
    from likeness import systems

    below = parser.add_subparsers(metavar="SYSTEM", required=True, parser_class=options.Filled)
    for name, row in systems.known().items():
        options.command(below, name, run, row.what, partial(_options, name)).set_defaults(system=name)


def _options(name: str, parser: argparse.ArgumentParser) -> None:
    """What is common to all systems, and a system's own conditions and options, which all inputs share."""
    inputs = "a folder of pictures, a list (.txt: a path a line; .jsonl: a request a line) or a .parquet; or an fsspec address"
    parser.add_argument("input", metavar="INPUT", help=inputs)
    shards = "the local folder of shards: of Parquet where it is named FOLDER.parquet, else of pictures"
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help=shards)
    parser.add_argument("--weights", default=name, metavar="W", help="a weights file or run directory (default: those that ship)")
    parser.add_argument(
        "--as", dest="condition", default="", metavar="NAME", help="which condition an input is (default: its main one)"
    )
    parser.add_argument("--column", default="", metavar="NAME", help="the column of a Parquet input that holds pictures or paths")
    parser.add_argument("--pictures", default=".png", metavar="SUFFIX", help=".png, .jpg or .webp (default: .png)")
    parser.add_argument("--shard", type=int, default=256, metavar="N", help="inputs a shard (default: 256)")
    options.crew(parser)
    parser.add_argument("--runtime", default="auto", metavar="E", help="runs the networks: onnx, int8, torch or auto (default)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1 … (default: auto)")
    requests.request(name, parser)


def run(given: argparse.Namespace) -> int:
    """Make them all."""
    import sys

    from likeness import systems
    from likeness.bulk.making import bulk
    from likeness.card import read_card
    from likeness.errors import LikenessError

    if (found := read_card(systems.weights_path(given.weights)).system) != given.system:
        raise LikenessError(f"{given.weights}: holds weights of {found!r}, not of {given.system!r}")
    try:
        with options.bar("making") as show:
            report = bulk(
                given.weights,
                given.input,
                given.output,
                crew=options.crew_of(given),
                condition=given.condition,
                constant=requests.requested(given),
                column=given.column,
                suffix=given.pictures,
                shard=given.shard,
                engine=given.runtime,
                device=given.device,
                progress=show,
            )
    except KeyboardInterrupt:
        print("likeness: stopped; the same command goes on", file=sys.stderr)
        return 130
    before = f" ({report.resumed} were there before)" if report.resumed else ""
    print(f"{given.output}: {report.made} faces{before}")
    if report.failed:
        print(f"  {report.failed} inputs gave none; the column reason of their rows says why")
    return 0 if report.made else 2
