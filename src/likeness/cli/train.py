"""``likeness train``: teach a system."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "train",
        run,
        "train a system by a recipe; the same command goes on after an interruption, bit for bit",
    )
    parser.add_argument("recipe", metavar="SYSTEM:RECIPE", help="such as parts:lite or pix2pix:lite; see likeness systems")
    parser.add_argument(
        "--data", nargs="+", metavar="FILE.parquet", help="prepared faces, all together (a tiny recipe draws its own)"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="the run directory")
    parser.add_argument(
        "--from", dest="warm", metavar="W", help="begin from these weights (a file, or a system's name for its own)"
    )
    parser.add_argument("--terms", default="", help="terms of use of the data, for the weights' card")
    options.training(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="print the whole recipe and stop")


def run(given: argparse.Namespace) -> int:
    """Train."""
    import json
    import shlex

    from likeness import baselines, systems
    from likeness.errors import LikenessError
    from likeness.recipe import freeze, override

    recipe = override(baselines.recipe(given.recipe), given.set)
    system = given.recipe.partition(":")[0]
    if given.dry_run:
        print(json.dumps(freeze(recipe), indent=2))
        return 0

    from likeness.data.store import FaceStore
    from likeness.data.stream import StreamedStore
    from likeness.experiment import Contender
    from likeness.train.session import Session

    def faces() -> FaceStore:
        if given.data is not None:
            return StreamedStore(given.data) if recipe.training.shard else FaceStore.together(given.data)
        if not given.recipe.endswith(":tiny"):
            raise LikenessError("--data FILE.parquet is needed; make one with: likeness prepare FOLDER -o FILE.parquet")
        from likeness.faces.drawing import drawn_faces

        framing = recipe.framing  # type: ignore[attr-defined]
        return FaceStore.of(drawn_faces(60, framing, paired=True), framing, "drawn", "labels")

    warm = systems.weights_path(given.warm) if given.warm else None
    one = Contender(system, recipe, faces, warm, given.terms)
    with options.bar("training") as show, Session(baselines.row, **options.limits(given)) as session:
        trained = session.train(one, Path(given.output), steps=given.steps, show=show)
    print(trained.weights)
    options.without_graphs(trained)
    if session.stopped:
        print(f"stopped; the same command goes on: likeness {shlex.join(sys.argv[1:])}")
        return 128 + session.stopped
    if use := baselines.row(system).use:
        print(f"next: likeness {use} {given.output}")
    return 0
