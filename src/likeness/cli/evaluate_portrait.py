"""``likeness evaluate portrait``: a portrait model on test people, whatever it has learned to make."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.records import Image
    from likeness.systems.portrait.synthesis import PortraitSynthesizer


Found = tuple[list[dict[str, Any]], "list[list[Image | None]]", list[str], tuple[str, ...]]
"""Lines of a table, rows and headings of a sheet, instruments used."""


def run(given: argparse.Namespace) -> int:
    """Photos from drawings, effect by effect; drawings, depth or parsings from photos."""
    from likeness import sheet
    from likeness.image import check_writable
    from likeness.systems.portrait.synthesis import open_portrait

    if given.sheet:
        check_writable(given.sheet)
    model = open_portrait(given.weights or "portrait")
    chosen = tables.test_faces(given, model.framing)
    if model.recipe.made == "photo":
        lines, rows, columns, used = _photos(given, model, chosen)
    elif model.recipe.drawing.source == "effects":
        raise LikenessError(f"{given.weights}: makes drawings; likeness portrait study reverse measures such models")
    else:
        lines, rows, columns, used = _others(given, model, chosen)
    tables.publish(given, tables.about(given, model.card, len(chosen), used), lines, sheet.grid(rows, columns=columns))
    return 0


def _photos(given: argparse.Namespace, model: PortraitSynthesizer, chosen: FaceStore) -> Found:
    """Every effect of the recipe, or the pairs' drawings: made photos against photos."""
    from likeness.evaluate.portrait import INSTRUMENTS, Ruler
    from likeness.faces.effects import apply

    faces = list(chosen)
    ruler, table = Ruler(), []
    rows: list[list[Image | None]] = []
    from_pairs = given.pairs_as_drawings or model.recipe.drawing.source == "pairs"
    paired = tables.pictures_of(chosen, "with") if from_pairs else []
    kinds = ["the pairs' drawings"] if from_pairs else list(model.recipe.drawing.effects)
    with options.bar("measuring") as show:
        for number, kind in enumerate(kinds):
            show(number, len(kinds), kind)
            drawings = paired if from_pairs else [apply(kind, face.image, i) for i, face in enumerate(faces)]
            greys: Image = np.stack(drawings)
            made = model.draw(drawings)
            for method, pictures in (("ours", made), ("the drawing as it is", greys)):
                table.append({"effect": kind, "method": method} | asdict(ruler.fidelity(pictures, faces)))
            rows += [[drawings[i], made[i], faces[i].image] for i in range(number, len(faces), max(len(faces) // 4, 1))][:4]
    return table, rows, ["drawing", "ours", "photo"], INSTRUMENTS


def _others(given: argparse.Namespace, model: PortraitSynthesizer, chosen: FaceStore) -> Found:
    """What takes the drawing's place: depth, parsings or an artist's drawings; each beside what needs no photo."""
    from likeness.data.pairs import KINDS
    from likeness.evaluate import maps
    from likeness.evaluate.portrait import Ruler, absolute_error

    kinds = [kind for kind in KINDS if any(text.endswith(f"other pictures: {kind}") for text in model.card.data.values())]
    kind = kinds[0] if kinds else "with"
    faces = list(chosen)
    wanted: Image = np.stack(tables.pictures_of(chosen, kind))
    known = tables.known_pictures(given, kind)
    made = model.draw([face.image for face in faces])
    usual = np.round(np.mean(np.stack(known), 0, dtype=np.float64)).astype(np.uint8)
    pictures = {"ours": made, "the mean picture": np.repeat(usual[None], len(faces), 0)}
    table: list[dict[str, Any]]
    used: tuple[str, ...] = ()
    if kind == "depth":
        table = [asdict(maps.depth(name, some, wanted)) for name, some in pictures.items()]
    elif kind == "labels":
        truth, often = maps.classes_of(wanted), maps.most_frequent(maps.classes_of(np.stack(known)))
        both = (("ours", maps.classes_of(made)), ("most frequent class", [often] * len(faces)))
        found = [maps.parsing(name, one, truth) for name, one in both]
        table = [{"method": one.method, "count": one.count, "mean_iou": one.mean} | one.each for one in found]
    else:
        ruler, used = Ruler(), ("squeezenet", "lpips_heads")
        table = [
            {"method": name, "count": len(faces), "absolute": absolute_error(some, wanted), "lpips": ruler.lpips(some, wanted)}
            for name, some in pictures.items()
        ]
    rows: list[list[Image | None]] = [[face.image, made[i], wanted[i]] for i, face in enumerate(faces[:12])]
    return table, rows, ["photo", "ours", "label"], used
