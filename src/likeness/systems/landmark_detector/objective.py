"""DSNT's objective (Nibali et al. 2018), each equation a function."""

from __future__ import annotations

from torch import Tensor

from likeness.losses.processes import share_of
from likeness.nn.dsnt import distance, divergence, gaussian
from likeness.records import Term


def objective(points: Tensor, maps: Tensor, true: Tensor, seen: Tensor, sigma: float, regular: float) -> dict[str, Term]:
    """(8) Σ ‖μ − p‖₂ + λ Σ D_JS(Ẑ ‖ N(p, σ²)), means over the landmarks that are in the picture.

    Args:
        points: μ, B × K × 2 in [-1, 1].
        maps: Ẑ, B × K × h × w.
        true: p, like ``points``.
        seen: B × K, 1 where the landmark is in the picture, else 0.
        sigma: σ in cells of the maps.
        regular: λ.
    """
    count = share_of(seen.sum())
    terms = {"distance": Term((distance(points, true) * seen).sum() / count, 1.0, "(8)")}
    if regular:
        apart = divergence(maps, gaussian(true, maps.shape[-2], maps.shape[-1], sigma))
        terms["divergence"] = Term((apart * seen).sum() / count, regular, "(9), (10)")
    return terms
