"""A synthesizer is a trained paper: conditions in, pictures out. Commands, exporter and studio see only this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from likeness.checkpoint import Card
from likeness.records import Image


class Synthesizer(ABC):
    """What a weights file becomes when it is loaded.

    ``conditions`` says in words what :meth:`draw` wants, by name. Chance is an argument: the same conditions and noise give
    the same picture.
    """

    conditions: ClassVar[dict[str, str]]
    card: Card

    @classmethod
    @abstractmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> Synthesizer:
        """Rebuild from what a weights file holds; ``path`` is for messages."""

    @abstractmethod
    def draw(self, conditions: Any, *, noise: Tensor | None = None) -> Image:
        """Pictures, uint8 B × S × S × 3, one for each condition."""

    @abstractmethod
    def graph(self) -> nn.Module:
        """The network alone, tensors to tensors, in evaluation mode: what an exporter takes."""
