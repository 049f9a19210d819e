"""``likeness study isegan``: tables 1 and 2 of ISEGAN, everything trained here for the same number of pairs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from likeness.cli import evaluate_isegan, tables

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.faces.align import Framing
    from likeness.recipe import Recipe
    from likeness.synthesizer import Synthesizer

OTHERS = {"pix2pix": "pix2pix", "cyclegan": "CycleGAN", "dualgan": "DualGAN"}


def contenders(steps: int, small: bool) -> dict[str, tuple[str, Recipe]]:
    """Folder → (system or baseline, recipe): ISEGAN first, then what it is compared with, then its parts."""
    from dataclasses import replace

    from likeness import baselines
    from likeness.recipe import Phase
    from likeness.systems.isegan.experiments import ROWS, recipe_of
    from likeness.systems.portrait.recipes import Drawing, PortraitRecipe

    first = ("full", "scagan")
    found: dict[str, tuple[str, Recipe]] = {name: ("isegan", recipe_of(name, steps, small)) for name in first}
    ours = found["full"][1]
    # each method learns at its own paper's rate; the pairs seen are the same
    plan = replace(ours.training, rates=(2e-4, 2e-4), phases=(Phase(steps, ("D", "G")),))
    found["pix2pix"] = (
        "portrait",
        PortraitRecipe(
            name="portrait:pix2pix",
            training=plan,
            framing=ours.framing,  # type: ignore[attr-defined]
            drawing=Drawing(source="pairs", jitter=4 if small else 30),
            width=8 if small else 16,
            critic_width=8 if small else 16,
            expects="a row of ISEGAN's table 1: pix2pix",
        ),
    )
    found |= {name: ("isegan", recipe_of(name, steps, small)) for name in ROWS if name not in found}
    for name in sorted(baselines.SKETCHES, reverse=True):  # CycleGAN, which takes longest, last
        recipe = baselines.recipe(f"{name}:{'tiny' if small else 'lite'}")
        found[name] = (name, replace(recipe, training=replace(plan, rates=recipe.training.rates)))
    return found


def also(given: argparse.Namespace, framing: Framing) -> dict[str, Synthesizer]:
    """The weights named with --also, by title, checked before anything is trained."""
    from likeness import baselines

    found: dict[str, Synthesizer] = {}
    for word in given.also:
        other = baselines.load(word)
        evaluate_isegan.check(other, word, framing, back=False)
        title = f"{other.card.recipe['name']}, {other.card.step:,} steps"
        found[title if title not in found else f"{title} ({word})"] = other
    return found


def measure(given: argparse.Namespace, runs: dict[str, Path], chosen: FaceStore, others: dict[str, Synthesizer]) -> int:
    """All of them on the same pairs, and the weights named with --also."""
    from likeness import baselines, provenance
    from likeness.systems.isegan.experiments import ROWS

    models: dict[str, Synthesizer] = {}
    for name, run in runs.items():
        models[ROWS[name][0] if name in ROWS else OTHERS[name]] = baselines.load(run)
    models |= others
    lines, picture, used = evaluate_isegan.compare(given, models, chosen)
    about = tables.about(given, models["ISEGAN"].card, len(chosen), used) | {"recipe": "study isegan", "step": given.steps}
    folder = Path(given.output)
    wanted = given.csv
    given.output, given.csv, given.sheet = str(folder / "isegan.json"), str(folder / "isegan.csv"), None
    tables.publish(given, about, lines, picture)
    if wanted:
        tables.write_csv(wanted, [tables.flat(line) for line in lines], about)
    print(provenance.write(folder / "isegan.png", picture, provenance.software("isegan", "study isegan")))
    return 0
