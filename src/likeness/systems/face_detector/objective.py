"""The objective of *Objects as Points* (Zhou, Wang & Krähenbühl 2019), each equation a function.

A face is a point p; in cells of R pixels it lies in the cell ⌊p/R⌋, and round it the target heat is a Gaussian.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from likeness.losses.processes import share_of
from likeness.records import Term


def focal_loss(logits: Tensor, heat: Tensor, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """(1) −1/N Σ (1 − Ŷ)^α log Ŷ where Y = 1, else (1 − Y)^β Ŷ^α log(1 − Ŷ); N faces, at least one.

    Args:
        logits: B × h × w; Ŷ is their sigmoid.
        heat: Y, B × h × w in [0, 1], 1 at the faces.
        alpha, beta: α and β.
    """
    scores, sure, unsure = logits.float().sigmoid(), logsigmoid(logits.float()), logsigmoid(-logits.float())
    here = heat >= 1
    loss = torch.where(here, (1 - scores) ** alpha * sure, (1 - heat) ** beta * scores**alpha * unsure)
    return -loss.sum() / share_of(here.sum())


def at_faces(made: Tensor, true: Tensor, here: Tensor) -> Tensor:
    """(2), (3) 1/N Σ |x̂ − x| over the faces' cells: ``made`` and ``true`` B × … × h × w, ``here`` B × h × w."""
    apart = (made.float() - true.float()).abs()
    if apart.dim() == 4:
        apart = apart.sum(1)
    return (apart * here).sum() / share_of(here.sum())


def objective(
    made: tuple[Tensor, Tensor, Tensor], heat: Tensor, sizes: Tensor, offsets: Tensor, size_weight: float, offset_weight: float
) -> dict[str, Term]:
    """(4) L_k + λ_size L_size + λ_off L_off; sizes as logarithms, so that small faces count as much as large ones."""
    here = (heat >= 1).float()
    return {
        "points": Term(focal_loss(made[0], heat), 1.0, "(1)"),
        "sizes": Term(at_faces(made[1], sizes, here), size_weight, "(3)"),
        "offsets": Term(at_faces(made[2], offsets, here), offset_weight, "(2)"),
    }
