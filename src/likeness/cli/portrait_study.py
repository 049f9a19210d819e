"""``likeness portrait study``: the cGAN report's experiments: train what each needs, measure on held-out photos, draw a sheet."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    import torch

    from likeness.data.store import FaceStore
    from likeness.evaluate.portrait_report import Lines, Subject
    from likeness.faces.align import Framing
    from likeness.records import Image
    from likeness.systems.portrait.recipes import PortraitRecipe

NAMES = ("effects", "repair", "jitter", "hand-drawn", "identity", "reverse", "bootstrap", "curve")
GENERAL_TOO = ("effects", "repair", "hand-drawn", "identity", "curve")
"""The experiments, and those in which the general model is measured as it is, too."""


@dataclass(frozen=True)
class Person:
    """Whom models are made of: photos to learn from, in a fixed chance order, and photos held out."""

    name: str
    learned: FaceStore
    held_out: FaceStore


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "study", run, "the report's experiments on some people of prepared faces; goes on where it stopped"
    )
    parser.add_argument("experiments", nargs="+", metavar="EXPERIMENT", help=f"{', '.join(NAMES)}, or all; see docs/portrait.md")
    parser.add_argument("--data", required=True, metavar="FILE.parquet", help="prepared faces")
    parser.add_argument("--people", nargs="+", required=True, metavar="NAME", help="people in it, best three or more")
    parser.add_argument("--source", default="lfw", help="which prepared folder's people (default: lfw)")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a folder for all models, tables and sheets")
    parser.add_argument(
        "--general", default="portrait", metavar="W", help="the general model (default: the shipped one; nothing: do without)"
    )
    parser.add_argument("--steps", type=int, default=1500, metavar="N", help="steps of a model from nothing (default: 1500)")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop training cleanly after M minutes in all")
    parser.add_argument("--tiny", action="store_true", help="tiny networks at 64 pixels, to see it run")
    parser.add_argument("--csv", metavar="FOLDER", help="write the tables here too, as portrait_EXPERIMENT.csv")
    parser.add_argument("--only-train", action="store_true", help="train and stop, such as beside the same command for others")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: cuda where there is one)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: one a core)")


def run(given: argparse.Namespace) -> int:
    """Train what is missing, then measure."""
    from likeness import systems
    from likeness.data.store import FaceStore
    from likeness.evaluate.portrait import Ruler
    from likeness.evaluate.portrait_report import EXPERIMENTS
    from likeness.systems.portrait.experiments import GENERAL, MODELS, NEEDED, recipe_of

    chosen = [*NAMES] if given.experiments == ["all"] else list(dict.fromkeys(given.experiments))
    if unknown := [name for name in chosen if name not in NAMES]:
        raise LikenessError(f"{unknown[0]!r} is not an experiment; there are {', '.join(NAMES)}, all")
    options.check_minutes(given.minutes)
    general = None if given.general == "nothing" else systems.weights_path(given.general)
    if general is not None and not general.is_file():
        raise LikenessError(f"{given.general}: no such weights; --general nothing leaves out what begins with them")
    names = list(dict.fromkeys(given.people))
    if "identity" in chosen and len(names) < 2 and not given.only_train:
        raise LikenessError("identity: at least two --people are needed, to be drawn through each other's models")
    store, recipe = FaceStore(given.data).select(source=given.source), recipe_of("A", given.steps, given.tiny)
    _check(given, general, recipe, names)
    counts = [MODELS[name].pairs for experiment in chosen for name in NEEDED[experiment]]
    people = [_person(store, name, recipe.framing, max(counts)) for name in names]
    device = options.processors(given.device, given.threads)
    ruler = None if given.only_train else Ruler()  # what cannot be measured is said now, not after hours of training
    needed = {
        experiment: [name for name in NEEDED[experiment] if general or MODELS[name].parent != GENERAL] for experiment in chosen
    }
    if not _train(given, people, [*dict.fromkeys(name for some in needed.values() for name in some)], general, device):
        print("stopped before all were trained; the same command goes on")
        return 3
    if ruler is None:
        return 0
    for experiment in chosen:
        models = needed[experiment] + ([GENERAL] if general and experiment in GENERAL_TOO else [])
        subjects = [_subject(given, person, models, general) for person in people]
        lines, sheet = EXPERIMENTS[experiment](ruler, subjects, models)
        _report(given, experiment, names, lines, sheet)
    return 0


def _check(given: argparse.Namespace, general: Path | None, recipe: PortraitRecipe, names: Sequence[str]) -> None:
    """Refuse now what would fail after hours: a general model that does not fit or has seen these people, no place for tables."""
    from likeness.card import read_card
    from likeness.data.split import split_of
    from likeness.recipe import thaw
    from likeness.systems.portrait.recipes import PortraitRecipe

    if given.csv and Path(given.csv).exists() and not Path(given.csv).is_dir():
        raise LikenessError(f"--csv {given.csv}: is a file; name a folder for the tables")
    if general is None:
        return
    card = read_card(general)
    if card.system != "portrait":
        raise LikenessError(f"{given.general}: holds weights of {card.system!r}, not of 'portrait'")
    own = thaw(PortraitRecipe, card.recipe)
    for field in ("made", "framing", "width", "norm", "levels"):
        has, needed = getattr(own, field), getattr(recipe, field)
        if has != needed:
            raise LikenessError(f"{given.general}: does not fit the models ({field} is {has}, not {needed})")
    if seen := [name for name in names if split_of(name) == "train"]:
        raise LikenessError(
            f"{seen[0]} is of the train people, whom a general model has seen; choose others, or leave it out: --general nothing"
        )


def _subject(given: argparse.Namespace, person: Person, models: Sequence[str], general: Path | None) -> Subject:
    """A person with the models opened."""
    from likeness.evaluate.portrait_report import Subject
    from likeness.systems.portrait.experiments import GENERAL, MODELS
    from likeness.systems.portrait.synthesis import open_portrait

    places = {name: general if name == GENERAL and general else Path(given.output) / person.name / name for name in models}
    opened = {name: open_portrait(place).draw for name, place in places.items()}
    counts = {name: MODELS[name].pairs or len(person.learned) for name in models if name != GENERAL}
    return Subject(person.name, list(person.learned), list(person.held_out), opened, counts)


def _person(store: FaceStore, name: str, framing: Framing, most: int) -> Person:
    """Split a person's photos by a fixed chance: at most 40 to learn from, at least 8 held out, more than ``most`` learned."""
    from likeness.systems.portrait.experiments import HELD_OUT, MOST

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


def _train(
    given: argparse.Namespace, people: Sequence[Person], names: Sequence[str], general: Path | None, device: torch.device
) -> bool:
    """Train each model, parents and helpers first; whether all got there."""
    import torch

    from likeness import systems
    from likeness.card import read_card
    from likeness.systems.portrait.experiments import GENERAL, MODELS, recipe_of
    from likeness.train.loop import Progress, finished, train

    order: list[str] = []

    def put(name: str) -> None:
        model = MODELS[name]
        for other in (model.parent, model.helper):
            if other and other != GENERAL:
                put(other)
        if name not in order:
            order.append(name)

    for name in names:
        put(name)
    began = time.monotonic()
    jobs = [(person, name) for person in people for name in order]
    with options.asked_to_stop() as asked, options.bar("training") as show:
        for number, (person, name) in enumerate(jobs):
            model, recipe, folder = MODELS[name], recipe_of(name, given.steps, given.tiny), Path(given.output) / person.name
            parent = general if model.parent == GENERAL else None
            if model.parent not in ("", GENERAL):
                parent = folder / model.parent / "weights.safetensors"
            store = _lesson(person, name, folder)
            if finished(folder / name, recipe, store, parent):
                continue
            left = None if given.minutes is None else given.minutes - (time.monotonic() - began) / 60
            if asked or (left is not None and left <= 0):
                return False

            def report(progress: Progress, number: int = number, what: str = f"{person.name}: {name}") -> None:
                show(progress.step, progress.steps, f"of {what} ({number + 1} of {len(jobs)})")

            torch.manual_seed(recipe.training.seed)
            weights = train(
                systems.row("portrait").build(recipe).to(device),
                "portrait",
                store,
                folder / name,
                minutes=left,
                warm_start=parent,
                terms="photos of one person, for measuring",
                report=report,
                stop=lambda: bool(asked),
            )
            if read_card(weights).step < recipe.training.steps:
                return False
    return not asked


def _lesson(person: Person, name: str, folder: Path) -> FaceStore:
    """What a model learns from: the first pairs; where it has a helper, the other photos too, with that one's drawings."""
    import numpy as np

    from likeness.faces.effects import apply
    from likeness.systems.portrait.experiments import MODELS
    from likeness.systems.portrait.synthesis import open_portrait

    model, faces = MODELS[name], person.learned
    if not model.helper:
        return faces.head(model.pairs) if model.pairs else faces
    photos = [face.image for face in faces]
    known = [apply(model.drawing.effects[0], photo, 0) for photo in photos[: model.pairs]]
    more = open_portrait(folder / model.helper).draw(photos[model.pairs :])
    grey = np.repeat(np.round(more @ np.array([0.299, 0.587, 0.114]))[..., None], 3, 3).astype(np.uint8)  # as drawings are
    return faces.with_pairs([*known, *grey])


def _report(given: argparse.Namespace, experiment: str, names: Sequence[str], lines: Lines, sheet: Image) -> None:
    """Print an experiment's table (the mean over people), write both tables, and the sheet."""
    from likeness import provenance
    from likeness.evaluate.portrait import INSTRUMENTS
    from likeness.evaluate.portrait_report import means
    from likeness.train.run import commit

    table = means(lines)
    people = ", ".join(name.replace("_", " ") for name in names)
    print(f"{experiment}: held-out photos of {people}; {given.steps} steps a model; the mean over people")
    tables.show([_cells(line) for line in table])
    about = {
        "recipe": f"portrait study {experiment}",
        "step": given.steps,
        "commit": commit(),
        "faces_of": f"held-out photos of {people}",
        "instruments": tables.instruments(*INSTRUMENTS),
    }
    tables.say(about)
    folder, title = Path(given.output), f"portrait_{experiment.replace('-', '_')}"
    for place in [folder] + ([Path(given.csv)] if given.csv else []):
        tables.write_csv(place / f"{title}.csv", [_cells(line) for line in table], about)
        tables.write_csv(place / f"{title}_people.csv", [_cells(line) for line in lines], about)
        if experiment == "curve":
            _plot(place / f"{title}.png", table)
    tool = provenance.software("portrait", f"study {experiment}")
    print(provenance.write(folder / f"{title}-sheet.png", sheet, tool))


def _cells(line: dict[str, Any]) -> dict[str, str]:
    """A line as text."""
    cells = {name: str(value) for name, value in line.items() if name != "score"}
    for name, value in asdict(line["score"]).items():
        cells[name] = str(value) if isinstance(value, int) else f"{value:.{1 if name == 'landmarks' else 3}f}"
    return cells


def _plot(path: Path, lines: Lines) -> None:
    """LPIPS and identity over the number of pairs, where matplotlib is."""
    import numpy as np

    from likeness.systems.portrait.experiments import GENERAL, MODELS

    if (pyplot := tables.plotting()) is None:
        return
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
    tables.write_figure([path], figure)
    pyplot.close(figure)
