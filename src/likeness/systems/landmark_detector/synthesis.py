"""The trained landmark detector as every other system: framed pictures in, drawn landmarks out. To use it: faces/landmark_detector.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from likeness.checkpoint import Card
from likeness.faces.landmark_detector import Pointer, dotted
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.landmark_detector.recipes import LandmarkDetectorRecipe


class LandmarkDetectorSynthesizer(Synthesizer):
    """Points at the landmarks of a face."""

    conditions: ClassVar[dict[str, str]] = {"picture": "a photo of a face, framed as the recipe says"}

    def __init__(self, card: Card, pointer: Pointer) -> None:
        self.recipe, self.card = thaw(LandmarkDetectorRecipe, card.recipe), card
        self.pointer, self.framing = pointer, pointer.framing

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> LandmarkDetectorSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        return cls(card, Pointer.of(card, state, path))

    def graph(self) -> nn.Module:
        """The network: pictures B × 3 × S × S in [-1, 1] to scores B × 68 × S/4 × S/4."""
        return self.pointer.network

    def draw(self, conditions: Sequence[Image], *, noise: Tensor | None = None) -> Image:
        """The pictures with their landmarks as dots, uint8 B × S × S × 3."""
        found = self.pointer.framed(conditions)
        return np.stack([dotted(picture, points) for picture, points in zip(conditions, found, strict=True)])
