"""ISEGAN's tables 1 and 2: photos from sketches (or sketches from photos) on CUFS's test pairs, beside other methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from likeness import baselines, sheet
from likeness.baselines.two_way import TwoWaySynthesizer
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People, headline
from likeness.evaluate.sketches import Judge
from likeness.experiment import Outcome, Progress, distinct, no_progress, option
from likeness.faces.align import Framing
from likeness.faces.labels import coloured
from likeness.records import AlignedFace, Image
from likeness.synthesizer import Synthesizer
from likeness.systems.isegan.synthesis import ISEGANSynthesizer
from likeness.systems.portrait.synthesis import PortraitSynthesizer


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "isegan", metavar="W")
    against: tuple[str, ...] = option("further weights: of isegan, portrait, cyclegan or dualgan", (), metavar="W")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """Every metric of the paper's tables, for a model, its first stage, those named with ``against``, and trivial baselines.

    Raises:
        LikenessError: weights that do something else or are framed otherwise, or faces without sketches and parsings.
    """
    model = baselines.load(options.weights)
    if not isinstance(model, ISEGANSynthesizer):
        raise LikenessError(f"{options.weights}: holds weights of {model.card.system!r}, not of 'isegan'")
    models: dict[str, Synthesizer] = {str(model.card.recipe["name"]): model}
    for word in options.against:
        other = opened(word, model.framing, model.recipe.made == "sketch")
        title = str(other.card.recipe["name"])
        models[distinct(title, models)] = other
    return compare(options, models, progress)


def compare(people: People, models: Mapping[str, Synthesizer], progress: Progress = no_progress) -> Outcome:
    """Models by title on the same pairs; the first is an ISEGAN, whose parsings are shown too."""
    model = next(iter(models.values()))
    assert isinstance(model, ISEGANSynthesizer)
    chosen = people.faces(model.framing)
    check_pairs(chosen)
    faces, back = list(chosen), model.recipe.made == "sketch"
    photos = model.unpad(np.stack([_pair(face)[0] if back else face.image for face in faces]))
    sources, parsings = _given(faces, back), np.stack([_pair(face)[1][0 if back else 1] for face in faces])
    pictures: dict[str, Image] = {}
    shown: list[Image] = []
    for number, (title, other) in enumerate(models.items()):
        progress(number, len(models), f"making {title}")
        if isinstance(other, ISEGANSynthesizer):
            steps = other.stages(sources, parsings)
            if other is model and model.recipe.stages == 2 and model.recipe.middle:
                pictures[f"{title}, stage I"] = model.unpad(steps.first)
            pictures[title] = model.unpad(steps.photo)
            shown = shown or [model.unpad(coloured(one)) for one in (steps.source, steps.parsing)]
        else:
            assert isinstance(other, PortraitSynthesizer | TwoWaySynthesizer)
            pictures[title] = model.unpad(other.draw(sources))
    trivial = _mean_picture(people.known(), model, len(faces)) | {"what was given": model.unpad(np.stack(sources))}
    judge, lines = Judge(photos), []
    for number, (title, some) in enumerate({**pictures, **trivial}.items()):
        progress(number, len(pictures) + len(trivial), title)
        lines.append(judge.score(title, some).line())
    columns = [trivial["what was given"], *shown, *pictures.values(), photos]
    rows: list[list[Image | None]] = [[column[i] for column in columns] for i in range(0, len(faces), -(-len(faces) // 12))]
    heads = ["given", "P_s", "P_int", *(sheet.heading(title) for title in pictures), "true"]
    about = people.about(model.card, len(faces), judge.instruments)
    sheets = {"pairs": sheet.grid(rows, cell=250, columns=heads)}
    return Outcome(headline(about), about, lines, chosen.column("name"), sheets, notes=judge.notes)


def opened(weights: str, framing: Framing, back: bool = False) -> Synthesizer:
    """A model that makes photos from sketches (or with ``back`` sketches from photos) in that framing.

    Raises:
        LikenessError: it does not.
    """
    model = baselines.load(weights)
    system, made = model.card.system, str(model.card.recipe.get("made", "photo"))
    if system not in ("isegan", "portrait", *baselines.SKETCHES):
        raise LikenessError(f"{weights}: holds weights of {system!r}, which do not make photos from sketches")
    if (made == "photo") == back:
        raise LikenessError(f"{weights}: makes a {made} each, which is not what is compared")
    if (theirs := getattr(model, "framing", None)) != framing:
        raise LikenessError(f"{weights}: is for faces framed {theirs}, ours for {framing}")
    return model


def check_pairs(store: FaceStore) -> None:
    """Refuse faces without sketches and parsings."""
    if not (store.paired and store.mapped):
        raise LikenessError(f"{store.path}: its faces have no sketches with parsings; make some: likeness prepare cufs FOLDER")


def _mean_picture(train: FaceStore, model: ISEGANSynthesizer, count: int) -> dict[str, Image]:
    """What the train people look like on average, for each of ``count`` faces; empty where there are none."""
    if len(train) == 0:
        return {}
    check_pairs(train)
    if train.framing != model.framing:
        raise LikenessError(f"{train.path}: is framed {train.framing}, the weights want {model.framing}")
    back = model.recipe.made == "sketch"
    known = np.mean([(_pair(face)[0] if back else face.image).astype(np.float64) for face in train], 0)
    mean = np.asarray(np.round(known), np.uint8)
    return {"the mean picture": np.repeat(model.unpad(mean)[None], count, 0)}


def _pair(face: AlignedFace) -> tuple[Image, Image]:
    """A face's sketch and both parsings."""
    assert face.pair is not None and face.maps is not None
    return face.pair, face.maps


def _given(faces: list[AlignedFace], back: bool) -> list[Image]:
    return [face.image if back else _pair(face)[0] for face in faces]
