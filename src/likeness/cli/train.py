"""``likeness train``: teach a system."""

from __future__ import annotations

import argparse
import sys
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
    parser.add_argument("--minutes", type=float, metavar="M", help="stop cleanly after M minutes")
    parser.add_argument("--steps", type=int, metavar="N", help="stop cleanly at step N of the schedule")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a field of the recipe; may be repeated"
    )
    parser.add_argument(
        "--from", dest="warm", metavar="W", help="begin from these weights (a file, or a system's name for its own)"
    )
    parser.add_argument("--terms", default="", help="terms of use of the data, for the weights' card")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: cuda where there is one)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: one a core)")
    parser.add_argument("-n", "--dry-run", action="store_true", help="print the whole recipe and stop")


def run(given: argparse.Namespace) -> int:
    """Train."""
    import json
    import shlex

    import torch

    from likeness import baselines, systems
    from likeness.errors import LikenessError
    from likeness.recipe import freeze, override

    recipe = override(baselines.recipe(given.recipe), given.set)
    system = given.recipe.partition(":")[0]
    if given.dry_run:
        print(json.dumps(freeze(recipe), indent=2))
        return 0
    options.check_minutes(given.minutes)
    device = options.processors(given.device, given.threads)

    from likeness.data.store import FaceStore
    from likeness.train.loop import Progress, train

    if given.data is None:
        if not given.recipe.endswith(":tiny"):
            raise LikenessError("--data FILE.parquet is needed; make one with: likeness prepare FOLDER -o FILE.parquet")
        from likeness.faces.drawing import drawn_faces

        framing = recipe.framing  # type: ignore[attr-defined]
        store = FaceStore.of(drawn_faces(60, framing, paired=True), framing, "drawn", "labels")
    else:
        store = FaceStore.together(given.data)
    torch.manual_seed(recipe.training.seed)
    warm = systems.weights_path(given.warm) if given.warm else None
    with options.asked_to_stop() as asked, options.bar("training") as show:

        def report(progress: Progress) -> None:
            figures = " ".join(f"{name} {value:.3f}" for name, value in progress.figures.items())
            minutes = progress.remaining / 60
            show(progress.step, progress.steps, f"{progress.rate:.1f} faces/s, {minutes:.0f} min for all, {figures}")

        weights = train(
            baselines.row(system).build(recipe).to(device),
            system,
            store,
            given.output,
            minutes=given.minutes,
            steps=given.steps,
            warm_start=warm,
            terms=given.terms,
            report=report,
            stop=lambda: bool(asked),
        )
    print(weights)
    if asked:
        print(f"stopped; the same command goes on: likeness {shlex.join(sys.argv[1:])}")
        return 128 + asked[0]
    if use := baselines.row(system).use:
        print(f"next: likeness {use} {given.output}")
    return 0
