"""Perceptual and style losses over any network that returns a list of feature maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from likeness.errors import LikenessError
from likeness.losses.chance import per_row
from likeness.nn.efficientnet import efficientnet_features, weights_file

JUDGED = 64
"""Faces of a validation that :func:`judged_distance` is asked of, at most."""

Features = Callable[[Tensor], Sequence[Tensor]]
"""Pictures B × 3 × H × W in [-1, 1] to feature maps B × C × h × w."""


def feature_distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Σᵢ mean|Φᵢ(x) − Φᵢ(y)|, L1 over each map, summed over the maps (Johnson et al. 2016; Sun et al. 2022, eq. 3)."""
    total = first[0].new_zeros((), dtype=torch.float32)
    for one, other in zip(first, second, strict=True):
        total = total + (one.float() - other.float()).abs().mean()
    return total


def gram(features: Tensor) -> Tensor:
    """Gram matrix B × C × C of feature maps B × C × h × w, divided by C·h·w (Gatys et al. 2015)."""
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def style_distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Σᵢ mean (Gram Φᵢ(x) − Gram Φᵢ(y))², the style loss of Gatys et al. 2015."""
    total = first[0].new_zeros((), dtype=torch.float32)
    for one, other in zip(first, second, strict=True):
        total = total + (gram(one) - gram(other)).square().mean()
    return total


def same_crop(pictures: Sequence[Tensor], side: int, generator: torch.Generator) -> list[Tensor]:
    """One random square of ``side`` pixels for each picture of the batch, the same in each of ``pictures``."""
    batch, _, height, width = pictures[0].shape
    if side >= height and side >= width:
        return list(pictures)
    tops = per_row(batch, lambda n: torch.randint(0, height - side + 1, (n,), generator=generator), generator).tolist()
    lefts = per_row(batch, lambda n: torch.randint(0, width - side + 1, (n,), generator=generator), generator).tolist()
    places = list(enumerate(zip(tops, lefts, strict=True)))
    return [torch.stack([images[i, :, t : t + side, x : x + side] for i, (t, x) in places]) for images in pictures]


@cache
def _judge() -> Features | None:
    try:
        weights_file("lite0")
    except LikenessError:
        return None
    return efficientnet_features("lite0")


def judged_distance(photos: Tensor, made: Tensor) -> dict[str, float]:
    """``{"lite0": d}``, the mean :func:`feature_distance` on EfficientNet-Lite0, which teaches nobody; it sees sharpness.

    Empty where the weights package is not installed. Asked of at most :data:`JUDGED` faces, evenly chosen.

    Args:
        photos, made: N × 3 × S × S in [-1, 1], S a multiple of 32.
    """
    judge, stride = _judge(), -(-len(photos) // JUDGED)
    if judge is None:
        return {}
    some = [pictures[::stride].float().split(16) for pictures in (photos, made)]
    with torch.no_grad(), torch.autocast(photos.device.type, enabled=False):
        costs = [feature_distance(judge(one), judge(other)) * len(one) for one, other in zip(*some, strict=True)]
    return {"lite0": float(torch.stack(costs).sum()) / len(photos[::stride])}
