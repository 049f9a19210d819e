"""``likeness export``: the graphs of a run directory."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
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
    """Write the graphs; no other process trains into or exports the run meanwhile."""
    from likeness import systems
    from likeness.card import read_card
    from likeness.files import LOCK, locked

    path = systems.weights_path(given.weights)
    system = read_card(path).system
    with locked(path.with_name(LOCK), str(path.parent)):
        written = _written(path, system, given.int8)
    for file in written:
        print(file)
    return 0


def _written(path: Path, system: str, photos: str | None) -> list[Path]:
    """The graphs of weights, and with a folder of photos those that compute in int8."""
    from likeness import baselines
    from likeness.export import export

    place = baselines.row(system)
    written = export(path, place.graph_module)
    if not photos:
        return written
    from likeness.engine import open_weights
    from likeness.export.int8 import quantise
    from likeness.image import pictures_in

    made, pictures = place.synthesizer_class(), pictures_in(photos)

    def use(weights: Any) -> None:
        system = made(weights)
        for picture in pictures:
            with suppress(LikenessError):  # such as a photo without a face
                system.make([system.prepare({made.conditions[0].name: picture})])

    return [*written, *quantise(open_weights(path, "onnx"), use)]
