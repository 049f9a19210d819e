"""What is learned of people once a training has ended, and written beside its weights: ``people.safetensors``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from likeness import systems
from likeness.card import DIGEST, Card, header, read_card
from likeness.checkpoint import write_weights
from likeness.data.store import FaceStore
from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.evaluate.features import Recogniser, face_crop
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.verification import best_threshold
from likeness.experiment import Progress, no_progress
from likeness.faces.reader import FaceReader
from likeness.records import Image, Points
from likeness.systems.facefeat.people import FILE, unit
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

PHOTOS = 8
"""Photos a person, at most, of which f_id is the mean."""
FACES = 400
"""Validation photos, at most, from which faces are made and judged."""
LEAST = 8


class Embeds(Protocol):
    """Crops 112 × 112 × 3 to N × D unit vectors."""

    def embed(self, crops: Sequence[Image]) -> Array:
        """The features."""
        ...


def calibrate(
    weights: str | Path,
    data: str | Path,
    *,
    judge: Embeds | None = None,
    reader: FaceReader | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Write ``people.safetensors`` beside weights: f_id of the train people, and how well validation people are kept.

    Test people are not looked at.

    Args:
        weights: a system's name, a weights file or run directory.
        data: prepared faces, those that the weights learned from.
        judge: an independent recogniser; by default mobilefacenet_b.
        reader: what finds made faces; by default dlib's.
        progress: called with (done, total, text).

    Raises:
        LikenessError: weights of another system, faces framed otherwise, or too few people.
    """
    system = systems.load(weights, "facefeat")
    assert isinstance(system, FaceFeatSynthesizer)
    store, path = FaceStore(data), systems.weights_path(weights)
    if store.framing != system.framing:
        raise LikenessError(f"{data}: is framed {store.framing}, the weights want {system.framing}")
    train, validation = store.select("train"), store.select("validation")
    if not len(train):
        raise LikenessError(f"{data}: holds no train people")
    if len(validation) < LEAST:
        raise LikenessError(f"{data}: holds {len(validation)} faces of validation people; {LEAST} are needed")
    known = means(system, train, progress)
    strangers = means(system, validation, progress)
    apart = float(np.median((strangers @ known.T).max(1)))
    judge, reader = judge or Recogniser(), reader or judging_reader()
    likeness, similarity = kept(system, validation.evenly(FACES), judge, reader, progress)
    slope, intercept = line(likeness, similarity)
    off = float((similarity - intercept - slope * likeness).std())
    threshold = told_apart(validation, judge)
    said = {
        "kept": f"similarity = {intercept:.3f} + {slope:.3f} · likeness ± {off:.3f} on {len(likeness)} made faces of "
        f"validation people ({getattr(judge, 'name', 'a recogniser')}); one person from {threshold:.3f} on",
        "apart": f"the nearest train person of a validation person is {apart:.3f} alike, the median of {len(strangers)}",
    }
    card = read_card(path)
    made = Card(
        card.system,
        card.recipe,
        card.step,
        card.commit,
        data={"weights": header(path)[DIGEST], Path(data).name: f"{len(known)} train people, {len(train)} faces"},
        terms=card.terms,
        scores=said,
    )
    figures = torch.tensor([slope, intercept, off, threshold, apart])
    return write_weights(path.parent / FILE, {"train": torch.from_numpy(known), "figures": figures.double()}, made, "int8")


def means(system: FaceFeatSynthesizer, store: FaceStore, progress: Progress = no_progress) -> Array:
    """The mean f_id of each person of a store, of unit length, from at most :data:`PHOTOS` photos each."""
    rows: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(store.column("source"), store.column("person"), strict=True)):
        rows.setdefault(key, []).append(i)
    chosen = [(number, i) for number, some in enumerate(rows.values()) for i in some[:PHOTOS]]
    sums: Array = np.zeros((len(rows), system.recipe.identity), np.float32)
    waiting: list[tuple[int, Image]] = []
    for done, ((number, _), face) in enumerate(zip(chosen, store.take([i for _, i in chosen]), strict=True), 1):
        waiting.append((number, face.image))
        if len(waiting) == 64 or done == len(chosen):
            found = system.identities(np.stack([picture for _, picture in waiting]))
            np.add.at(sums, [number for number, _ in waiting], found)
            waiting.clear()
            progress(done, len(chosen), "people")
    return unit(sums)


def kept(
    system: FaceFeatSynthesizer, store: FaceStore, judge: Embeds, reader: FaceReader, progress: Progress = no_progress
) -> tuple[Array, Array]:
    """A face made of each by chance: E_id's likeness, and the judge's similarity with the photo, or 0 where no face is found."""
    photos = list(store)
    people = [system.person_of(face.image, face.name) for face in photos]
    results = system.make([system.prepare({"photo": person, "noise": seed}) for seed, person in enumerate(people)])
    real = judge.embed([face_crop(face.image, face.landmarks) for face in photos])
    usual = np.mean([face.landmarks for face in photos], axis=0).astype(np.float32)
    points: list[Points | None] = []
    for number, result in enumerate(results):
        face = reader.largest(result.picture)
        points.append(None if face is None else face.landmarks)
        progress(number + 1, len(results), "made faces")
    crops = [face_crop(one.picture, usual if some is None else some) for one, some in zip(results, points, strict=True)]
    seen = np.array([some is not None for some in points])
    similarity = (judge.embed(crops) * real).sum(1) * seen
    return np.array([one.made["likeness"] for one in results]), np.asarray(similarity, np.float64)


def told_apart(store: FaceStore, judge: Embeds) -> float:
    """The similarity from which on two real photos count as one person's: where most pairs of validation photos are told right.

    Pairs of one person are the first two photos of each; as many of different people are the first photos of neighbours.
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(store.column("source"), store.column("person"), strict=True)):
        rows.setdefault(key, []).append(i)
    twice = [some[:2] for some in rows.values() if len(some) > 1]
    if len(twice) < 2:
        raise LikenessError(f"{store.path}: holds {len(twice)} validation people with two photos; 2 are needed")
    faces = list(store.take([i for pair in twice for i in pair]))
    features = judge.embed([face_crop(face.image, face.landmarks) for face in faces])
    first, second = features[::2], features[1::2]
    scores = np.concatenate([(first * second).sum(1), (first * np.roll(first, 1, 0)).sum(1)])
    same = np.arange(len(scores)) < len(first)
    return best_threshold(scores, same)


def line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept of the least-squares line, the slope not under 0; a flat one where x does not vary.

    >>> import numpy as np
    >>> line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    (2.0, 1.0)
    """
    away = x - x.mean()
    slope = max(float((away * (y - y.mean())).sum() / max(float((away**2).sum()), 1e-12)), 0.0) if away.any() else 0.0
    return slope, float(y.mean() - slope * x.mean())
