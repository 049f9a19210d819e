"""``likeness evaluate isegan``: photos from sketches (or sketches from photos) on CUFS's test pairs, beside other methods."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.faces.align import Framing
    from likeness.records import AlignedFace, Image
    from likeness.synthesizer import Synthesizer


def run(given: argparse.Namespace) -> int:
    """Every metric of the paper's tables, for a model, its first stage, those named with --against, and floors."""
    from likeness import baselines
    from likeness.image import check_writable
    from likeness.systems.isegan.synthesis import ISEGANSynthesizer

    if given.sheet:
        check_writable(given.sheet)
    model = baselines.load(given.weights or "isegan")
    if not isinstance(model, ISEGANSynthesizer):
        raise LikenessError(f"{given.weights}: holds weights of {model.card.system!r}, not of 'isegan'")
    models: dict[str, Synthesizer] = {str(model.card.recipe["name"]): model}
    for word in given.against:
        other = baselines.load(word)
        check(other, word, model.framing, model.recipe.made == "sketch")
        title = str(other.card.recipe["name"])
        models[title if title not in models else f"{title} ({word})"] = other
    chosen = tables.test_faces(given, model.framing)
    lines, picture, used = compare(given, models, chosen)
    tables.publish(given, tables.about(given, model.card, len(chosen), used), lines, picture)
    return 0


def compare(
    given: argparse.Namespace, models: Mapping[str, Synthesizer], chosen: FaceStore
) -> tuple[list[dict[str, Any]], Image, tuple[str, ...]]:
    """Table, contact sheet and instruments of models by title; the first is an ISEGAN, whose parsings are shown too."""
    from likeness import sheet
    from likeness.baselines.two_way import TwoWaySynthesizer
    from likeness.data.store import FaceStore
    from likeness.evaluate.sketches import Judge
    from likeness.faces.labels import coloured
    from likeness.systems.isegan.synthesis import ISEGANSynthesizer
    from likeness.systems.portrait.synthesis import PortraitSynthesizer

    model = next(iter(models.values()))
    assert isinstance(model, ISEGANSynthesizer)
    _check(chosen)
    faces, back = list(chosen), model.recipe.made == "sketch"
    photos = model.unpad(np.stack([_pair(face)[0] if back else face.image for face in faces]))
    sources, parsings = _given(faces, back), np.stack([_pair(face)[1][0 if back else 1] for face in faces])
    pictures: dict[str, Image] = {}
    shown: list[Image] = []
    with options.bar("making") as show:
        for number, (title, other) in enumerate(models.items()):
            show(number, len(models), title)
            if isinstance(other, ISEGANSynthesizer):
                steps = other.stages(sources, parsings)
                if other is model and model.recipe.stages == 2 and model.recipe.middle:
                    pictures[f"{title}, stage I"] = model.unpad(steps.first)
                pictures[title] = model.unpad(steps.photo)
                shown = shown or [model.unpad(coloured(one)) for one in (steps.source, steps.parsing)]
            else:
                assert isinstance(other, PortraitSynthesizer | TwoWaySynthesizer)
                pictures[title] = model.unpad(other.draw(sources))
    floors: dict[str, Image] = {}
    train = FaceStore(given.floors or given.data).select("train")
    if len(train):
        _check(train)
        if train.framing != model.framing:
            raise LikenessError(f"{train.path}: is framed {train.framing}, the weights want {model.framing}")
        known = np.mean([(_pair(face)[0] if back else face.image).astype(np.float64) for face in train], 0)
        mean = np.asarray(np.round(known), np.uint8)
        floors["the mean picture"] = np.repeat(model.unpad(mean)[None], len(faces), 0)
    floors["what was given"] = model.unpad(np.stack(sources))
    judge, lines = Judge(photos), []
    with options.bar("measuring") as show:
        for number, (title, some) in enumerate({**pictures, **floors}.items()):
            show(number, len(pictures) + len(floors), title)
            lines.append(judge.score(title, some).line())
    columns = [floors["what was given"], *shown, *pictures.values(), photos]
    rows: list[list[Image | None]] = [[column[i] for column in columns] for i in range(0, len(faces), -(-len(faces) // 12))]
    heads = ["given", "P_s", "P_int", *(tables.heading(title) for title in pictures), "true"]
    return lines, sheet.grid(rows, cell=250, columns=heads), judge.instruments


def check(model: Synthesizer, word: str, framing: Framing, back: bool) -> None:
    """Refuse a model that does not make photos from sketches (or ``back``) in that framing."""
    from likeness import baselines

    system, made = model.card.system, str(model.card.recipe.get("made", "photo"))
    if system not in ("isegan", "portrait", *baselines.SKETCHES):
        raise LikenessError(f"{word}: holds weights of {system!r}, which do not make photos from sketches")
    if (made == "photo") == back:
        raise LikenessError(f"{word}: makes a {made} each, which is not what is compared")
    if (theirs := getattr(model, "framing", None)) != framing:
        raise LikenessError(f"{word}: is for faces framed {theirs}, ours for {framing}")


def _check(store: FaceStore) -> None:
    if not (store.paired and store.mapped):
        raise LikenessError(f"{store.path}: its faces have no sketches with parsings; make some: likeness prepare cufs FOLDER")


def _pair(face: AlignedFace) -> tuple[Image, Image]:
    """A face's sketch and both parsings."""
    assert face.pair is not None and face.maps is not None
    return face.pair, face.maps


def _given(faces: list[AlignedFace], back: bool) -> list[Image]:
    return [face.image if back else _pair(face)[0] for face in faces]
