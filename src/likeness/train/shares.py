"""How much each term of an objective counts: its share of the loss, and of what moves the player."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch

from likeness.data.store import FaceStore
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import System, Table
from likeness.train.loop import training_faces
from likeness.train.rows import row_numbers


@dataclass(frozen=True)
class Share:
    """A term of what ``player`` minimises: ``weight`` × ``value``, and ‖∇‖₂ of that over the player's parameters.

    ``of_loss`` and ``of_gradient`` are shares of the sums of the absolute values over the player's terms, from 0 to 1. The
    norms of gradients that point against each other add up to more than the norm of their sum: shares compare terms, no more.
    """

    player: str
    term: str
    equation: str
    weight: float
    value: float
    gradient: float
    of_loss: float
    of_gradient: float


def shares(system: System, store: FaceStore, steps: int = 8, phase: Phase | None = None) -> list[Share]:
    """Each term's share, a mean over the batches of the first ``steps`` steps; no weight is moved.

    Args:
        system: a system, with the weights at which it is asked (its discriminator's too: a new one says little).
        store: prepared faces; train people are looked at.
        steps: batches to look at.
        phase: who moves and which terms are off; by default the recipe's last phase.
    """
    plan = system.recipe.training
    faces = training_faces(store, plan)
    table: Table = system.table(faces)
    system.fit_statistics(table)
    system.train()
    phase = phase or plan.phases[-1]
    found: dict[tuple[str, str], list[tuple[Term, float]]] = {}
    for step in range(steps):
        rows = row_numbers(plan.seed, step, plan.batch, len(faces))
        chance = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
        batch = system.batch({key: column[rows] for key, column in table.items()}, chance, augment=True)
        for player, ask in system.play(batch, phase):
            if player not in phase.players:
                continue
            weights = system.parameters_of(player)
            for name, term in ask().items():
                slopes = torch.autograd.grad(term.weight * term.value, weights, retain_graph=True, allow_unused=True)
                norm = sum(float(slope.square().sum()) for slope in slopes if slope is not None) ** 0.5
                found.setdefault((player, name), []).append((Term(term.value.detach(), term.weight, term.equation), norm))
    made = []
    for (player, name), seen in found.items():
        term, value, gradient = seen[0][0], fmean(float(one.value) for one, _ in seen), fmean(norm for _, norm in seen)
        made.append(Share(player, name, term.equation, term.weight, value, gradient, 0.0, 0.0))
    return [_of_all(share, [other for other in made if other.player == share.player]) for share in made]


def _of_all(share: Share, own: Sequence[Share]) -> Share:
    """A share among all terms of its player."""
    loss, gradient = sum(abs(one.weight * one.value) for one in own), sum(one.gradient for one in own)
    return replace(share, of_loss=abs(share.weight * share.value) / (loss or 1.0), of_gradient=share.gradient / (gradient or 1.0))
