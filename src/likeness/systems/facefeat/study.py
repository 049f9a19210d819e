"""Tables 3 and 4 of Shen, Zhou, Luo & Tang 2018, trained here for equal steps; and what synthetic faces are good for.

E_id and E_1 are trained beforehand (``likeness train facefeat:features``) and shared by all; in every contender G^I moves equally
often, on batches of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from likeness import baselines, sheet, systems
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People
from likeness.experiment import Contender, Outcome, Progress, Study, distinct, no_progress, option
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.recipe import Phase, Recipe, Training
from likeness.records import Image
from likeness.systems.facefeat import measures, recipes
from likeness.systems.facefeat.measures import INSTRUMENTS, Judge, Line
from likeness.systems.facefeat.protocol import opened, trivial_baselines
from likeness.systems.facefeat.recipes import COMPETE, EXTRACT, RECONSTRUCT, FaceFeatRecipe
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer
from likeness.systems.facefeat.usefulness import REAL, SYNTHETIC, rivals, told_apart

EXPERIMENTS = {
    "table3": "FaceFeat-GAN, a single-stage GAN, CVAE-GAN, DR-GAN's and FaceID-GAN's like, and no training (table 3, figure 6)",
    "table4": "FaceFeat-GAN without one of its four terms each (table 4)",
    "usefulness": "a recogniser trained on synthetic faces, and one on as many photos (not the paper's)",
}
ABLATIONS: dict[str, str] = {
    "full": "(e) full model",
    "no-identity": "(a) without φ_id",
    "no-feature": "(b) without φ^f",
    "no-image": "(c) without φ^I",
    "no-reconstruction": "(d) without φ_rec; E_2 keeps (8)",
}
"""Run → row of table 4. Without (8), too, E_2 would have nothing to learn by."""
PAPER4: dict[str, tuple[float, float]] = {
    "full": (0.693, 0.63),
    "no-identity": (0.246, 0.62),
    "no-feature": (0.680, 0.05),
    "no-image": (0.629, 0.71),
    "no-reconstruction": (0.615, 0.60),
}
"""The paper's similarity and diversity, by another recogniser on other data: their order is what can be compared."""
LEAST = 10
"""Steps of G^I."""


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the study."""

    steps: int = option("steps of each G^I, of usefulness of each recogniser", 1000, metavar="N")
    tiny: bool = option("tiny networks, to see it run", False)
    features: str | None = option("weights with E_id and E_1, of facefeat:features", None, metavar="W", flag="--from")
    synthetic: str | None = option("of usefulness: what likeness dataset -o FOLDER.parquet wrote", None, metavar="FOLDER.parquet")
    only: tuple[str, ...] = option("of the tables: only these runs, full among them", (), metavar="NAME")
    also: tuple[str, ...] = option("of table3: measure these weights too, whatever their budget", (), metavar="W")
    seed: int = option("the chance in the faces that are measured", 0)


def ablation(name: str, steps: int, small: bool = False) -> FaceFeatRecipe:
    """A row of table 4: a recipe in which G^I moves ``steps`` times and all else is the full model's.

    As in ``facefeat:lite`` a sixth of the steps is reconstruction alone. Before all compete, the discriminators, and the feature
    generators without φ^I, move alone for a thirtieth.

    Raises:
        LikenessError: no such row, or fewer than :data:`LEAST` steps.
    """
    if name not in ABLATIONS:
        raise LikenessError(f"{name!r}: is no row of table 4; there are {', '.join(ABLATIONS)}")
    if steps < LEAST:
        raise LikenessError(f"--steps {steps}: at least {LEAST} are needed")
    base = recipes.tiny() if small else recipes.lite()
    absent = {
        "full": {},
        "no-identity": {"identity_rec": 0.0, "identity_made": 0.0},
        "no-feature": {"feature": 0.0},
        "no-image": {"adversarial": 0.0, "image_feature": 0.0},
        "no-reconstruction": {},
    }[name]
    gone = {"no-feature": {"D1", "D2"}, "no-image": {"D"}}.get(name, set())
    disabled = ("decoder_reconstruction",) if name == "no-reconstruction" else ()
    first, alone = steps // 6, steps // 30
    extract = tuple(phase for phase in base.training.phases if set(phase.players) <= set(EXTRACT))
    phases = (
        *extract,
        Phase(first, RECONSTRUCT, ("adversarial", *disabled)),
        Phase(alone, tuple(one for one in ("G1", "D1", "G2", "D2", "D") if one not in gone), ("image_feature",)),
        Phase(steps - first, tuple(one for one in COMPETE if one not in gone), disabled),
    )
    return replace(
        base,
        name=f"facefeat:{name}",
        training=budgeted(base, phases, steps),
        weights=replace(base.weights, **absent),
        expects=f"a row of table 4: {ABLATIONS[name]}",
    )


def budgeted(base: FaceFeatRecipe, phases: tuple[Phase, ...], steps: int) -> Training:
    """A recipe's training with these phases; the last fifth cools down."""
    return replace(
        base.training, phases=phases, cooldown=steps // 5, ema=max(steps / 30, 1.0), every=250, look=max(steps // 10, 1)
    )


def plan_of(experiment: str, options: Options) -> dict[str, tuple[str, Recipe]]:
    """Name → (system or baseline, recipe) of everything that an experiment trains; ``full`` is shared."""
    if experiment == "usefulness":
        return {name: ("facefeat", recipe) for name, recipe in rivals(options.steps, options.tiny).items()}
    names = ABLATIONS if experiment == "table4" else ("full",)
    every = (*ABLATIONS, *baselines.PERSONS)
    if odd := [name for name in options.only if name not in every]:
        raise LikenessError(f"--only {odd[0]}: there are {', '.join(every)}")
    if options.only and "full" not in options.only:
        raise LikenessError("--only: full, which the others are compared with, has to be among them")
    found: dict[str, tuple[str, Recipe]] = {name: ("facefeat", ablation(name, options.steps, options.tiny)) for name in names}
    if experiment == "table3":
        for name in baselines.PERSONS:
            base = baselines.recipe(f"{name}:{'tiny' if options.tiny else 'lite'}")
            assert isinstance(base, FaceFeatRecipe)
            *extract, game = base.training.phases
            phases = (*extract, Phase(options.steps, game.players))
            found[name] = (name, replace(base, training=budgeted(base, phases, options.steps)))
    return {name: one for name, one in found.items() if not options.only or name in options.only}


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """The trainings of an experiment.

    Raises:
        LikenessError: no people to measure on, no weights with E_id and E_1, or no synthetic faces where they are wanted.
    """
    plan, store = plan_of(experiment, options), FaceStore(options.data)
    framing = next(iter(plan.values()))[1].framing  # type: ignore[attr-defined]
    options.faces(framing)
    if experiment == "usefulness":
        stores = _stores(options, store)
        return {name: Contender(system, recipe, partial(_same, stores[name])) for name, (system, recipe) in plan.items()}
    for word in options.also:
        opened(word, framing)
    warm = _features(options)
    return {name: Contender(system, recipe, partial(_same, store), warm) for name, (system, recipe) in plan.items()}


def _features(options: Options) -> Path | None:
    """The weights that all begin from; tiny ones train E_id and E_1 themselves."""
    if options.features:
        path = systems.weights_path(options.features)
        opened(path)
        return path
    if not options.tiny:
        raise LikenessError("--from W is needed: E_id and E_1, which all share (likeness train facefeat:features …)")
    return None


def _stores(options: Options, store: FaceStore) -> Mapping[str, FaceStore]:
    if not options.synthetic:
        raise LikenessError("--synthetic FOLDER.parquet is needed: faces that likeness dataset made")
    return told_apart(options.synthetic, store)


def _same(store: FaceStore) -> FaceStore:
    return store


def measure(
    experiment: str, options: Options, folder: Path, progress: Progress = no_progress, judge: Judge | None = None
) -> Outcome:
    """Every contender, and what needs no training, on the same faces."""
    judge = judge or Judge()
    if experiment == "usefulness":
        return _usefulness(options, folder, judge, progress)
    plan = plan_of(experiment, options)
    titles = {name: baselines.PERSONS[name].what if name in baselines.PERSONS else ABLATIONS[name] for name in plan}
    if experiment == "table3":
        titles["full"] = "ours"
    models = {titles[name]: opened(folder / name) for name in plan}
    for word in options.also:
        other = opened(word, next(iter(models.values())).framing)
        models[distinct(f"{other.card.recipe['name']}, {other.card.step:,} steps", models)] = other
    first = next(iter(models.values()))
    chosen = options.faces(first.framing)
    faces = list(chosen)
    methods = {title: measures.of(system) for title, system in models.items()}
    methods |= trivial_baselines(options, faces) if experiment == "table3" else {}
    lines, pictures = measures.compared(faces, methods, judge, progress)
    if experiment == "table4":
        lines = [_with_diversity(line, models, pictures["photo"], options.seed) for line in lines]
    about = options.about(first.card, len(faces), INSTRUMENTS) | {"recipe": f"study facefeat {experiment}", "step": options.steps}
    title = f"{about['data']}: N = {about['faces']}; {EXPERIMENTS[experiment]}; {options.steps} steps each"
    notes = []
    if experiment == "table4":
        said = "; ".join(f"{ABLATIONS[name].split()[0]} {one} {other}" for name, (one, other) in PAPER4.items())
        notes.append(f"the paper's similarity and diversity, by another judge on other data: {said}")
    sheets = {"faces": sheet.beside(pictures, 16)}
    return Outcome(title, about, lines, chosen.column("name"), sheets, notes=notes)


def _with_diversity(line: Line, models: Mapping[str, FaceFeatSynthesizer], photos: Image, seed: int) -> Line:
    """A line of table 4 with the diversity of its generated features."""
    generated, real = measures.feature_diversity(models[line["method"]], photos, seed=seed)
    more = {f"diversity_{name}": generated[name] for name in ("f_1", "f_2", "pooled")}
    more["diversity_real"] = real["pooled"]
    each = line["each"]
    return {**{name: value for name, value in line.items() if name != "each"}, **more, "each": each}


def _usefulness(options: Options, folder: Path, judge: Judge, progress: Progress) -> Outcome:
    """Both recognisers, and for scale the judge, on pairs of people whom none has seen."""
    models = {name: open_tool(FaceRecogniser, folder / name) for name in (SYNTHETIC, REAL)}
    first = models[SYNTHETIC]
    options = replace(options, photos="all")
    chosen = options.faces(first.framing)
    pairs, same = measures.own_pairs(chosen, seed=options.seed)
    faces = list(chosen)
    photos = np.stack([face.image for face in faces])
    embeds: dict[str, Callable[[], np.ndarray]] = {
        f"trained on {name} faces": partial(model.framed, list(photos)) for name, model in models.items()
    }
    embeds["mobilefacenet_b, for scale"] = lambda: judge.known(faces).features
    lines = []
    for number, (name, embed) in enumerate(embeds.items()):
        progress(number, len(embeds), name)
        lines.append(measures.pairs_line(name, embed(), pairs, same))
    about = options.about(first.weights.card, len(faces), ("mobilefacenet_b",))
    about |= {"recipe": "study facefeat usefulness", "step": options.steps}
    trained = {name: dict(model.weights.card.data) for name, model in models.items()}
    title = f"{about['data']}: {len(pairs)} pairs; {EXPERIMENTS['usefulness']}; {options.steps} steps each"
    notes = [f"{name}: {', '.join(data.values())}" for name, data in trained.items()]
    return Outcome(title, about, lines, [f"fold {number + 1}" for number in range(10)], notes=notes)


STUDY = Study(Options, EXPERIMENTS, contenders, measure)
