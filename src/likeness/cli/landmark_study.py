"""``likeness study landmark``: LandmarkGAN's table 1, with a pix2pix from drawn landmarks trained for each target."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from likeness.cli import evaluate_landmark

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.evaluate.reenactment import Puppet
    from likeness.recipe import Recipe
    from likeness.records import Image, Points
    from likeness.systems.landmark.recipes import LandmarkRecipe

OURS = "landmark"


def contenders(
    names: Sequence[str], size: int, steps: int, small: bool, begun: LandmarkRecipe | None = None
) -> dict[str, tuple[str, Recipe]]:
    """Folder → (system, recipe): LandmarkGAN of all targets, then a pix2pix for each.

    A pix2pix, which begins from nothing, sees its target's faces twice as often. ``begun`` is the recipe of weights that
    LandmarkGAN is begun from, whose widths it takes.
    """
    from dataclasses import replace

    from likeness import systems
    from likeness.recipe import Phase
    from likeness.systems.landmark.recipes import LandmarkRecipe
    from likeness.systems.portrait.recipes import Drawing, PortraitRecipe

    ours = systems.recipe(f"landmark:{'tiny' if small else 'lite'}")
    assert isinstance(ours, LandmarkRecipe)
    framing = replace(ours.framing, size=size)
    plan = replace(ours.training, phases=(Phase(steps, ("C",)), Phase(steps, ("D", "C", "G"))), cooldown=steps // 3)
    widths = {name: getattr(begun, name) for name in ("width", "hidden", "converter_width")} if begun else {}
    crop = ours.crop * size // ours.framing.size
    all_of_them = replace(ours, training=plan, framing=framing, targets=tuple(names), crop=crop, **widths)
    found: dict[str, tuple[str, Recipe]] = {OURS: ("landmark", all_of_them)}
    each = max(2 * steps // len(names), 2)
    alone = replace(plan, rates=(2e-4, 2e-4), phases=(Phase(each, ("D", "G")),), cooldown=each // 3, ema=min(plan.ema, each / 8))
    for name in names:
        recipe = PortraitRecipe(
            name="portrait:landmarks",
            training=alone,
            framing=framing,
            drawing=Drawing(source="pairs", jitter=0),
            width=8 if small else 16,
            critic_width=8 if small else 16,
            expects="a row of LandmarkGAN's table 1: pix2pix from drawn landmarks",
        )
        found[run_of(name)] = ("portrait", recipe)
    return found


def stores(store: FaceStore, names: Sequence[str]) -> dict[str, FaceStore]:
    """Folder → the faces that a contender learns from: all, or one target's with their landmarks drawn."""
    from likeness.systems.landmark.synthesis import drawn

    found = {OURS: store}
    for name in names:
        own = store.of_person(name)
        found[run_of(name)] = own.with_pairs([drawn(face.landmarks, store.framing.size) for face in own])
    return found


def measure(given: argparse.Namespace, store: FaceStore, names: Sequence[str]) -> int:
    """The table and the sheet, beside the runs and where ``--csv`` says."""
    from likeness import systems
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer

    folder, wanted = Path(given.output), given.csv
    model = systems.load(folder / OURS, "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    given.output, given.sheet = str(folder / "landmark.json"), str(folder / "landmark.png")
    given.csv = wanted or str(folder / "landmark.csv")
    pix2pix = drawings(folder, names)
    evaluate_landmark.measure(given, model, store, {"pix2pix, drawn landmarks": pix2pix})
    print(given.sheet)
    return 0


def drawings(folder: Path, names: Sequence[str]) -> Puppet:
    """pix2pix from drawn landmarks: one run for each target in ``folder``, as ``likeness study landmark`` trains them."""
    from likeness import systems
    from likeness.systems.landmark.synthesis import drawn
    from likeness.systems.portrait.synthesis import PortraitSynthesizer

    models: dict[str, PortraitSynthesizer] = {}
    for name in names:
        model = systems.load(folder / run_of(name), "portrait")
        assert isinstance(model, PortraitSynthesizer)
        models[name] = model

    def draw(points: Sequence[Points], target: str) -> Image:
        size = int(models[target].card.recipe["framing"]["size"])
        return models[target].draw([drawn(some, size) for some in points])

    return draw


def run_of(name: str) -> str:
    """Where the pix2pix of a target is kept."""
    return f"pix2pix-{name}"
