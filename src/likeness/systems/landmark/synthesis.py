"""The trained LandmarkGAN: landmarks in, a target's face out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.errors import LikenessError
from likeness.faces import moves
from likeness.faces.align import upright
from likeness.faces.landmarks import COUNT, GROUPS
from likeness.faces.points import read_points
from likeness.faces.reader import PhotoFace
from likeness.image import from_planes
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Condition, Option, Prepared, Result, Synthesizer, describe, plain, stacked
from likeness.systems.landmark.recipes import LandmarkRecipe

LINES = (
    (90, 160, 255),
    (255, 200, 60),
    (255, 200, 60),
    (90, 230, 120),
    (255, 255, 255),
    (255, 255, 255),
    (255, 90, 110),
    (255, 150, 160),
)
"""Colours of :data:`likeness.faces.landmarks.GROUPS` in a drawing."""
CHANGES = ("yaw", "pitch", "roll", "eyes", "mouth", "shift", "scale")
"""The options that are arguments of :func:`likeness.faces.moves.changed`."""


class LandmarkSynthesizer(Synthesizer):
    """A target's face from landmarks, its own or anybody's.

    >>> face = likeness.load("landmark")(landmarks="ann.jpg", mouth=0.3)  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition(
            "landmarks", "landmarks", True, "68 landmarks (x, y) in pixels, a JSON file of them, or a photo to read them from"
        ),
        Condition("target", "target", False, "the name of the person whose face is made; by default the model's first"),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("convert", True, "give the landmarks the target's shape first; not wanted where they are the target's own"),
        Option("framed", False, "the landmarks stand in the model's framing already: leave them where they are"),
        Option("face", 1, "which face of the photo; 1 is the largest"),
        Option("yaw", 0.0, "turn the head by so many degrees to the right of the picture"),
        Option("pitch", 0.0, "turn it down by so many degrees"),
        Option("roll", 0.0, "lean it by so many degrees, clockwise"),
        Option("eyes", None, "open the eyes so many times as wide; 0 closes them"),
        Option("mouth", None, "open the mouth by so many eye distances; 0 closes it"),
        Option("shift", (), "part → (right, down) in eye distances: move parts of the face"),
        Option("scale", (), "part → factor: make parts of the face larger or smaller"),
    )
    batch: ClassVar[int] = 16

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.recipe = thaw(LandmarkRecipe, self.card.recipe)
        self.framing = self.recipe.framing

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`.

        Landmarks are framed by scale and place, not turned (:func:`likeness.faces.align.upright`), and changed afterwards.
        """
        given, options = self.chosen(request)
        target, framed = self.known(given.get("target")), self.framed(request)
        made = self.said(
            conditions={"landmarks": describe(given["landmarks"]), "target": target},
            **{name: plain(value) for name, value in options.items()},
        )
        return Prepared(
            {"landmarks": self._shares([framed])[0]},
            {"landmarks": drawn(framed, self.framing.size)},
            made,
            settings={"target": target, "convert": bool(options["convert"])},
        )

    def framed(self, request: Mapping[str, Any]) -> Points:
        """A request's landmarks, 68 × 2 in pixels of the framing, with the changes that it asks for."""
        given, options = self.chosen(request)
        points = self._landmarks(given["landmarks"], int(options["face"]))
        framed = points if options["framed"] else upright(points, self.framing).apply(points)
        return self._checked(moves.changed(framed, **{name: options[name] for name in CHANGES}))

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A face for each request; the intermediate ``landmarks`` is a drawing of what was given, framed and changed.

        ``made`` gets ``ood_score``, how far the landmarks lie outside of what the model has learned; over 1 there is a note.
        """
        groups: dict[tuple[str, bool], list[int]] = {}
        for number, request in enumerate(requests):
            groups.setdefault((request.settings["target"], request.settings["convert"]), []).append(number)
        results: dict[int, Result] = {}
        for (target, convert), numbers in groups.items():
            some = [requests[number] for number in numbers]
            faces, scores = self._generate(stacked(some, "landmarks"), target, convert)
            for number, one, face, score in zip(numbers, some, faces, scores.tolist(), strict=True):
                made = {**one.made, "ood_score": round(score, 4)}
                notes = (*one.notes, outside(score)) if score > 1 else one.notes
                results[number] = Result(face, one.pictures, made, one.place, notes)
        return [results[number] for number in range(len(requests))]

    def draw(self, conditions: Sequence[Points], *, target: str | None = None, convert: bool = True) -> Image:
        """A target's face for each set of landmarks: uint8 B × S × S × 3.

        Args:
            conditions: landmarks 68 × 2 in pixels of the framing.
            target: whose face; by default the first.
            convert: give the landmarks the target's shape first; not wanted where they are the target's own. The generic
                target has no shape to give.

        Raises:
            LikenessError: no landmarks, or not 68 finite points, or no such target.
        """
        name = self.known(target)
        if not len(conditions):
            raise LikenessError("no landmarks were given")
        given = self._shares([self._checked(points) for points in conditions])
        return self._generate(given, name, convert)[0]

    def ood_scores(self, landmarks: Sequence[Points], target: str | None = None, convert: bool = True) -> NDArray[np.float32]:
        """How far what a target's generator is given lies outside of what was learned; over 1 is outside.

        The score is that of converted landmarks before they are kept in the target's range. Arguments as in :meth:`draw`.
        """
        given = self._shares(landmarks)
        return self._scores(self._converted(given, self.known(target))[1] if convert else given)

    def known(self, target: str | None) -> str:
        """A target's name, the first by default.

        Raises:
            LikenessError: there is no such target; the message names those there are.
        """
        name = target or self.recipe.names[0]
        if name not in self.recipe.names:
            raise LikenessError(f"{name!r} is no target of this model; there are {', '.join(self.recipe.names)}")
        return name

    def converted(self, landmarks: Points, target: str) -> Points:
        """Landmarks 68 × 2 in pixels of the framing with the target's shape, in its range: what its generator is given."""
        found = self._converted(self._shares([landmarks]), self.known(target))[0][0]
        return np.asarray(found * self.framing.size - 0.5, np.float32)

    def _landmarks(self, value: Any, number: int) -> Points:
        """The condition ``landmarks`` in any form that :meth:`prepare` takes, as 68 × 2 in its own pixels."""
        if isinstance(value, str | Path) and Path(value).suffix.lower() == ".json":
            return read_points(value)
        if isinstance(value, str | Path | PhotoFace) or np.ndim(value) != 2 or np.shape(value)[-1] != 2:
            return self.face_of(value, "landmarks", number).landmarks
        return self._checked(np.asarray(value, np.float32))

    def _checked(self, points: Points) -> Points:
        if points.shape != (COUNT, 2) or not np.isfinite(points).all():
            raise LikenessError(f"landmarks are {COUNT} finite points, got {points.shape}")
        return points

    def _shares(self, landmarks: Sequence[Points]) -> NDArray[np.float32]:
        """Landmarks in pixels of the framing as B × 68 × 2 in [0, 1] of the picture."""
        return (np.stack(list(landmarks)).astype(np.float32) + np.float32(0.5)) / np.float32(self.framing.size)

    def _converted(self, landmarks: NDArray[np.float32], target: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """B × 68 × 2 in [0, 1] with the target's shape: kept in its range, and before."""
        graph = self.weights.graphs[f"converter-{self.recipe.names.index(target)}"]
        made = graph(landmarks=landmarks)
        return made["converted"], made["unbounded"]

    def _scores(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self.weights.graphs["ood-score"](landmarks=landmarks)["score"]
        return scores

    def _generate(self, landmarks: NDArray[np.float32], target: str, convert: bool) -> tuple[Image, NDArray[np.float32]]:
        """Faces B × S × S × 3 and out-of-distribution scores B for landmarks B × 68 × 2 in [0, 1]."""
        wanted, unbounded = self._converted(landmarks, target) if convert else (landmarks, landmarks)
        graph = self.weights.graphs[f"generator-{self.recipe.names.index(target)}"]
        return from_planes(in_batches(graph, self.batch, landmarks=wanted)["face"]), self._scores(unbounded)


def outside(score: float) -> str:
    """What to tell a person of an out-of-distribution score over 1."""
    return f"outside what this model has seen ({score:.1f} times too far)"


def drawn(landmarks: Points, size: int) -> Image:
    """Landmarks 68 × 2 as lines on black, size × size × 3: brows, nose, eyes, lips and jaw each in its colour."""
    picture: Image = np.zeros((size, size, 3), np.uint8)
    closed = ("left_eye", "right_eye", "outer_lips", "inner_lips")
    for name, colour in zip(GROUPS, LINES, strict=True):
        corners = [np.round(landmarks[list(GROUPS[name])] * 16).astype(np.int32)]
        cv2.polylines(picture, corners, name in closed, colour, 1, cv2.LINE_AA, 4)
    return picture
