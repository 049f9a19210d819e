"""Table 1 of LandmarkGAN: every target driven by every other's held-out frames and back; and how the generic face follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from likeness import sheet, systems
from likeness.baselines.reenactment import NearestFrame, WarpedFrame
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People, headline
from likeness.evaluate.reenactment import ReenactmentMethod, compare, follow, pairs_of
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.faces.average import average_face
from likeness.faces.warp import warped
from likeness.records import Image, Points
from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn

FRAMES = 40
"""Held-out frames of each person, one after the other, where no other number is asked for."""
INSTRUMENTS = ("mobilefacenet_b",)


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "landmark", metavar="W")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """A model's targets with and without the converter, and what needs no training; or the generic face.

    Raises:
        LikenessError: other weights, or faces that are no targets of the model.
    """
    model = systems.load(options.weights, "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    if not model.recipe.targets:
        return generic(options, model, progress)
    return targets(options, model, FaceStore(options.data), {}, progress)


def generic(people: People, model: LandmarkSynthesizer, progress: Progress = no_progress) -> Outcome:
    """Test people's landmarks, and whether the face follows them."""
    chosen = people.faces(model.framing)
    train = FaceStore(people.trivial_from or people.data).select("train", people.source).head(1000)
    if len(train) == 0:
        raise LikenessError(f"{people.trivial_from or people.data}: has no train people to average; name some: --trivial-from")
    average, middle = average_face(train)
    methods = {
        f"{model.card.recipe['name']}": model.draw,
        "the average face, warped": lambda points: np.stack([warped(average, middle, some) for some in points]),
    }
    scores, pictures = follow(chosen, methods, progress)
    faces, size = list(chosen), model.framing.size
    rows = [
        [faces[i].image, drawn(faces[i].landmarks, size), *(made[i] for made in pictures)]
        for i in range(0, len(faces), -(-len(faces) // 16))
    ]
    picture = sheet.grid(rows, columns=["driver", "landmarks", *map(sheet.heading, methods)])
    about = people.about(model.card, len(chosen), INSTRUMENTS)
    return Outcome(headline(about), about, [asdict(score) for score in scores], chosen.column("name"), {"faces": picture})


def targets(
    people: People,
    model: LandmarkSynthesizer,
    store: FaceStore,
    more: Mapping[str, ReenactmentMethod],
    progress: Progress = no_progress,
) -> Outcome:
    """A model, ``more`` methods and trivial baselines on held-out frames; ``each`` has a value for each pair of targets."""
    names = sorted(set(store.column("person")))
    if strangers := [name for name in names if name not in model.recipe.names]:
        raise LikenessError(f"{store.path}: shows {strangers[0]!r}, who is no target of this model")
    if store.framing != model.framing:
        raise LikenessError(f"{store.path}: is framed {store.framing}, the weights want {model.framing}")
    each = {name: store.of_person(name) for name in names}
    held_out = {name: one.select(people.split).head(people.limit or FRAMES) for name, one in each.items()}
    if empty := [name for name, one in held_out.items() if len(one) == 0]:
        raise LikenessError(f"{store.path}: holds no {people.split} frames of {empty[0]!r}")
    known = {name: one.select("train") for name, one in each.items()}
    nearest = {name: NearestFrame(one) for name, one in known.items()}
    warped = {name: WarpedFrame(one) for name, one in known.items()}

    def ours(points: Sequence[Points], target: str) -> Image:
        return model.draw(points, target=target)

    def straight(points: Sequence[Points], target: str) -> Image:
        return model.draw(points, target=target, convert=False)

    methods: dict[str, ReenactmentMethod] = {"LandmarkGAN": ours, "without the converter": straight, **more}
    methods |= {
        NearestFrame.title: lambda points, target: nearest[target].draw(points),
        WarpedFrame.title: lambda points, target: warped[target].draw(points),
    }
    scores, rows = compare(held_out, known, methods, progress)
    count = sum(len(one) for one in held_out.values())
    about: dict[str, Any] = people.about(model.card, count, INSTRUMENTS)
    frames = max(len(one) for one in held_out.values())
    about |= {"faces_of": f"{len(names)} targets, their first {frames} {people.split} frames", "data": store.path.name}
    picture = sheet.grid(rows, cell=min(model.framing.size, 160), columns=["driver", *map(sheet.heading, methods)])
    pairs = [f"{source} → {target}" for source, target in pairs_of(held_out)]
    return Outcome(headline(about), about, [asdict(score) for score in scores], pairs, {"frames": picture})
