"""The trained finder as every other system: pictures in, pictures with squares out. To use it: faces/face_detector.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from likeness.checkpoint import Card
from likeness.faces.align import check_framed
from likeness.faces.face_detector import Finder, drawn
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.face_detector.recipes import FaceDetectorRecipe


class FaceDetectorSynthesizer(Synthesizer):
    """Finds faces."""

    conditions: ClassVar[dict[str, str]] = {"picture": "a photo, framed as the recipe says; Finder.squares takes any"}

    def __init__(self, card: Card, finder: Finder) -> None:
        self.recipe, self.card, self.finder = thaw(FaceDetectorRecipe, card.recipe), card, finder
        self.framing = self.recipe.framing

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> FaceDetectorSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        return cls(card, Finder.of(card, state, path))

    def graph(self) -> nn.Module:
        """The network: pictures B × 3 × H × W in [-1, 1] to logits, log sizes and offsets of cells."""
        return self.finder.network

    def draw(self, conditions: Sequence[Image], *, noise: Tensor | None = None) -> Image:
        """The pictures with squares round their faces, uint8 B × S × S × 3."""
        pictures = check_framed(conditions, self.framing, "picture")
        return np.stack([drawn(picture, self.finder.squares(picture)) for picture in pictures])
