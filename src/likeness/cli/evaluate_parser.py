"""``likeness evaluate parser``: IoU of each class, on photos and on drawings of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.records import Image


def run(given: argparse.Namespace) -> int:
    """Every class on photos, on each effect, and what a parsing is worth that does not look."""
    from likeness import provenance, sheet, systems
    from likeness.checkpoint import read_card
    from likeness.data.store import FaceStore
    from likeness.evaluate import maps
    from likeness.faces.effects import EFFECTS, apply
    from likeness.faces.labels import coloured, read_off
    from likeness.faces.parsing import WEIGHTS, open_parser
    from likeness.image import check_writable

    if given.sheet:
        check_writable(given.sheet)
    weights = systems.weights_path(given.weights) if given.weights else WEIGHTS
    parser = open_parser(weights)
    chosen = tables.test_faces(given, parser.framing)
    if chosen.pairs != "labels":
        raise LikenessError(f"{given.data}: its faces have no masks; prepare them with --labels MASKS")
    faces = list(chosen)
    truth = [read_off(face.pair) for face in faces if face.pair is not None]
    known = [read_off(face.pair) for face in FaceStore(given.data).select("train") if face.pair is not None]
    inputs = {"photo": [face.image for face in faces]}
    inputs |= {name: [apply(name, face.image, i) for i, face in enumerate(faces)] for name in EFFECTS}
    found: list[maps.Parsing] = []
    shown: list[list[Image | None]] = []
    with options.bar("measuring") as show:
        for number, (name, pictures) in enumerate(inputs.items()):
            show(number, len(inputs), name)
            made = [np.asarray(parser.framed([picture])[0].argmax(0), np.uint8) for picture in pictures]
            found.append(maps.parsing(name, made, truth))
            shown.append([item for i in range(4) for item in (pictures[i % len(faces)], coloured(made[i % len(faces)]))])
    found.append(maps.parsing("most frequent class", [maps.most_frequent(known)] * len(faces), truth))
    shown.append([item for i in range(4) for item in (None, coloured(truth[i % len(faces)]))])
    table = [tables.flat({"method": one.method, "count": one.count, "mean_iou": one.mean} | one.each) for one in found]
    about = tables.about(given, read_card(weights), len(faces), ())
    print(f"{about['data']}: N = {len(faces)}; {about['recipe']} at step {about['step']}")
    tables.show(table)
    tables.say(about)
    if given.csv:
        tables.write_csv(given.csv, table, about)
    if given.sheet:
        picture = sheet.grid(shown, labels=[*inputs, "label"])
        provenance.write(given.sheet, picture, provenance.software("parse", "parser"))
    return 0
