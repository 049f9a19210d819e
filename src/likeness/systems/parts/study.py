"""Sun, Guo & Liu 2022, compared: figure 10 (every subset of the loss's terms), and table 3 and figure 9 (other methods).

Every contender takes equally many steps of its generator on the same inputs. R is the reconstruction, P the perceptual and A the
adversarial term of equation (6).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from likeness import assets, baselines, sheet
from likeness.baselines.frame import BaselineRecipe, budgeted
from likeness.baselines.patchmatch import PatchMatch
from likeness.baselines.trivial import NearestFace
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.panel import Panel
from likeness.evaluate.people import People
from likeness.evaluate.plot import plotting, png
from likeness.experiment import Contender, Outcome, Progress, Study, distinct, no_progress, option
from likeness.faces import parts
from likeness.faces.variety import PartsVariety
from likeness.image import pictures_in, to_images, to_tensor
from likeness.nn import placement
from likeness.recipe import Phase, Recipe
from likeness.records import Image
from likeness.systems.parts.protocol import Painter, compare, opened, painter_of, trivial_baselines
from likeness.systems.parts.recipes import Networks, PartsRecipe, lite, tiny
from likeness.systems.parts.synthesis import PartsSynthesizer
from likeness.train.pace import seconds_per_step, seconds_until

EXPERIMENTS = {
    "ablation": "R, P, A and all their combinations (figure 10 of Sun, Guo & Liu 2022)",
    "variants": "the paper's own networks, total variation, and shorter or longer first phases, beside the full model",
    "baselines": "against Context Encoder, contextual attention, pix2pix, PIC and PatchMatch (table 3, figure 9)",
}
LETTERS = {"R": "reconstruction", "P": "perceptual", "A": "adversarial"}
COMBINATIONS = ("R", "P", "A", "RP", "RA", "PA", "RPA")
VARIANTS: dict[str, str] = {
    "RPA-paper": "RPA, the paper's generator and discriminator",
    "RPA-paper-generator": "RPA, the paper's generator",
    "RPA-TV": "RPA and total variation",
    "RPA-first-0": "RPA, no first phase",
    "RPA-first-20": "RPA, a twentieth of the steps in the first phase",
    "RPA-first-2": "RPA, half of the steps in the first phase",
}
"""Name → what it is. RPA itself has a fifth of the steps in the first phase; G moves equally often in all."""
TOTAL_VARIATION = 0.5
"""Its weight in ``RPA-TV``: a smooth face's is about .05, a noisy one's about .3, beside a loss of about 5."""
FIGURE = (
    "photo",
    "parts",
    "PatchMatch",
    "Context Encoder (Pathak et al. 2016)",
    "contextual attention (Yu et al. 2018)",
    "pix2pix (Isola et al. 2017)",
    "PIC (Zheng et al. 2019)",
    *COMBINATIONS,
    "ours",
)
"""Columns in the order of figures 9 and 10; what is not named stands behind."""


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the study."""

    steps: int = option("steps of each generator", 1000, metavar="N")
    tiny: bool = option("tiny networks, to see it run", False)
    also: tuple[str, ...] = option("measure these weights too, whatever their budget", (), metavar="W")
    curves: bool = option("also PSNR on validation people over training time; timing takes a minute or two", False)


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """The trainings of an experiment; both share the full model.

    Raises:
        LikenessError: no people to measure on, or weights of ``also`` that are framed otherwise.
    """
    plan, store = recipes(experiment, options.steps, options.tiny), FaceStore(options.data)
    framing = plan["parts-RPA"][1].framing  # type: ignore[attr-defined]
    options.faces(framing)
    for word in options.also:
        if (other := opened(word)).framing != framing:
            raise LikenessError(f"{word}: is for faces framed {other.framing}, the study for {framing}")
    return {name: Contender(system, recipe, lambda: store) for name, (system, recipe) in plan.items()}


def recipes(experiment: str, steps: int, small: bool) -> dict[str, tuple[str, Recipe]]:
    """Name → (system or baseline, recipe) of everything that an experiment trains."""

    def ours(name: str) -> PartsRecipe:
        made = variant(name, steps) if name in VARIANTS else ablation(name, steps)
        if not small:
            return made
        least = tiny()
        training = replace(made.training, batch=least.training.batch)
        return replace(made, framing=least.framing, networks=least.networks, crop=32, training=training)

    names = {"ablation": COMBINATIONS[::-1], "variants": ("RPA", *VARIANTS)}.get(experiment, ("RPA",))
    found: dict[str, tuple[str, Recipe]] = {f"parts-{name}": ("parts", ours(name)) for name in names}
    if experiment == "baselines":
        for name in baselines.PARTS:
            recipe = baselines.recipe(f"{name}:{'tiny' if small else 'lite'}")
            assert isinstance(recipe, BaselineRecipe)
            found[name] = (name, budgeted(recipe, steps))
    return found


def measure(experiment: str, options: Options, folder: Path, progress: Progress = no_progress) -> Outcome:
    """Every contender, and what needs no training, on the same faces."""
    plan = recipes(experiment, options.steps, options.tiny)
    titles = {name: baselines.PARTS[name].what if name in baselines.PARTS else name.removeprefix("parts-") for name in plan}
    if experiment == "baselines":
        titles["parts-RPA"] = "ours"
    made = {titles[name]: opened(str(folder / name)) for name in plan}
    first = next(iter(made.values()))
    anchors = torch.from_numpy(first.anchors)
    methods: dict[str, Painter] = {title: painter_of(system.complete) for title, system in made.items()}
    for word in options.also:
        other = opened(word, first)
        title = f"{other.card.recipe['name']}, {other.card.step:,} steps"
        methods[distinct(title, methods)] = painter_of(other.complete)
    if experiment == "baselines":
        methods[PatchMatch.title] = PatchMatch().paint
        methods |= trivial_baselines(options.known(), anchors)
    chosen, panel = options.faces(first.framing), Panel()
    scores, pictures = compare(chosen, anchors, methods, progress, panel)
    about = options.about(first.card, len(chosen), panel.instruments)
    about |= {"recipe": f"study parts {experiment}", "step": options.steps}
    order = sorted(pictures, key=lambda name: FIGURE.index(name) if name in FIGURE else len(FIGURE))
    sheets = {
        "faces": sheet.beside({name: pictures[name] for name in order}, 12),
        "samples": _on_samples(first, methods, order),
    }
    tables, figures = {}, {}
    if options.curves:
        runs = {titles[name]: (folder / name, *contender) for name, contender in plan.items()}
        if curves := learning_curves(FaceStore(options.data), runs, progress):
            tables["curves"] = curves
            if plotted := _plotted(curves):
                figures["curves"] = plotted
    title = f"{about['data']}: N = {about['faces']}; {EXPERIMENTS[experiment]}; {options.steps} steps each"
    lines = [score.line() for score in scores]
    return Outcome(title, about, lines, chosen.column("name"), sheets, tables, figures, panel.notes)


def learning_curves(
    store: FaceStore, runs: Mapping[str, tuple[Path, str, Recipe]], progress: Progress = no_progress
) -> list[dict[str, Any]]:
    """Validation PSNR against training time, of runs by title: run directory, system and recipe.

    The time is steps × how long a step takes, timed now for all contenders in turn: the runs' own clocks also counted
    whatever else the machine did.
    """
    table = []
    for number, (title, (run, system, recipe)) in enumerate(runs.items()):
        progress(number, len(runs), f"timing {title}")
        paces = seconds_per_step(baselines.row(system).build, recipe, store)
        for line in map(json.loads, (run / "stats.jsonl").read_text().splitlines()):
            if "validation_psnr" in line:
                minutes = seconds_until(line["step"], recipe.training.phases, paces) / 60
                cells = {"method": title, "trained_steps": line["step"], "minutes": f"{minutes:.2f}"}
                table.append(cells | {"psnr": f"{line['validation_psnr']:.2f}"})
    return table


def _plotted(table: list[dict[str, Any]]) -> bytes | None:
    """The curves as a plot, where matplotlib is installed."""
    if (pyplot := plotting()) is None:
        return None
    figure, axes = pyplot.subplots(figsize=(7, 4.5), dpi=120)
    for title in dict.fromkeys(line["method"] for line in table):
        points = [(float(line["minutes"]), float(line["psnr"])) for line in table if line["method"] == title]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=title)
    axes.set_xlabel("training time on this machine, minutes")
    axes.set_ylabel("PSNR on validation people, dB")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    return png(figure)


def _on_samples(system: PartsSynthesizer, methods: Mapping[str, Painter], order: list[str]) -> Image:
    """The same sheet on the synthetic sample faces, which may be shown."""
    order = [name for name in order if name != NearestFace.title]  # that one shows photographs of people
    people = [system.face_of(path, "photo").framed(system.framing) for path in pictures_in(assets.SAMPLES)]
    photos = torch.cat([to_tensor(image) for image, _, _ in people])
    bits = torch.stack([torch.from_numpy(parts.mask_bits(landmarks, system.framing.size)) for _, landmarks, _ in people])
    masks = placement.unpack(bits)
    masks[:, [i for i, name in enumerate(parts.NAMES) if name not in parts.FACE]] = 0
    colours, cover = placement.place(photos, masks, torch.from_numpy(system.anchors))
    made = {"photo": to_images(photos), "parts": to_images(colours)}
    made |= {name: to_images(paint(colours, cover)) for name, paint in methods.items() if name in order}
    return sheet.beside({name: made[name] for name in order}, len(people))


def variant(name: str, steps: int) -> PartsRecipe:
    """The full model with one thing changed, for as many steps of G as :func:`ablation` gives it.

    Raises:
        LikenessError: no such variant, or fewer than 20 steps.
    """
    if name not in VARIANTS:
        raise LikenessError(f"{name!r}: is no variant; there are {', '.join(VARIANTS)}")
    made = replace(ablation("RPA", steps), name=f"parts:{name}", expects=VARIANTS[name])
    if name == "RPA-TV":
        return replace(made, weights=replace(made.weights, total_variation=TOTAL_VARIATION))
    if name.startswith("RPA-paper"):
        kept = made.networks
        papers = replace(Networks(), cover=kept.cover)
        if name == "RPA-paper-generator":
            papers = replace(
                papers,
                discriminator=kept.discriminator,
                discriminator_width=kept.discriminator_width,
                spectral=kept.spectral,
            )
        return replace(made, networks=papers)
    share = int(name.rpartition("-")[2])
    first = steps // share if share else 0
    phases = (Phase(first, ("G",), disabled_terms=("adversarial",)), made.training.phases[1], Phase(steps - first, ("D", "G")))
    return replace(made, training=replace(made.training, phases=phases))


def ablation(letters: str, steps: int) -> PartsRecipe:
    """``parts:lite`` with only the terms that ``letters`` name, in which G moves exactly ``steps`` times.

    As in Algorithm 1 a training with A starts with a fifth of the steps without it (if R or P can guide G meanwhile), then D
    alone for a twentieth more, then both. The last quarter cools down. Inputs are the paper's: nothing but mirroring varies.

    Raises:
        LikenessError: no such combination, or fewer than 20 steps.
    """
    if letters not in COMBINATIONS:
        raise LikenessError(f"{letters!r}: is no combination of terms; there are {', '.join(COMBINATIONS)}")
    if steps < 20:
        raise LikenessError(f"steps {steps}: at least 20 are needed")
    base = lite()
    absent = {name: 0.0 for letter, name in LETTERS.items() if letter not in letters}
    first = steps // 5 if letters != "A" else 0
    phases = (
        (Phase(first, ("G",), disabled_terms=("adversarial",)), Phase(steps // 20, ("D",)), Phase(steps - first, ("D", "G")))
        if "A" in letters
        else (Phase(steps, ("G",)),)
    )
    training = replace(base.training, phases=phases, cooldown=steps // 4, ema=steps / 12, every=250, look=max(steps // 10, 1))
    return replace(
        base,
        name=f"parts:ablation-{letters}",
        training=training,
        weights=replace(base.weights, **absent),
        augment=PartsVariety(flip=True),
        expects="one seventh of figure 10",
    )


STUDY = Study(Options, EXPERIMENTS, contenders, measure)
