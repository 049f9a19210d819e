"""``likeness export``: the graphs of a run directory."""

from __future__ import annotations

import argparse
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "export", run, "write the ONNX graphs of weights beside them, to load without torch")
    parser.add_argument("weights", metavar="RUN", help="a run directory or weights file")


def run(given: argparse.Namespace) -> int:
    """Write the graphs."""
    from likeness import baselines, systems
    from likeness.card import read_card
    from likeness.export import export

    path = systems.weights_path(given.weights)
    for file in export(path, baselines.row(read_card(path).system).graph_module):
        print(file)
    return 0
