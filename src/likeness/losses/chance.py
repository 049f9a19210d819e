"""Chance that several processes share, so that two with half a batch each draw what one with the whole batch draws."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Chance(torch.Generator):
    """A generator that knows which process it is in: number ``rank`` of ``world``, which has every ``world``-th row of a batch.

    Every process draws the same numbers; what is drawn for each row is drawn for all rows by :func:`per_row`, which keeps this
    process's. What is drawn once for the whole batch is thereby the same everywhere.
    """

    rank, world = 0, 1


def chance_of(seed: int, rank: int = 0, world: int = 1) -> Chance:
    """A seeded generator of process ``rank`` of ``world``."""
    made = Chance()
    made.rank, made.world = rank, world
    made.manual_seed(seed)
    return made


def per_row(count: int, draw: Callable[[int], Tensor], chance: torch.Generator) -> Tensor:
    """``draw(count)``, a random tensor whose first axis is this process's ``count`` rows.

    Of a :class:`Chance` in one process of several: drawn for the rows of all, of which this process's are returned.
    """
    if not isinstance(chance, Chance) or chance.world == 1:
        return draw(count)
    return draw(count * chance.world)[chance.rank :: chance.world]
