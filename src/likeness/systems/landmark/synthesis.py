"""The trained LandmarkGAN: landmarks in, a target's face out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from likeness.checkpoint import Card, fill
from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, GROUPS
from likeness.image import to_images
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Synthesizer
from likeness.systems.landmark.networks import Converter, Seen, converted, networks_of, slot
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


class LandmarkSynthesizer(Synthesizer):
    """A target's face from landmarks, its own or anybody's.

    >>> model = likeness.load("runs/ann")  # doctest: +SKIP
    >>> face = model.draw([points], target="ann")[0]  # doctest: +SKIP
    """

    conditions: ClassVar[dict[str, str]] = {"landmarks": "68 × 2 in pixels of the framing"}

    converter: Converter
    generators: nn.ModuleDict
    seen: Seen
    ranges: nn.ModuleDict

    def __init__(self, card: Card, recipe: LandmarkRecipe, networks: nn.ModuleDict) -> None:
        self.card, self.recipe, self.framing = card, recipe, recipe.framing
        for name, network in networks.eval().items():
            setattr(self, name, network)

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> LandmarkSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        recipe = thaw(LandmarkRecipe, card.recipe)
        networks = networks_of(recipe)
        fill(networks, state, path)
        return cls(card, recipe, networks)

    def graph(self) -> nn.Module:
        """The first target's Θ: landmarks B × 68 × 2 in [0, 1] to faces B × 3 × S × S in [-1, 1]."""
        return self.generators[slot(self.recipe.names[0])]

    @torch.inference_mode()
    def draw(
        self, conditions: Sequence[Points], *, noise: Tensor | None = None, target: str | None = None, convert: bool = True
    ) -> Image:
        """A target's face for each set of landmarks: uint8 B × S × S × 3.

        Args:
            conditions: landmarks 68 × 2 in pixels of the framing.
            noise: there is none.
            target: whose face; by default the first.
            convert: give the landmarks the target's shape first; not wanted where they are the target's own. A face that is
                nobody's has no shape to give.

        Raises:
            LikenessError: no landmarks, or not 68 finite points, or no such target.
        """
        name = self.known(target)
        if not len(conditions):
            raise LikenessError("no landmarks were given")
        for points in conditions:
            if points.shape != (COUNT, 2) or not np.isfinite(points).all():
                raise LikenessError(f"landmarks are {COUNT} finite points, got {points.shape}")
        landmarks = (torch.from_numpy(np.stack(list(conditions)).astype(np.float32)) + 0.5) / self.framing.size
        made = []
        for some in landmarks.split(16):
            wanted = converted(some, name, self.converter, self.ranges) if convert else some
            made.append(self.generators[slot(name)](wanted))
        return to_images(torch.cat(made))

    @torch.inference_mode()
    def strangeness(self, landmarks: Points, target: str | None = None, convert: bool = True) -> float:
        """How far from what was learned that is which a target's generator is given; over 1 is outside (:class:`Seen`).

        The arguments are those of :meth:`draw`, for one set of landmarks.
        """
        given = (torch.from_numpy(landmarks[None].astype(np.float32)) + 0.5) / self.framing.size
        name = self.known(target)
        return float(self.seen(converted(given, name, self.converter) if convert else given)[0])  # before it is kept in range

    def known(self, target: str | None) -> str:
        """A target's name, the first by default.

        Raises:
            LikenessError: there is no such target; the message names those there are.
        """
        name = target or self.recipe.names[0]
        if name not in self.recipe.names:
            raise LikenessError(f"{name!r} is no target of this model; there are {', '.join(self.recipe.names)}")
        return name

    @torch.inference_mode()
    def converted(self, landmarks: Points, target: str) -> Points:
        """Landmarks 68 × 2 in pixels of the framing with the target's shape, in its range: what its generator is given."""
        size = self.framing.size
        given = (torch.from_numpy(landmarks[None].astype(np.float32)) + 0.5) / size
        wanted = converted(given, self.known(target), self.converter, self.ranges)
        return np.asarray(wanted[0].numpy() * size - 0.5, np.float32)


def drawn(landmarks: Points, size: int) -> Image:
    """Landmarks 68 × 2 as lines on black, size × size × 3: brows, nose, eyes, lips and jaw each in its colour."""
    picture: Image = np.zeros((size, size, 3), np.uint8)
    closed = ("left_eye", "right_eye", "outer_lips", "inner_lips")
    for name, colour in zip(GROUPS, LINES, strict=True):
        corners = [np.round(landmarks[list(GROUPS[name])] * 16).astype(np.int32)]
        cv2.polylines(picture, corners, name in closed, colour, 1, cv2.LINE_AA, 4)
    return picture
