"""LandmarkGAN's table 1, with a pix2pix from drawn landmarks trained for each target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from likeness import systems
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People
from likeness.evaluate.reenactment import ReenactmentMethod
from likeness.experiment import Contender, Outcome, Progress, Study, no_progress, option
from likeness.recipe import Phase, Recipe
from likeness.records import Image, Points
from likeness.systems.landmark.protocol import targets
from likeness.systems.landmark.recipes import LandmarkRecipe
from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn
from likeness.systems.portrait.recipes import Drawing, PortraitRecipe
from likeness.systems.portrait.synthesis import PortraitSynthesizer

EXPERIMENTS = {"landmark": "LandmarkGAN and pix2pix from drawn landmarks, on prepared targets (table 1 of its paper)"}
OURS = "landmark"


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the study."""

    steps: int = option("steps of each generator", 1000, metavar="N")
    tiny: bool = option("tiny networks, to see it run", False)
    warm: str | None = option("begin LandmarkGAN's targets from these weights", None, metavar="W", flag="--from")


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """LandmarkGAN of all targets, then a pix2pix for each, each on the faces that it may see.

    Raises:
        LikenessError: too few or too many people, or weights of another system.
    """
    store = FaceStore(options.data)
    names = sorted(set(store.column("person")))
    if not 2 <= len(names) <= 50:
        raise LikenessError(f"{options.data}: shows {len(names)} people, 2 to 50 targets are wanted (likeness prepare targets …)")
    begun, warm = None, None
    if options.warm:
        warm = systems.weights_path(options.warm)
        model = systems.load(warm, "landmark")
        assert isinstance(model, LandmarkSynthesizer)
        begun = model.recipe
    plan = recipes(names, store.framing.size, options.steps, options.tiny, begun)
    learned = stores(store, names)
    return {
        name: Contender(system, recipe, partial(learned.__getitem__, name), warm if name == OURS else None)
        for name, (system, recipe) in plan.items()
    }


def recipes(
    names: Sequence[str], size: int, steps: int, small: bool, begun: LandmarkRecipe | None = None
) -> dict[str, tuple[str, Recipe]]:
    """Name → (system, recipe): LandmarkGAN of all targets, then a pix2pix for each.

    A pix2pix, which begins from nothing, sees its target's faces twice as often. ``begun`` is the recipe of weights that
    LandmarkGAN is begun from, whose widths it takes.
    """
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


def stores(store: FaceStore, names: Sequence[str]) -> Mapping[str, FaceStore]:
    """Name → the faces that a contender learns from: all, or one target's with their landmarks drawn."""
    found = {OURS: store}
    for name in names:
        own = store.of_person(name)
        found[run_of(name)] = own.with_pairs([drawn(face.landmarks, store.framing.size) for face in own])
    return found


def measure(experiment: str, options: Options, folder: Path, progress: Progress = no_progress) -> Outcome:
    """LandmarkGAN, the pix2pix of each target, and trivial baselines."""
    model, store = systems.load(folder / OURS, "landmark"), FaceStore(options.data)
    assert isinstance(model, LandmarkSynthesizer)
    pix2pix = drawings(folder, sorted(set(store.column("person"))))
    return targets(options, model, store, {"pix2pix, drawn landmarks": pix2pix}, progress)


def drawings(folder: Path, names: Sequence[str]) -> ReenactmentMethod:
    """pix2pix from drawn landmarks: one run for each target in ``folder``, as the study trains them."""
    models: dict[str, PortraitSynthesizer] = {}
    for name in names:
        model = systems.load(folder / run_of(name), "portrait")
        assert isinstance(model, PortraitSynthesizer)
        models[name] = model

    def draw(points: Sequence[Points], target: str) -> Image:
        return models[target].draw([drawn(some, models[target].framing.size) for some in points])

    return draw


def run_of(name: str) -> str:
    """Where the pix2pix of a target is kept."""
    return f"pix2pix-{name}"


STUDY = Study(Options, EXPERIMENTS, contenders, measure)
