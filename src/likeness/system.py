"""A system is a paper being trained: it owns its networks and tells its algorithm; the loop in train/ plays it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from likeness.data.store import FaceStore
from likeness.recipe import Phase, Recipe
from likeness.records import Image, Term

Table = dict[str, Tensor]
"""A whole data set in memory: equally long tensors, integer ones as small as they can be."""

STATISTICS_ROWS = 256
LIGHT_BYTES = 4096

Move = tuple[str, Callable[[], Mapping[str, Term]]]
"""A player's name and the function that says what it minimises; not called while the player sits out."""


class System(nn.Module, ABC):
    """What the loop, the checkpoint and the commands know of a paper.

    ``players`` maps a player to the attributes that hold its networks; no network has two owners. ``ships`` are the
    attributes that inference needs: their running mean becomes the weights file, buffers included. ``begins_from`` names further
    systems whose weights a training may begin from. ``on_host`` says that :meth:`batch` works on the processor, as warping does:
    rows stay there, and the batch that was made goes to the device.
    """

    players: ClassVar[dict[str, tuple[str, ...]]]
    ships: ClassVar[tuple[str, ...]]
    begins_from: ClassVar[tuple[str, ...]] = ()
    on_host: ClassVar[bool] = False
    recipe: Recipe

    def parameters_of(self, player: str) -> list[nn.Parameter]:
        """The parameters that a player moves."""
        return [weight for name in self.players[player] for weight in getattr(self, name).parameters()]

    @abstractmethod
    def table(self, store: FaceStore) -> Table:
        """Bring prepared faces into memory."""

    def validation_subset(self, store: FaceStore) -> FaceStore:
        """The faces to measure on while training: the first of each validation person."""
        return store.select("validation").first_of_each_person()

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Of other weights of this system, those that it begins from, by its own names; called after :meth:`fit_statistics`."""
        return state

    def fit_statistics(self, table: Table) -> None:
        """Learn constants from the training table, once, before the first step."""

    def fit_tables(self, tables: Iterable[Table]) -> None:
        """The same from a table that comes in pieces of :data:`STATISTICS_ROWS` rows, because it is too large for memory.

        By default the columns of at most :data:`LIGHT_BYTES` bytes a row are joined and given to :meth:`fit_statistics`; a system
        that learns from pictures overrides this.
        """
        if type(self).fit_statistics is System.fit_statistics:
            return
        light: dict[str, list[Tensor]] = {}
        for table in tables:
            for key, column in table.items():
                if column[0].nbytes <= LIGHT_BYTES:
                    light.setdefault(key, []).append(column)
        self.fit_statistics({key: torch.cat(columns) for key, columns in light.items()})

    @abstractmethod
    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> Any:
        """Make what :meth:`play` reads from rows of the table, on their device; all chance comes from ``generator``."""

    @abstractmethod
    def play(self, batch: Any, phase: Phase) -> Iterator[Move]:
        """One step of the paper's algorithm: who moves, and what it minimises, in order.

        The loop takes a move's terms, adds weight × value, goes back through the player's own parameters only, steps its
        optimiser, and asks for the next move.
        """

    @abstractmethod
    def show(self, rows: Table) -> Image:
        """A picture to judge the training by."""

    @abstractmethod
    def measure(self, rows: Table) -> dict[str, float]:
        """Figures on validation faces."""

    def shipped_state(self) -> dict[str, Tensor]:
        """What a weights file holds, by name."""
        state = self.state_dict()
        return {key: value for key, value in state.items() if key.split(".")[0] in self.ships}
