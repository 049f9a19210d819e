"""The rows of a batch, and their chance, in several processes; test_together.py starts some."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from likeness.losses import augmentation
from likeness.losses.chance import Chance, chance_of, per_row
from likeness.train.batches import own_rows


@dataclass(frozen=True)
class Batch:
    photo: torch.Tensor
    names: list[int]
    middle: torch.Tensor
    both: tuple[torch.Tensor, float]


def test_own_rows() -> None:
    """Each row has one owner, and together the processes have all; what has no rows stays."""
    whole = Batch(torch.arange(6), list(range(6)), torch.arange(4), (torch.arange(12).reshape(6, 2), 0.5))
    assert own_rows(whole, 0, 1, 6) is whole
    first, second = (own_rows(whole, rank, 2, 6) for rank in range(2))
    assert first.photo.tolist() == first.names == [0, 2, 4] and second.photo.tolist() == second.names == [1, 3, 5]
    assert torch.equal(first.middle, whole.middle) and first.both[1] == 0.5 and first.both[0].tolist() == [[0, 1], [4, 5], [8, 9]]


@pytest.mark.parametrize("world", [1, 2, 4])
def test_rows_have_the_same_chance_wherever_they_are(world: int) -> None:
    """Pictures augmented in several processes are those of one, real and made ones behind each other as critics see them."""
    pictures = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown = torch.cat([pictures, -pictures])
    plain = augmentation.augment(shown, torch.Generator().manual_seed(7))
    for rank in range(world):
        chance = chance_of(7, rank, world)
        assert isinstance(chance, Chance)
        own = torch.cat([pictures[rank::world], -pictures[rank::world]])
        assert torch.equal(augmentation.augment(own, chance), torch.cat([plain[:8][rank::world], plain[8:][rank::world]]))
    draws = []
    for rank in range(2):
        chance = chance_of(3, rank, 2)
        draws.append(per_row(2, lambda n, chance=chance: torch.rand(n, generator=chance), chance))  # type: ignore[misc]
    assert sorted(torch.cat(draws).tolist()) == sorted(torch.rand(4, generator=torch.Generator().manual_seed(3)).tolist())
