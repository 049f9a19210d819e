"""``likeness export``: the graphs of a run directory."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "export", run, "write the ONNX graphs of weights beside them, to load without torch")
    parser.add_argument("weights", metavar="RUN", help="a run directory or weights file")
    parser.add_argument(
        "--int8", metavar="FOLDER", help="also write graphs that compute in int8, ranged on these pictures (64 are enough)"
    )


def run(given: argparse.Namespace) -> int:
    """Write the graphs."""
    from likeness import baselines, systems
    from likeness.card import read_card
    from likeness.export import export

    path = systems.weights_path(given.weights)
    place = baselines.row(read_card(path).system)
    written = export(path, place.graph_module)
    if given.int8:
        from likeness.engine import open_weights
        from likeness.export.int8 import quantise
        from likeness.image import pictures_in

        made, pictures = place.synthesizer_class(), pictures_in(given.int8)

        def use(weights: Any) -> None:
            system = made(weights)
            for picture in pictures:
                with suppress(LikenessError):  # such as a photo without a face
                    system.make([system.prepare({made.conditions[0].name: picture})])

        written += quantise(open_weights(path, "onnx"), use)
    for file in written:
        print(file)
    return 0
