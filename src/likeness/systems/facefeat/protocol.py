"""The experiments of Shen, Zhou, Luo & Tang 2018 on trained weights: tables 1 to 3, figures 3, 4 (a), 4 (b) and 6, section 3.3.

Table 4, and what table 3 compares with, are trained by :mod:`likeness.systems.facefeat.study`. The paper's user study cannot be
repeated; a Fréchet and a kernel distance take its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from likeness import baselines, sheet
from likeness.card import read_card
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.lfw import read_pairs
from likeness.evaluate.people import People, headline
from likeness.experiment import Outcome, Progress, distinct, no_progress, option
from likeness.faces.align import Framing
from likeness.faces.average import average_face
from likeness.faces.solid import pose, turned
from likeness.faces.warp import warped
from likeness.records import AlignedFace, Image
from likeness.systems import weights_path
from likeness.systems.facefeat import measures, panels
from likeness.systems.facefeat.measures import INSTRUMENTS, Judge, Line, Method
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

EXPERIMENTS = {
    "similarity": "table 3 and figure 6: photos and the faces made of them; diversity of generated features",
    "pairs": "table 1: verification on pairs of made faces",
    "templates": "table 2: templates of photos and made faces",
    "frontal": "figure 3: frontalised faces",
    "vary": "figure 4 (a): one noise varied alone",
    "blend": "figure 4 (b): from one person to another",
    "directions": "section 3.3: directions in noise",
}
PAPER = {
    "similarity": "the paper, on CelebA with a recogniser of its own: similarity 0.693, of FaceID-GAN 0.653, of DR-GAN 0.548; "
    "diversity of generated features 0.63",
    "pairs": "the paper, on all of LFW's pairs with a recogniser of its own: 0.9762 ± 0.0078",
    "templates": "the paper, on IJB-A, at 0, 20, 50, 80, 100 %: accepted at 0.01 .978 .943 .901 .935 .953; "
    "rank 1 .974 .952 .924 .948 .965",
}
"""What the paper says, to stand below our figures. Other data and another judge: orders can be compared, not numbers."""


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "facefeat", metavar="W")
    experiment: str = option(
        "; ".join(f"{name}: {what}" for name, what in EXPERIMENTS.items()), "similarity", choices=tuple(EXPERIMENTS)
    )
    against: tuple[str, ...] = option("further weights, of baselines too, beside the model", (), metavar="W")
    pairs: str | None = option("LFW's pairs.txt: all its pairs, most of them of train people", None, metavar="FILE")
    samples: int = option("faces that a direction is learned from", 2000, metavar="N")
    seed: int = option("the chance in what is made", 0)
    engine: str = option("what runs the networks: onnx, int8, torch, or auto", "auto", metavar="E")


def measure(options: Options, progress: Progress = no_progress, judge: Judge | None = None) -> Outcome:
    """One of :data:`EXPERIMENTS` of a model.

    Raises:
        LikenessError: weights that make no faces of a person or are framed otherwise, or no such people.
    """
    if options.against and options.experiment not in ("similarity", "pairs", "frontal"):
        raise LikenessError(f"--against: goes with similarity, pairs and frontal, not with {options.experiment}")
    if options.pairs and options.experiment != "pairs":
        raise LikenessError("--pairs: goes with --experiment pairs")
    system = opened(options.weights, engine=options.engine)
    models = {"ours": system}
    for word in options.against:
        other = opened(word, system.framing)
        models[distinct(str(other.card.recipe["name"]), models)] = other
    return MEASURED[options.experiment](options, models, judge or Judge(), progress)


def opened(weights: str | Path, framing: Framing | None = None, engine: str = "auto") -> FaceFeatSynthesizer:
    """Weights of facefeat, or those of a baseline of it.

    Raises:
        LikenessError: they make no faces of a person, or are for faces framed otherwise.
    """
    system = read_card(weights_path(weights)).system
    if system not in ("facefeat", *baselines.PERSONS):
        raise LikenessError(f"{weights}: holds weights of {system!r}, which does not make faces of a person")
    made = baselines.load(weights, engine)
    assert isinstance(made, FaceFeatSynthesizer)
    if framing is not None and made.framing != framing:
        raise LikenessError(f"{weights}: is for faces framed {made.framing}, ours for {framing}")
    return made


Models = Mapping[str, FaceFeatSynthesizer]


def _faces(options: People, framing: Framing, most: int = 0) -> list[AlignedFace]:
    """The faces that are measured, at least two; where they are many, ``most``, evenly chosen."""
    chosen = options.faces(framing)
    return list(chosen.evenly(most) if most else chosen)


def _outcome(
    options: Options, models: Models, names: Sequence[str], lines: Sequence[Line], count: int, words: str = "", **more: Any
) -> Outcome:
    about = options.about(models["ours"].card, count, INSTRUMENTS)
    title = f"{headline(about)}; {words or EXPERIMENTS[options.experiment]}"
    notes = [*more.pop("notes", ()), *([PAPER[options.experiment]] if options.experiment in PAPER else [])]
    return Outcome(title, about | {"experiment": options.experiment}, lines, names, notes=notes, **more)


def trivial_baselines(options: People, faces: Sequence[AlignedFace]) -> dict[str, Method]:
    """What needs no training: the photo copied, which is one person and no diversity; and the mean face, which is nobody."""
    mean, _ = average_face(options.known())
    found: dict[str, Method] = {
        "the photo copied": lambda photos, seeds: photos,
        "the mean face": lambda photos, seeds: np.repeat(mean[None], len(photos), 0),
    }
    if others := another_photo(options, faces):
        found["another photo of the person"] = others
    return found


def another_photo(options: People, faces: Sequence[AlignedFace]) -> Method | None:
    """Another photo of each person, where all have one: how alike real photos are."""
    store = FaceStore(options.data).select(options.split, options.source)
    rows = {name: i for i, name in enumerate(store.column("name"))}
    people = measures.by_person(store)
    places = []
    for face in faces:
        own = people.get((options.source, face.person), [])
        if others := [i for i in own if i != rows.get(face.name)]:
            places.append(others[0])
    if len(places) < len(faces):
        return None
    pictures = np.stack([face.image for face in store.take(places)])
    return lambda photos, seeds: pictures


def _similarity(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    faces = _faces(options, models["ours"].framing)
    methods = {name: measures.of(system) for name, system in models.items()}
    methods["reconstruction"] = measures.rebuilt(models["ours"])
    methods |= trivial_baselines(options, faces)
    lines, pictures = measures.compared(faces, methods, judge, progress)
    tables = {"features": measures.feature_diversity(models["ours"], pictures["photo"], seed=options.seed)}
    sheets = {"faces": sheet.beside(pictures)}
    return _outcome(options, models, [face.name for face in faces], lines, len(faces), sheets=sheets, tables=tables)


def _pairs(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    options, store = replace(options, photos="all"), FaceStore(options.data)
    if options.pairs:
        listed = read_pairs(options.pairs)
        rows = {Path(name).stem: i for i, name in enumerate(store.column("name"))}
        stems = [(Path(one).stem, Path(other).stem) for one, other in zip(listed.first, listed.second, strict=True)]
        found, same = measures.listed_pairs(stems, listed.same, listed.folds, rows)
        folds, left_out = listed.folds, len(stems) - len(found)
        places = sorted({place for pair in found for place in pair})
        chosen, at = store.take(places), {place: i for i, place in enumerate(places)}
        pairs = [(at[one], at[other]) for one, other in found]
        notes = [f"{left_out} of {len(stems)} pairs are left out: photos that are not prepared, and what balances the folds"]
        words = "table 1 on all of LFW's pairs, most of them of train people"
    else:
        chosen = options.faces(models["ours"].framing)
        pairs, same = measures.own_pairs(chosen, seed=options.seed)
        folds, notes = 10, []
        words = f"table 1 on an own list of pairs of {options.split} people"
    methods = {name: measures.of(system) for name, system in models.items()}
    methods["reconstruction"] = measures.rebuilt(models["ours"])
    lines = measures.verified(list(chosen), pairs, same, methods, judge, folds, progress)
    names = [f"fold {number + 1}" for number in range(folds)]
    return _outcome(options, models, names, lines, len(chosen), words, notes=notes)


def _templates(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    options = replace(options, photos="all")
    chosen = options.faces(models["ours"].framing)
    lines = measures.mixed_templates(chosen, measures.of(models["ours"]), judge, seed=options.seed, progress=progress)
    return _outcome(options, models, [], lines, len(chosen))


def turned_and_warped(faces: Sequence[AlignedFace]) -> Image:
    """Figure 3's trivial baseline: landmarks turned to yaw 0 through the solid face, and the photo warped to them."""
    return np.stack(
        [warped(face.image, face.landmarks, turned(face.landmarks, -pose(face.landmarks).angles[0])) for face in faces]
    )


def _frontal(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    faces = _faces(options, models["ours"].framing)
    methods: dict[str, Callable[[Sequence[AlignedFace]], Image]]
    methods = {name: panels.frontal(system, options.seed) for name, system in models.items()}
    lines, pictures = panels.frontalised(faces, {**methods, "landmarks turned, photo warped": turned_and_warped}, judge)
    order = np.argsort([-abs(pose(face.landmarks).angles[0]) for face in faces])
    sheets = {"faces": sheet.beside({name: some[order] for name, some in pictures.items()}, 16)}
    return _outcome(options, models, [], lines, len(faces), sheets=sheets)


PEOPLE = 40
"""People, at most, whose noise is varied, who are blended, and on whom directions are learned and tried."""


def _vary(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    faces = _faces(options, models["ours"].framing, PEOPLE)
    lines, shown = panels.varied(models["ours"], faces, judge, progress)
    rows = [[face.image, *some[:6], *some[panels.VARIED : panels.VARIED + 6]] for face, some in zip(faces, shown, strict=True)]
    heads = ["photo", *["z_1"] * 6, *["z_2"] * 6]
    sheets = {"faces": sheet.grid(rows[:12], columns=heads)}
    return _outcome(options, models, [face.name for face in faces], lines, len(faces), sheets=sheets)


def _blend(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    faces = _faces(options, models["ours"].framing, PEOPLE)
    lines, whole, shown = panels.interpolated(models["ours"], faces, judge, progress)
    rows = [[faces[i].image, *some, faces[(i + 1) % len(faces)].image] for i, some in enumerate(shown[:12])]
    sheets = {"faces": sheet.grid(rows)}
    return _outcome(options, models, [], lines, len(faces), sheets=sheets, tables={"whole": [whole]})


def _directions(options: Options, models: Models, judge: Judge, progress: Progress) -> Outcome:
    faces = _faces(options, models["ours"].framing, PEOPLE)
    lines = panels.directed(models["ours"], faces, judge, options.samples, options.seed, progress)
    return _outcome(options, models, [], lines, len(faces))


MEASURED: dict[str, Callable[[Options, Models, Judge, Progress], Outcome]] = {
    "similarity": _similarity,
    "pairs": _pairs,
    "templates": _templates,
    "frontal": _frontal,
    "vary": _vary,
    "blend": _blend,
    "directions": _directions,
}
