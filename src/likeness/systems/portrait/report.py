"""The cGAN report's experiments, measured: held-out photos of some people, drawn, through their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness import sheet
from likeness.data.unaligned import unaligned
from likeness.evaluate.groups import individual_typology_angle
from likeness.evaluate.portrait import Drift, Imitation, Ruler, absolute_error, mean_of
from likeness.faces.effects import EFFECTS, apply, erased_region, mutilate
from likeness.records import AlignedFace, Image

UNALIGNED = 0.25
"""How far photos that are not aligned are moved in the experiment alignment, see :func:`likeness.data.unaligned.unaligned`."""
OTHERS = 8
"""How many held-out photos of each other person are tried."""

Lines = list[dict[str, Any]]
"""What was measured: ``person``, ``model``, … as text, and ``score``, one of :mod:`likeness.evaluate.portrait`'s."""


@dataclass(frozen=True)
class Subject:
    """A person: photos that models learn from, photos held out, and the models: pictures in, N × S × S × 3 out.

    ``pairs`` says how many real pairs each model has learned from.
    """

    name: str
    learned: Sequence[AlignedFace]
    held_out: Sequence[AlignedFace]
    models: Mapping[str, Callable[[Sequence[Image]], Image]]
    pairs: Mapping[str, int] = field(default_factory=dict)


def means(lines: Lines) -> Lines:
    """Lines that differ in their person only, as one: the mean over people; different numbers of ``pairs`` become a range."""
    groups: dict[tuple[Any, ...], Lines] = {}
    for line in lines:
        key = tuple((name, value) for name, value in line.items() if name not in ("person", "pairs", "score"))
        groups.setdefault(key, []).append(line)
    made = []
    for key, some in groups.items():
        counts = sorted({line["pairs"] for line in some if "pairs" in line})
        pairs = {"pairs": "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} if counts else {}
        made.append(dict(key) | pairs | {"score": mean_of([line["score"] for line in some])})
    return made


def _drawings(effect: str, faces: Sequence[AlignedFace]) -> list[Image]:
    """Held-out photos, drawn; the seed is the place in the row."""
    return [apply(effect, face.image, 1000 + i) for i, face in enumerate(faces)]


def _sheet(rows: list[list[Image | None]], columns: Sequence[str]) -> Image:
    return sheet.grid(rows, cell=128, columns=columns)


def effects(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """1: every model on every effect, those it has learned and those it has not."""
    lines: Lines = []
    rows: list[list[Image | None]] = []
    for person in people:
        faces, like = person.held_out, ruler.person(person.learned)
        drawn = {effect: _drawings(effect, faces) for effect in EFFECTS}
        made: dict[tuple[str, str], Image] = {}
        for name in models:
            for effect in EFFECTS:
                made[name, effect] = person.models[name](drawn[effect])
                score = ruler.measure(made[name, effect], faces, like)
                lines.append({"person": person.name, "effect": effect, "model": name, "score": score})
        for effect in EFFECTS:
            rows.append([drawn[effect][0], *(made[name, effect][0] for name in models), faces[0].image])
    lines.sort(key=lambda line: [*EFFECTS].index(line["effect"]))
    return lines, _sheet(rows, ["drawing", *models, "photo"])


def hand_drawn(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """3: hand-drawn, before and after such drawings were learned; three hands a photo."""
    lines: Lines = []
    rows: list[list[Image | None]] = []
    for person in people:
        faces, like = list(person.held_out) * 3, ruler.person(person.learned)
        drawn = [apply("hand_drawn", face.image, 1000 + i) for i, face in enumerate(faces)]
        made = {name: person.models[name](drawn) for name in models}
        for name in models:
            lines.append({"person": person.name, "model": name, "score": ruler.measure(made[name], faces, like)})
        for i in range(4):
            rows.append([drawn[i], *(made[name][i] for name in models), faces[i].image])
    return lines, _sheet(rows, ["drawing", *models, "photo"])


OWN, ANOTHERS = "the model's person", "another person"

CONDITIONS: tuple[tuple[str, str, str, str], ...] = (
    ("nothing", OWN, "", "left_eye"),
    ("left eye", OWN, "left_eye", "left_eye"),
    ("right eye", OWN, "right_eye", "right_eye"),
    ("right eye; the left one measured", OWN, "right_eye", "left_eye"),
    ("nose", OWN, "nose", "nose"),
    ("left eye", ANOTHERS, "left_eye", "left_eye"),
)
"""What is erased, of whose face, the feature, and the feature whose region is measured: figures 2b, e (the repair, and the good
eye that was damaged), a, g. ``eye-unmirrored`` has learned left eyes only (the viewer's), ``eye`` and ``eye-jitter`` the right
one of mirrored photos too, ``eye+nose`` noses besides, ``person`` and ``general`` all features."""


def repair(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """2: the error inside the erased region: the defect that was trained, the other eye, other people."""
    return _repair(ruler, people, models, CONDITIONS, inside=True)


def jitter(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """Figure 2c, d: whether features come out misplaced when training pairs are jittered."""
    return _repair(ruler, people, models, CONDITIONS[:2], inside=False)


def _repair(
    ruler: Ruler, people: Sequence[Subject], models: Sequence[str], conditions: Sequence[tuple[str, str, str, str]], inside: bool
) -> tuple[Lines, Image]:
    """Where nothing is erased the region is the left eye's, too: the error of an eye that was drawn."""
    found: dict[tuple[str, str], Lines] = {}
    rows: list[list[Image | None]] = []
    for person in people:
        for what, whose, feature, measured in conditions:
            faces = person.held_out if whose == OWN else _of_others(person, people)
            if not faces:
                continue
            like = ruler.person(person.learned) if whose == OWN else _features_of_others(ruler, person, people)
            regions = [erased_region(face.image.shape[:2], face.landmarks, [measured]) for face in faces]
            drawn = _drawings("style_a", faces)
            if feature:
                erased = [erased_region(face.image.shape[:2], face.landmarks, [feature]) for face in faces]
                drawn = [mutilate(drawing, region) for drawing, region in zip(drawn, erased, strict=True)]
            made = {name: person.models[name](drawn) for name in models}
            for name in models:
                score = ruler.measure(made[name], faces, like, regions if inside else None)
                line = {"person": person.name, "erased": what, "face": whose, "model": name, "score": score}
                found.setdefault((what, whose), []).append(line)
            rows += [[drawn[i], *(made[name][i] for name in models), faces[i].image] for i in range(2)]
    return [line for lines in found.values() for line in lines], _sheet(rows, ["drawing", *models, "photo"])


def alignment(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """The report's conclusion 2: style A of held-out photos, aligned, and as if not aligned."""
    found: dict[str, Lines] = {}
    rows: list[list[Image | None]] = []
    for person in people:
        like = ruler.person(person.learned)
        for what, amount in (("aligned", 0.0), ("not aligned", UNALIGNED)):
            faces = [unaligned(face, amount) if amount else face for face in person.held_out]
            drawn = _drawings("style_a", faces)
            made = {name: person.models[name](drawn) for name in models}
            for name in models:
                line = {"person": person.name, "photos": what, "model": name, "score": ruler.measure(made[name], faces, like)}
                found.setdefault(what, []).append(line)
            rows += [[drawn[i], *(made[name][i] for name in models), faces[i].image] for i in range(2)]
    return [line for lines in found.values() for line in lines], _sheet(rows, ["drawing", *models, "photo"])


def _features_of_others(ruler: Ruler, person: Subject, people: Sequence[Subject]) -> NDArray[np.float32]:
    """What each of these people looks like, a row a face."""
    others = [other for other in people if other is not person]
    return np.concatenate([[ruler.person(other.learned)] * len(other.held_out[:OTHERS]) for other in others])


def _of_others(person: Subject, people: Sequence[Subject]) -> list[AlignedFace]:
    return [face for other in people if other is not person for face in other.held_out[:OTHERS]]


def identity(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """4: drawings of other people through a person's model: how like the model's person, and how like themselves."""
    lines: Lines = []
    rows: list[list[Image | None]] = []
    for person in people:
        like = ruler.person(person.learned)
        faces = _of_others(person, people)
        drawn, themselves = _drawings("style_a", faces), _features_of_others(ruler, person, people)
        made = {"photo": np.stack([face.image for face in faces])}
        made |= {name: person.models[name](drawn) for name in models}
        for name, pictures in made.items():
            features, found = ruler.features(pictures, faces)
            seen = np.array([points is not None for points in found])
            score = Drift(
                len(faces),
                float(((features @ like) * seen).mean()),
                float(((features * themselves).sum(1) * seen).mean()),
                tone_drift(pictures, faces, person.learned),
                int((~seen).sum()),
            )
            lines.append({"person": person.name, "model": "none: the photo" if name == "photo" else name, "score": score})
        for i in (0, 1, len(faces) - 2, len(faces) - 1):
            rows.append([drawn[i], *(made[name][i] for name in models), faces[i].image, person.learned[0].image])
    return lines, _sheet(rows, ["drawing", *models, "photo", "model's person"])


APART = 8.0
"""Degrees of ITA by which two people's tones must differ to tell towards which a picture has gone."""


def tone_drift(pictures: Image, faces: Sequence[AlignedFace], models_person: Sequence[AlignedFace]) -> float:
    """Skin of made pictures of ``faces``: 0 as in their photos, 1 as in the photos of the model's person.

    The mean over the drawn people whose tone differs by :data:`APART`; a person's tone is the median ITA over pictures.
    """

    def tone(some: Sequence[tuple[Image, AlignedFace]]) -> float:
        angles = [individual_typology_angle(image, face.landmarks) for image, face in some]
        known = [angle for angle in angles if not np.isnan(angle)]
        return float(np.median(known)) if known else float("nan")

    towards = tone([(face.image, face) for face in models_person])
    shares = []
    for name in dict.fromkeys(face.person for face in faces):
        own = [(image, face) for image, face in zip(pictures, faces, strict=True) if face.person == name]
        before, after = tone([(face.image, face) for _, face in own]), tone(own)
        if abs(towards - before) >= APART:  # not so where either is NaN
            shares.append((after - before) / (towards - before))
    return float(np.mean(shares)) if shares else float("nan")


def reverse(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """6: photo → style A, against the effect itself; and what the photo's greys alone would be worth."""
    lines: Lines = []
    rows: list[list[Image | None]] = []
    for person in people:
        faces = person.held_out
        wanted: Image = np.stack(_drawings("style_a", faces))
        greys = [np.asarray(cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY), np.uint8) for face in faces]
        made: dict[str, Image] = {"none: the photo's greys": np.repeat(np.stack(greys)[..., None], 3, 3)}
        made |= {name: person.models[name]([face.image for face in faces]) for name in models}
        for name, pictures in made.items():
            score = Imitation(len(faces), absolute_error(pictures, wanted), ruler.lpips(pictures, wanted))
            lines.append({"person": person.name, "model": name, "score": score})
        for i in range(3):
            rows.append([faces[i].image, *(made[name][i] for name in models), wanted[i]])
    return lines, _sheet(rows, ["photo", *models, "style A"])


def on_style_a(ruler: Ruler, people: Sequence[Subject], models: Sequence[str]) -> tuple[Lines, Image]:
    """6 and the learning curve: drawings in style A of held-out photos."""
    lines: Lines = []
    rows: list[list[Image | None]] = []
    for person in people:
        faces, like = person.held_out, ruler.person(person.learned)
        drawn = _drawings("style_a", faces)
        made = {name: person.models[name](drawn) for name in models}
        for name in models:
            score = ruler.measure(made[name], faces, like)
            lines.append({"person": person.name, "model": name, "pairs": person.pairs.get(name, 0), "score": score})
        for i in range(3):
            rows.append([drawn[i], *(made[name][i] for name in models), faces[i].image])
    return lines, _sheet(rows, ["drawing", *models, "photo"])


Experiment = Callable[[Ruler, Sequence[Subject], Sequence[str]], tuple[Lines, Image]]

EXPERIMENTS: dict[str, Experiment] = {
    "effects": effects,
    "repair": repair,
    "jitter": jitter,
    "alignment": alignment,
    "hand-drawn": hand_drawn,
    "identity": identity,
    "reverse": reverse,
    "bootstrap": on_style_a,
    "curve": on_style_a,
}
"""Name → how it is measured: instruments, people, names of models (in order); lines and a sheet."""
