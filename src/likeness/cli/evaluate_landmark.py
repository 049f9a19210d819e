"""``likeness evaluate landmark``: table 1 of LandmarkGAN, every target driven by every other's held-out frames and back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.evaluate.reenactment import Puppet
    from likeness.records import Image, Points
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer

FRAMES = 40
"""Held-out frames of each person, one after the other, where no other number is asked for."""


def run(given: argparse.Namespace) -> int:
    """A model's targets with and without the converter, and what needs no training; or the generic face."""
    from likeness import systems
    from likeness.data.store import FaceStore
    from likeness.image import check_writable
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer

    if given.sheet:
        check_writable(given.sheet)
    model = systems.load(given.weights or "landmark", "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    if not model.recipe.targets:
        return _anyone(given, model)
    measure(given, model, FaceStore(given.data), {})
    return 0


def _anyone(given: argparse.Namespace, model: LandmarkSynthesizer) -> int:
    """Test people's landmarks, and whether the face follows them."""
    import numpy as np

    from likeness import sheet
    from likeness.baselines.puppets import bent
    from likeness.data.store import FaceStore
    from likeness.evaluate.reenactment import follow
    from likeness.faces.average import average_face
    from likeness.systems.landmark.synthesis import drawn

    chosen = tables.test_faces(given, model.framing)
    train = FaceStore(given.floors or given.data).select("train", given.source).head(1000)
    if len(train) == 0:
        raise LikenessError(f"{given.floors or given.data}: holds no train people to average; name some with --floors")
    average, middle = average_face(train)
    methods = {
        f"{model.card.recipe['name']}": model.draw,
        "the average face, bent": lambda points: np.stack([bent(average, middle, some) for some in points]),
    }
    with options.bar("measuring") as show:
        scores, pictures = follow(chosen, methods, show)
    faces, size = list(chosen), model.framing.size
    rows = [
        [faces[i].image, drawn(faces[i].landmarks, size), *(made[i] for made in pictures)]
        for i in range(0, len(faces), -(-len(faces) // 16))
    ]
    picture = sheet.grid(rows, columns=["driver", "landmarks", *map(tables.heading, methods)])
    about = tables.about(given, model.card, len(chosen), ("mobilefacenet_b",))
    tables.publish(given, about, [asdict(score) for score in scores], picture)
    return 0


def measure(given: argparse.Namespace, model: LandmarkSynthesizer, store: FaceStore, more: Mapping[str, Puppet]) -> None:
    """Measure a model, ``more`` methods and floors on a store's held-out frames; print and write the table and the sheet."""
    from likeness import sheet
    from likeness.baselines.puppets import Bent, NearestFrame
    from likeness.evaluate.reenactment import compare

    names = sorted(set(store.column("person")))
    if strangers := [name for name in names if name not in model.recipe.names]:
        raise LikenessError(f"{store.path}: shows {strangers[0]!r}, who is no target of this model")
    if store.framing != model.framing:
        raise LikenessError(f"{store.path}: is framed {store.framing}, the weights want {model.framing}")
    each = {name: store.of_person(name) for name in names}
    held_out = {name: one.select(given.split).head(given.limit or FRAMES) for name, one in each.items()}
    if empty := [name for name, one in held_out.items() if len(one) == 0]:
        raise LikenessError(f"{store.path}: holds no {given.split} frames of {empty[0]!r}")
    known = {name: one.select("train") for name, one in each.items()}
    nearest = {name: NearestFrame(one) for name, one in known.items()}
    bent = {name: Bent(one) for name, one in known.items()}

    def ours(points: Sequence[Points], target: str) -> Image:
        return model.draw(points, target=target)

    def straight(points: Sequence[Points], target: str) -> Image:
        return model.draw(points, target=target, convert=False)

    methods: dict[str, Puppet] = {"LandmarkGAN": ours, "without the converter": straight, **more}
    methods |= {
        NearestFrame.title: lambda points, target: nearest[target].draw(points),
        Bent.title: lambda points, target: bent[target].draw(points),
    }
    with options.bar("measuring") as show:
        scores, rows = compare(held_out, known, methods, show)
    count = sum(len(one) for one in held_out.values())
    about: dict[str, Any] = tables.about(given, model.card, count, ("mobilefacenet_b",))
    frames = max(len(one) for one in held_out.values())
    about |= {"faces_of": f"{len(names)} targets, their first {frames} {given.split} frames", "data": store.path.name}
    picture = sheet.grid(rows, cell=min(model.framing.size, 160), columns=["driver", *map(tables.heading, methods)])
    tables.publish(given, about, [asdict(score) for score in scores], picture)
