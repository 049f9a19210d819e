"""``likeness target train``: one's own target for landmarks, from a clip or a folder of photos."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "target", lambda given: 0, "a person whose face follows landmarks")
    below = parser.add_subparsers(metavar="train", required=True)
    training = options.command(below, "train", run, "learn one person from a clip or a folder of photos; run again to go on")
    training.add_argument("source", metavar="CLIP|FOLDER", help="a video of one person, a minute or more, or a folder of photos")
    training.add_argument("-o", "--output", required=True, metavar="NAME", help="the run directory, which is the target")
    training.add_argument(
        "--from",
        dest="warm",
        metavar="W",
        help="weights to begin from (default: those of the generic face; the word nothing for none)",
    )
    training.add_argument("--recipe", default="target", metavar="NAME", help="of the landmark system (default: target)")
    training.add_argument("--most", type=int, default=1500, metavar="N", help="take N frames evenly through it (default: 1500)")
    options.training(training)


def run(given: argparse.Namespace) -> int:
    """Gather the faces, learn them, and draw what was held out."""
    from dataclasses import replace

    from likeness import provenance, sheet, systems
    from likeness.experiment import Contender
    from likeness.recipe import override
    from likeness.systems.landmark.recipes import LandmarkRecipe
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn
    from likeness.systems.landmark.system import LandmarkSystem
    from likeness.systems.landmark.target import gather
    from likeness.train.session import Session

    source, model = Path(given.source).resolve(), Path(given.output).resolve()
    if not source.exists():
        raise LikenessError(f"{given.source}: no such file or folder")
    if source.is_dir() and (model == source or source in model.parents):
        raise LikenessError(f"{given.output}: lies in the folder of photos; name another")
    if given.most < 10:
        raise LikenessError(f"--most {given.most}: at least 10 frames are needed")
    name = model.name.replace(".", "-")
    recipe = systems.recipe(f"landmark:{given.recipe}")
    assert isinstance(recipe, LandmarkRecipe)
    recipe = override(replace(recipe, targets=(name,)), given.set)
    if recipe.targets != (name,):
        raise LikenessError("--set targets: the target is called after its folder")
    warm = None if given.warm == "nothing" or (given.warm is None and given.recipe != "target") else given.warm or "landmark"
    if warm is None and recipe.freeze_encoder:
        recipe = replace(recipe, freeze_encoder=False)
    beginning = None if warm is None else systems.weights_path(warm)
    if beginning is not None and not beginning.is_file():
        raise LikenessError(f"{warm}: no such weights to begin from")
    session = Session(systems.row, **options.limits(given))
    asked_for = any(word.startswith("weights.perceptual") for word in given.set)
    if not asked_for and _without_perceptual(model):  # as it was begun
        recipe = replace(recipe, weights=replace(recipe.weights, perceptual=0.0))
    try:
        LandmarkSystem(recipe).needs()  # what is missing is told before a clip is read
    except LikenessError as problem:
        if not recipe.weights.perceptual or asked_for:
            raise
        print(f"likeness: learns without the perceptual term: {problem}", file=sys.stderr)
        recipe = replace(recipe, weights=replace(recipe.weights, perceptual=0.0))
        LandmarkSystem(recipe).needs()
    with options.bar("reading") as show:
        gathered = gather(given.source, name, recipe.framing, show, most=given.most)
    if gathered.left_out:
        for why, count in Counter(why for _, why in gathered.left_out).most_common(3):
            first = next(name for name, reason in gathered.left_out if reason == why)
            print(f"likeness: left out {count}, the first {first}: {why}", file=sys.stderr)
    store = gathered.store
    counts = {side: len(store.select(side)) for side in ("train", "validation", "test")}
    print(f"{counts['train']} faces to learn from, {counts['validation']} to look at, the last {counts['test']} kept for a test")
    one = Contender("landmark", recipe, lambda: store, beginning, "a clip or photos of the user's own")
    with options.bar("training") as show, session:
        trained = session.train(one, Path(given.output), steps=given.steps, show=show)
    made = systems.load(trained.weights, "landmark")
    assert isinstance(made, LandmarkSynthesizer)
    held_out = list(store.select("test").head(12))
    faces = made.draw([face.landmarks for face in held_out], convert=False)
    rows = [[face.image, drawn(face.landmarks, recipe.framing.size), own] for face, own in zip(held_out, faces, strict=True)]
    picture = sheet.grid(rows, columns=["held out", "landmarks", "made"])
    tool = provenance.software("landmark", recipe.name)
    print(provenance.write(Path(given.output) / "contact-sheet.png", picture, tool))
    if status := options.ended(session, trained):
        return status
    print(f"next: likeness face PHOTO --target {given.output}")
    return 0


def _without_perceptual(run: Path) -> bool:
    """Whether a run that was begun learns without the perceptual term."""
    try:
        begun = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
        return bool(begun["weights"]["perceptual"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
