"""The cGAN report's experiments: what each trains, for some people, and how it is measured on their held-out photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from likeness import systems
from likeness.card import read_card
from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import digests
from likeness.evaluate.plot import plotting, png
from likeness.evaluate.portrait import INSTRUMENTS, Ruler
from likeness.experiment import Contender, Outcome, Progress, Study, no_progress, option
from likeness.faces.align import Framing
from likeness.faces.effects import apply
from likeness.recipe import thaw
from likeness.systems.portrait import report
from likeness.systems.portrait.experiments import GENERAL, HELD_OUT, MODELS, MOST, NEEDED, recipe_of
from likeness.systems.portrait.figures import wandering
from likeness.systems.portrait.recipes import PortraitRecipe
from likeness.systems.portrait.report import Lines, Subject, means
from likeness.systems.portrait.synthesis import open_portrait

EXPERIMENTS = {
    "effects": "every model on every effect, those it has learned and those it has not (1)",
    "repair": "the error inside an erased region (2)",
    "jitter": "whether features come out misplaced (figure 2c, d)",
    "alignment": "a model of aligned photos beside one of photos that are not aligned (conclusion 2)",
    "hand-drawn": "hand-drawn, before and after such drawings were learned (3)",
    "identity": "other people's drawings through a person's model (4)",
    "reverse": "photo to style A (6)",
    "bootstrap": "drawings made by a model as further pairs (6)",
    "curve": "how many pairs are needed",
}
GENERAL_TOO = ("effects", "repair", "hand-drawn", "identity", "curve")
"""Experiments in which the general model is measured as it is, too."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be chosen of the study."""

    data: str = option("prepared faces", metavar="FILE.parquet")
    people: tuple[str, ...] = option("people in it, best three or more", metavar="NAME")
    source: str = option("which prepared folder's people", "lfw")
    general: str = option("the general model; the word nothing: do without", "portrait", metavar="W")
    steps: int = option("steps of a model from nothing", 1500, metavar="N")
    tiny: bool = option("tiny networks at 64 pixels, to see it run", False)


@dataclass(frozen=True)
class Person:
    """Whom models are made of: photos to learn from, in a fixed chance order, and photos held out."""

    name: str
    learned: FaceStore
    held_out: FaceStore


def check(experiment: str, options: Options) -> None:
    """Refuse what could not be measured.

    Raises:
        LikenessError: too few people, or an instrument is missing.
    """
    if experiment == "identity" and len(set(options.people)) < 2:
        raise LikenessError("identity: at least two --people are needed, to be drawn through each other's models")
    Ruler()


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """``PERSON/MODEL`` → each person's models of an experiment, after those that they begin from or learn with.

    Raises:
        LikenessError: too few photos of a person, or a general model that does not suit or has seen these people.
    """
    general, names = _general(options), _needed(experiment, options)
    most = max(MODELS[name].pairs for name in NEEDED[experiment])
    plan = {}
    for person in _people(options, most):
        for name in _in_order(names):
            model, home = MODELS[name], folder / person.name
            parent = general if model.parent == GENERAL else None
            if model.parent not in ("", GENERAL):
                parent = home / model.parent / "weights.safetensors"
            recipe = recipe_of(name, options.steps, options.tiny)
            terms = "photos of one person, for measuring"
            plan[f"{person.name}/{name}"] = Contender("portrait", recipe, partial(_lesson, person, name, home), parent, terms)
    return plan


def measure(experiment: str, options: Options, folder: Path, progress: Progress = no_progress) -> Outcome:
    """An experiment's models on held-out photos: the mean over people, and as a further table each person's figures."""
    general, names = _general(options), _needed(experiment, options)
    models = [*names, GENERAL] if general and experiment in GENERAL_TOO else names
    people = _people(options, max(MODELS[name].pairs for name in NEEDED[experiment]))
    subjects = [_subject(person, models, folder / person.name, general) for person in people]
    progress(0, 1, experiment)
    lines, picture = report.EXPERIMENTS[experiment](Ruler(), subjects, models)
    table = means(lines)
    whose = ", ".join(person.name.replace("_", " ") for person in people)
    about = {
        "system": "portrait",
        "recipe": f"study portrait {experiment}",
        "step": options.steps,
        "faces_of": f"held-out photos of {whose}",
        "faces": sum(len(person.held_out) for person in people),
        "instruments": digests(*INSTRUMENTS),
    }
    sheets, notes = {"sheet": picture}, []
    if experiment == "jitter":
        try:
            sheets["strip"] = wandering([folder / people[0].name / name for name in names])
        except LikenessError as problem:  # runs of before there were sheets
            notes.append(str(problem))
    figures = {}
    if experiment == "curve" and (plotted := _plotted(table)):
        figures["plot"] = plotted
    return Outcome(
        f"{experiment}: held-out photos of {whose}; {options.steps} steps a model; the mean over people",
        about,
        [_cells(line) | {"each": _of_people(line, lines, [person.name for person in people])} for line in table],
        [person.name for person in people],
        sheets,
        {"people": [_cells(line) for line in lines]},
        figures,
        notes,
    )


def _general(options: Options) -> Path | None:
    """The general model's weights, found to suit.

    Raises:
        LikenessError: no such weights, others', or it has seen these people.
    """
    if options.general == "nothing":
        return None
    path = systems.weights_path(options.general)
    if not path.is_file():
        raise LikenessError(f"{options.general}: no such weights; --general nothing leaves out what begins with them")
    card, recipe = read_card(path), recipe_of("A", options.steps, options.tiny)
    if card.system != "portrait":
        raise LikenessError(f"{options.general}: holds weights of {card.system!r}, not of 'portrait'")
    own = thaw(PortraitRecipe, card.recipe)
    for field in ("made", "framing", "width", "norm", "levels"):
        has, needed = getattr(own, field), getattr(recipe, field)
        if has != needed:
            raise LikenessError(f"{options.general}: does not fit the models ({field} is {has}, not {needed})")
    if seen := [name for name in options.people if split_of(name) == "train"]:
        raise LikenessError(
            f"{seen[0]} is of the train people, whom a general model has seen; choose others, or leave it out: --general nothing"
        )
    return path


def _needed(experiment: str, options: Options) -> list[str]:
    """The models of an experiment; without a general model those that do not begin from it."""
    return [name for name in NEEDED[experiment] if options.general != "nothing" or MODELS[name].parent != GENERAL]


def _in_order(names: Sequence[str]) -> list[str]:
    """Models after their parents and helpers, which are added."""
    order: list[str] = []

    def put(name: str) -> None:
        for other in (MODELS[name].parent, MODELS[name].helper):
            if other and other != GENERAL:
                put(other)
        if name not in order:
            order.append(name)

    for name in names:
        put(name)
    return order


def _people(options: Options, most: int) -> list[Person]:
    """The people, each with photos to learn from and photos held out."""
    store, framing = FaceStore(options.data).select(source=options.source), recipe_of("A", options.steps, options.tiny).framing
    return [_person(store, name, framing, most) for name in dict.fromkeys(options.people)]


def _person(store: FaceStore, name: str, framing: Framing, most: int) -> Person:
    """Split a person's photos by a fixed chance: at most 40 to learn from, at least 8 held out, more than ``most`` learned."""
    if store.framing != framing:
        raise LikenessError(f"{store.path}: is framed {store.framing}, the models want {framing}")
    names = store.column("name")
    rows = sorted(
        (i for i, one in enumerate(store.column("person")) if one == name), key=lambda i: (crc32(names[i].encode()), names[i])
    )
    if len(rows) < (needed := HELD_OUT + max(most + 1, 5)):
        raise LikenessError(f"{store.path}: holds {len(rows)} photos of {name!r}, {needed} are needed")
    count = min(MOST, len(rows) - HELD_OUT)
    learned, held_out = store.take(rows[:count]), store.take(rows[count:])
    return Person(name, learned.with_sides(["train"] * count), held_out.with_sides(["validation"] * len(held_out)))


def _lesson(person: Person, name: str, folder: Path) -> FaceStore:
    """What a model learns from: the first pairs; where it has a helper, the other photos too, with that one's drawings."""
    model, faces = MODELS[name], person.learned
    if not model.helper:
        return faces.head(model.pairs) if model.pairs else faces
    photos = [face.image for face in faces]
    known = [apply(model.drawing.effects[0], photo, 0) for photo in photos[: model.pairs]]
    more = open_portrait(folder / model.helper).draw(photos[model.pairs :])
    grey = np.repeat(np.round(more @ np.array([0.299, 0.587, 0.114]))[..., None], 3, 3).astype(np.uint8)  # as drawings are
    return faces.with_pairs([*known, *grey])


def _subject(person: Person, models: Sequence[str], folder: Path, general: Path | None) -> Subject:
    """A person with the models opened."""
    places = {name: general if name == GENERAL and general else folder / name for name in models}
    opened = {name: open_portrait(place).draw for name, place in places.items()}
    counts = {name: MODELS[name].pairs or len(person.learned) for name in models if name != GENERAL}
    return Subject(person.name, list(person.learned), list(person.held_out), opened, counts)


def _cells(line: dict[str, Any]) -> dict[str, Any]:
    """A line with its score's figures as columns."""
    return {name: str(value) for name, value in line.items() if name != "score"} | asdict(line["score"])


def _of_people(line: dict[str, Any], lines: Lines, people: Sequence[str]) -> dict[str, list[float]]:
    """Person by person, the figures of which a line is the mean."""
    key = {name: value for name, value in line.items() if name not in ("pairs", "score")}
    own = [one for one in lines if all(one[name] == value for name, value in key.items())]
    scores = {one["person"]: asdict(one["score"]) for one in own}
    figures = [name for name in asdict(line["score"]) if name not in ("count", "undetected")]
    return {name: [float(scores[person][name]) if person in scores else float("nan") for person in people] for name in figures}


def _plotted(lines: Lines) -> bytes | None:
    """LPIPS and identity over the number of pairs, where matplotlib is installed."""
    if (pyplot := plotting()) is None:
        return None
    titles = {"lpips": "LPIPS (SqueezeNet), lower is better", "identity": "identity, higher is better"}
    figure, both = pyplot.subplots(1, 2, figsize=(8, 3.5), dpi=120)
    for axes, (field, title) in zip(both, titles.items(), strict=True):
        values = {line["model"]: getattr(line["score"], field) for line in lines}
        counts = {line["model"]: float(np.mean([float(one) for one in str(line["pairs"]).split("–")])) for line in lines}
        for label, parent in (("from nothing", ""), ("from the general model", GENERAL)):
            own = [name for name in values if name in MODELS and MODELS[name].parent == parent]
            points = [(counts[name], values[name]) for name in own]
            if points:
                axes.plot(*zip(*sorted(points), strict=True), marker="o", label=label)
        if GENERAL in values:
            axes.axhline(values[GENERAL], linestyle=":", color="grey", label="the general model as it is")
        axes.set_xlabel("pairs")
        axes.set_title(title, fontsize=9)
        axes.grid(alpha=0.3)
    both[0].legend(fontsize=7)
    return png(figure)


STUDY = Study(Options, EXPERIMENTS, contenders, measure, check)
