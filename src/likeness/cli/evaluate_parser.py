"""``likeness evaluate parser``: IoU of each class, on photos and on drawings of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from likeness.cli import options, tables

if TYPE_CHECKING:
    from likeness.records import Image


def run(given: argparse.Namespace) -> int:
    """Every class on photos, on each effect, and what a parsing is worth that does not look."""
    from likeness import sheet, systems
    from likeness.evaluate import maps
    from likeness.faces.effects import EFFECTS, apply
    from likeness.faces.labels import coloured
    from likeness.image import check_writable
    from likeness.systems.parser.synthesis import ParserSynthesizer

    if given.sheet:
        check_writable(given.sheet)
    system = systems.load(given.weights or "parser", "parser")
    assert isinstance(system, ParserSynthesizer)
    parser, chosen = system.parser, tables.test_faces(given, system.framing)
    faces, truth = list(chosen), maps.classes_of(tables.pictures_of(chosen, "labels"))
    known = maps.classes_of(tables.known_pictures(given, "labels"))
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
    lines = [{"method": one.method, "count": one.count, "mean_iou": one.mean} | one.each for one in found]
    about = tables.about(given, system.card, len(faces), ())
    tables.publish(given, about, lines, sheet.grid(shown, labels=[*inputs, "label"]))
    return 0
