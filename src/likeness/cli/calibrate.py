"""``likeness calibrate``: what is learned of people once facefeat's training has ended, written beside its weights."""

from __future__ import annotations

import argparse
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    text = "after facefeat's training: note who was learned from and how well people are kept, beside the weights"
    options.command(commands, "calibrate", run, text, _options)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", metavar="W", help="a weights file or run directory")
    parser.add_argument("--data", required=True, metavar="FILE.parquet", help="the prepared faces that it learned from")


def run(given: argparse.Namespace) -> int:
    """Calibrate, and say what was found."""
    from likeness.card import read_card
    from likeness.systems.facefeat.calibration import calibrate

    with options.bar("reading") as show:
        path = calibrate(given.weights, given.data, progress=show)
    print(path)
    for text in read_card(path).scores.values():
        print(f"  {text}")
    return 0
