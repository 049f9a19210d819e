"""``likeness evaluate portrait``: a portrait model on test people, whatever it has learned to make."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.records import Image
    from likeness.systems.portrait.synthesis import PortraitSynthesizer


def run(given: argparse.Namespace) -> int:
    """Photos from drawings, effect by effect; drawings, depth or parsings from photos."""
    from likeness import provenance
    from likeness.image import check_writable
    from likeness.systems.portrait.synthesis import open_portrait

    if given.sheet:
        check_writable(given.sheet)
    model = open_portrait(given.weights or "portrait")
    plan = model.recipe.drawing
    if model.recipe.made == "photo":
        table, rows, columns, used = _photos(given, model)
    elif plan.source == "effects":
        raise LikenessError(f"{given.weights}: makes drawings; likeness portrait study reverse measures such models")
    else:
        table, rows, columns, used = _maps(given, model)
    about = tables.about(given, model.card, len(tables.test_faces(given, model.framing)), used)
    print(f"{about['data']}: N = {about['faces']}; {about['recipe']} at step {about['step']}")
    shown = [tables.flat(line) for line in table]
    tables.show(shown)
    tables.say(about)
    if given.output:
        import json

        tables.write_text(given.output, json.dumps({**about, "lines": table}, indent=2) + "\n")
    if given.csv:
        tables.write_csv(given.csv, shown, about)
    if given.sheet:
        from likeness import sheet

        picture = sheet.grid(rows, columns=columns)
        provenance.write(given.sheet, picture, provenance.software("portrait", str(about["recipe"])))
    return 0


Found = tuple[list[dict[str, Any]], "list[list[Image | None]]", list[str], tuple[str, ...]]


def _photos(given: argparse.Namespace, model: PortraitSynthesizer) -> Found:
    """Every effect of the recipe, or the pairs' drawings: made photos against photos."""
    from likeness.evaluate.portrait import INSTRUMENTS, Ruler
    from likeness.faces.effects import apply

    faces = list(tables.test_faces(given, model.framing))
    ruler, table = Ruler(), []
    rows: list[list[Image | None]] = []
    paired = [face.pair for face in faces if face.pair is not None]
    kinds = ["the pairs' drawings"] if len(paired) == len(faces) else list(model.recipe.drawing.effects)
    with options.bar("measuring") as show:
        for number, kind in enumerate(kinds):
            show(number, len(kinds), kind)
            drawings = paired if len(paired) == len(faces) else [apply(kind, face.image, i) for i, face in enumerate(faces)]
            greys: Image = np.stack(drawings)
            made = model.draw(drawings)
            for method, pictures in (("ours", made), ("the drawing as it is", greys)):
                table.append({"effect": kind, "method": method} | asdict(ruler.fidelity(pictures, faces)))
            rows += [[drawings[i], made[i], faces[i].image] for i in range(number, len(faces), max(len(faces) // 4, 1))][:4]
    return table, rows, ["drawing", "ours", "photo"], INSTRUMENTS


def _maps(given: argparse.Namespace, model: PortraitSynthesizer) -> Found:
    """Depth maps are grey, parsings coloured: each against the labels and what needs no photo."""
    from likeness.data.store import FaceStore
    from likeness.evaluate import maps

    chosen, train = tables.test_faces(given, model.framing), FaceStore(given.data).select("train")
    if not chosen.paired:
        raise LikenessError(f"{given.data}: its faces have no labels; prepare them with --labels or --depth")
    faces = list(chosen)
    wanted: Image = np.stack([face.pair for face in faces if face.pair is not None])
    known: Image = np.stack([face.pair for face in train if face.pair is not None])
    made = model.draw([face.image for face in faces])
    table: list[dict[str, Any]]
    if (wanted[..., 0] == wanted[..., 2]).all():
        usual = np.round(known.mean((0, 3)))
        flat = np.repeat(usual.astype(np.uint8)[None, ..., None], len(faces), 0).repeat(3, 3)
        table = [asdict(maps.depth(name, one, wanted, usual)) for name, one in (("ours", made), ("the mean map", flat))]
    else:
        truth, usual_classes = maps.classes_of(wanted), maps.most_frequent(maps.classes_of(known))
        both = (("ours", maps.classes_of(made)), ("most frequent class", [usual_classes] * len(faces)))
        found = [maps.parsing(name, one, truth) for name, one in both]
        table = [{"method": one.method, "count": one.count, "mean_iou": one.mean} | one.each for one in found]
    rows: list[list[Image | None]] = [[face.image, made[i], wanted[i]] for i, face in enumerate(faces[:12])]
    return table, rows, ["photo", "ours", "label"], ()
