"""It in training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from colourist.networks import Colourer
from colourist.objective import difference
from colourist.recipes import ColouristRecipe
from likeness.data.store import FaceStore
from likeness.image import to_images
from likeness.recipe import Phase
from likeness.records import Image, Term
from likeness.system import Move, System, Table


class ColouristSystem(System):
    """One player."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"C": ("colourer",)}
    ships: ClassVar[tuple[str, ...]] = ("colourer",)

    def __init__(self, recipe: ColouristRecipe) -> None:
        super().__init__()
        self.recipe, self.colourer = recipe, Colourer(recipe.width)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S."""
        return {"photo": torch.from_numpy(np.stack([face.image.transpose(2, 0, 1) for face in store]))}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> Tensor:
        """Photos in [-1, 1]."""
        return rows["photo"].float() / 127.5 - 1

    def play(self, batch: Tensor, phase: Phase) -> Iterator[Move]:
        """C moves."""
        yield "C", lambda: {"difference": Term(difference(self.colourer(batch.mean(1, keepdim=True)), batch), 1.0, "mean square")}

    def show(self, rows: Table) -> Image:
        """What it makes."""
        return np.concatenate(list(to_images(self.colourer(self.batch(rows, torch.Generator(), False).mean(1, keepdim=True)))), 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """The difference."""
        photos = self.batch(rows, torch.Generator(), False)
        return {"difference": float(difference(self.colourer(photos.mean(1, keepdim=True)), photos))}
