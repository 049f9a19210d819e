"""DSNT, the differentiable spatial to numerical transform (Nibali, He, Morgan & Prendergast 2018): heat maps to points."""

from __future__ import annotations

import torch
from torch import Tensor


def places(length: int, like: Tensor) -> Tensor:
    """The coordinates of ``length`` cells in [-1, 1], their middles: (2j − (n + 1)) / n for j = 1 … n (section 3.2)."""
    return (2 * torch.arange(1, length + 1, device=like.device, dtype=like.dtype) - (length + 1)) / length


def heat(scores: Tensor) -> Tensor:
    """Scores … × h × w to heat maps that add up to 1: softmax over all places. A constant added to a map changes nothing."""
    return scores.flatten(-2).softmax(-1).reshape(scores.shape)


def expected(maps: Tensor) -> Tensor:
    """Heat maps … × h × w that add up to 1, to points … × 2: the mean x and y in [-1, 1] (equation 5)."""
    x = (maps.sum(-2) * places(maps.shape[-1], maps)).sum(-1)
    y = (maps.sum(-1) * places(maps.shape[-2], maps)).sum(-1)
    return torch.stack([x, y], -1)


def gaussian(points: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Points … × 2 in [-1, 1] to heat maps … × height × width that add up to 1, ``sigma`` cells wide (section 3.3)."""
    x = torch.exp(-(((places(width, points) - points[..., :1]) * width / 2 / sigma) ** 2) / 2)
    y = torch.exp(-(((places(height, points) - points[..., 1:]) * height / 2 / sigma) ** 2) / 2)
    maps = y[..., :, None] * x[..., None, :]
    return maps / maps.sum((-2, -1), keepdim=True).clamp(min=1e-12)


def distance(points: Tensor, true: Tensor, epsilon: float = 1e-12) -> Tensor:
    """‖μ − p‖₂ of each point (equation 8's first term), … × 2 to …; ``epsilon`` keeps the gradient finite at 0."""
    return ((points - true).square().sum(-1) + epsilon).sqrt()


def divergence(maps: Tensor, true: Tensor, epsilon: float = 1e-12) -> Tensor:
    """Jensen–Shannon divergence of heat maps … × h × w, to … in nats: 0 for equal ones, ln 2 for ones that do not meet (9)."""
    middle = (maps + true) / 2

    def apart(one: Tensor) -> Tensor:
        return (one * ((one + epsilon).log() - (middle + epsilon).log())).sum((-2, -1))

    return (apart(maps) + apart(true)) / 2
