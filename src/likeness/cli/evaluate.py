"""``likeness evaluate``: measure a model by its system's protocol, in the field's numbers."""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module
from typing import Any

from likeness.cli import fields, options, tables
from likeness.experiment import Protocol

OTHERS = {
    "folders": ("a folder of made pictures beside one of real ones", "likeness.evaluate.folders:protocol"),
    "verification": ("the recognisers themselves, on LFW's pairs", "likeness.evaluate.lfw:protocol"),
}
"""Protocols that belong to no system."""


def add(commands: Any) -> None:
    """Add the command; a protocol's module is imported once it is named."""
    options.command(commands, "evaluate", run, "measure a model on test people, beside trivial baselines", _protocols)


def _protocols(parser: argparse.ArgumentParser) -> None:
    """A sub-command for every protocol."""
    from likeness import systems

    whats = {name: row.what for name, row in systems.known().items() if row.protocol}
    whats |= {name: what for name, (what, _) in OTHERS.items()}
    below = parser.add_subparsers(metavar="PROTOCOL", required=True, parser_class=options.Filled)
    for name, what in whats.items():
        options.command(below, name, run, what, partial(_options, name)).set_defaults(protocol=name)


def _options(name: str, parser: argparse.ArgumentParser) -> None:
    """A protocol's options, and where its outcome is written."""
    fields.add(parser, fields.options_of(_protocol(name)))
    parser.add_argument("-o", "--output", metavar="FILE.json", help="write the figures, with what they were measured on")
    parser.add_argument("--csv", metavar="FILE.csv", help="write the table as CSV; further tables stand beside it")
    parser.add_argument("--sheet", metavar="PICTURE", help="write a contact sheet (people are in it: keep it local)")


def _protocol(name: str) -> Protocol:
    if name not in OTHERS:
        from likeness import systems

        return systems.row(name).protocol_function()
    module, function = OTHERS[name][1].split(":")
    protocol: Protocol = getattr(import_module(module), function)
    return protocol


def run(given: argparse.Namespace) -> int:
    """Measure, print and write."""
    if given.sheet:
        from likeness.image import check_writable

        check_writable(given.sheet)
    protocol = _protocol(given.protocol)
    with options.bar("measuring") as show:
        outcome = protocol(fields.read(given, fields.options_of(protocol)), show)
    about = tables.show_outcome(outcome)
    tables.write_outcome(outcome, about, given.output, [given.csv], given.sheet)
    return 0
