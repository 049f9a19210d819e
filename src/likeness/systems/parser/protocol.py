"""The parser's protocol: IoU of each class, on photos and on drawings of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likeness import sheet, systems
from likeness.evaluate import maps
from likeness.evaluate.people import People, headline, known_pictures, pictures_of
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.faces.effects import EFFECTS, apply
from likeness.faces.labels import coloured
from likeness.records import Image
from likeness.systems.parser.synthesis import ParserSynthesizer


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "parser", metavar="W")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """Every class on photos, on each effect, and what a parsing is worth that does not look.

    Raises:
        LikenessError: other weights, or faces without parsings.
    """
    system = systems.load(options.weights, "parser")
    assert isinstance(system, ParserSynthesizer)
    parser, chosen = system.parser, options.faces(system.framing)
    faces, truth = list(chosen), maps.classes_of(pictures_of(chosen, "labels"))
    known = maps.classes_of(known_pictures(options, "labels"))
    inputs = {"photo": [face.image for face in faces]}
    inputs |= {name: [apply(name, face.image, i) for i, face in enumerate(faces)] for name in EFFECTS}
    found: list[maps.Parsing] = []
    shown: list[list[Image | None]] = []
    for number, (name, pictures) in enumerate(inputs.items()):
        progress(number, len(inputs), name)
        made = [np.asarray(parser.framed([picture])[0].argmax(0), np.uint8) for picture in pictures]
        found.append(maps.parsing(name, made, truth))
        shown.append([item for i in range(4) for item in (pictures[i % len(faces)], coloured(made[i % len(faces)]))])
    found.append(maps.parsing("most frequent class", [maps.most_frequent(known)] * len(faces), truth))
    shown.append([item for i in range(4) for item in (None, coloured(truth[i % len(faces)]))])
    about = options.about(system.card, len(faces), ())
    picture = sheet.grid(shown, labels=[*inputs, "label"])
    return Outcome(headline(about), about, [one.line() for one in found], chosen.column("name"), {"parsings": picture})
