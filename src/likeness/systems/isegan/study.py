"""Tables 1 and 2 of ISEGAN, everything trained here for the same number of pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from likeness import baselines
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People
from likeness.experiment import Contender, Outcome, Progress, Study, distinct, no_progress, option
from likeness.recipe import Phase, Recipe
from likeness.synthesizer import Synthesizer
from likeness.systems.isegan.experiments import ROWS, recipe_of
from likeness.systems.isegan.protocol import check_pairs, compare, opened
from likeness.systems.portrait.recipes import Drawing, PortraitRecipe

EXPERIMENTS = {
    "isegan": "ISEGAN, its parts, SCA-GAN, pix2pix, CycleGAN and DualGAN on CUFS's test pairs (tables 1 and 2 of its paper)"
}
OTHERS = {"pix2pix": "pix2pix", "cyclegan": "CycleGAN", "dualgan": "DualGAN"}
"""Contenders that are no recipes of ISEGAN's, and their titles."""


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the study."""

    steps: int = option("steps of each generator", 1000, metavar="N")
    tiny: bool = option("tiny networks, to see it run", False)
    only: tuple[str, ...] = option("only these contenders, full among them", (), metavar="NAME")
    also: tuple[str, ...] = option("measure these weights too, whatever their budget", (), metavar="W")


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """The trainings, all on the same pairs.

    Raises:
        LikenessError: no such contender, no people to measure on, or weights of ``also`` that do not suit.
    """
    plan, store = _chosen(options), FaceStore(options.data)
    framing = plan["full"][1].framing  # type: ignore[attr-defined]
    check_pairs(options.faces(framing))
    for word in options.also:
        opened(word, framing)
    return {name: Contender(system, recipe, lambda: store) for name, (system, recipe) in plan.items()}


def recipes(steps: int, small: bool) -> dict[str, tuple[str, Recipe]]:
    """Name → (system or baseline, recipe): ISEGAN first, then what it is compared with, then its parts."""
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


def measure(experiment: str, options: Options, folder: Path, progress: Progress = no_progress) -> Outcome:
    """All of them on the same pairs, and the weights of ``also``."""
    models: dict[str, Synthesizer] = {}
    for name in _chosen(options):
        models[ROWS[name][0] if name in ROWS else OTHERS[name]] = baselines.load(folder / name)
    framing = models["ISEGAN"].framing
    for word in options.also:
        other = opened(word, framing)
        title = f"{other.card.recipe['name']}, {other.card.step:,} steps"
        models[distinct(title, models)] = other
    outcome = compare(options, models, progress)
    about = {**outcome.about, "recipe": "study isegan", "step": options.steps}
    title = f"{about['data']}: N = {about['faces']}; {EXPERIMENTS[experiment]}; {options.steps} steps each"
    return replace(outcome, title=title, about=about)


def _chosen(options: Options) -> dict[str, tuple[str, Recipe]]:
    """The contenders of ``only``, or all."""
    plan = recipes(options.steps, options.tiny)
    if strangers := sorted(set(options.only) - set(plan)):
        raise LikenessError(f"--only {strangers[0]}: there are {', '.join(plan)}")
    if options.only and "full" not in options.only:
        raise LikenessError("--only: full, which the others are compared with, has to be among them")
    return {name: what for name, what in plan.items() if not options.only or name in options.only}


STUDY = Study(Options, EXPERIMENTS, contenders, measure)
