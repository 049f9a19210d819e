"""The trained parser as every other system: framed pictures in, coloured parsings out. To use it, see faces/parser.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from likeness.checkpoint import Card
from likeness.faces.labels import coloured
from likeness.faces.parser import Parser
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.parser.recipes import ParserRecipe


class ParserSynthesizer(Synthesizer):
    """Tells what each pixel of a face is."""

    conditions: ClassVar[dict[str, str]] = {"picture": "a photo or a drawing of a face, framed as the recipe says"}

    def __init__(self, card: Card, parser: Parser) -> None:
        self.recipe, self.card = thaw(ParserRecipe, card.recipe), card
        self.parser, self.framing = parser, parser.framing

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> ParserSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        return cls(card, Parser.of(card, state, path))

    def graph(self) -> nn.Module:
        """The network: pictures B × 3 × S × S in [-1, 1] to logits B × 8 × S × S (and features, twice)."""
        return self.parser.network

    def draw(self, conditions: Sequence[Image], *, noise: Tensor | None = None) -> Image:
        """Coloured parsings, uint8 B × S × S × 3."""
        return coloured(self.parser.framed(conditions).argmax(1).astype(np.uint8))
