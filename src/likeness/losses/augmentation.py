"""Differentiable augmentation (Zhao et al. 2020) of what a discriminator sees, real and made pictures alike, against overfitting.

Pure functions of pictures B × 3 × H × W in [-1, 1] and a generator of chance (on the processor); gradients reach the pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from likeness.losses.chance import per_row


def brightness(images: Tensor, chance: torch.Generator) -> Tensor:
    """Add a number from −0.5 to 0.5 to each picture."""
    lift = per_row(len(images), lambda n: torch.rand(n, 1, 1, 1, generator=chance), chance) - 0.5
    return images + lift.to(images, non_blocking=True)


def contrast(images: Tensor, chance: torch.Generator) -> Tensor:
    """Scale each picture's distance from its mean by 0.5 to 1.5."""
    mean = images.mean((1, 2, 3), keepdim=True)
    scale = per_row(len(images), lambda n: torch.rand(n, 1, 1, 1, generator=chance), chance) + 0.5
    return (images - mean) * scale.to(images, non_blocking=True) + mean


def shift(images: Tensor, chance: torch.Generator, share: float = 0.125) -> Tensor:
    """Move each picture by up to ``share`` of its side both ways; what comes in is 0 (grey)."""
    count, _, height, width = images.shape
    down, across = int(height * share + 0.5), int(width * share + 0.5)
    tops = per_row(count, lambda n: torch.randint(0, 2 * down + 1, (n,), generator=chance), chance).tolist()
    lefts = per_row(count, lambda n: torch.randint(0, 2 * across + 1, (n,), generator=chance), chance).tolist()
    framed = pad(images, (across, across, down, down))
    places = enumerate(zip(tops, lefts, strict=True))
    return torch.stack([framed[i, :, top : top + height, left : left + width] for i, (top, left) in places])


def augment(images: Tensor, chance: torch.Generator) -> Tensor:
    """Brightness, contrast and shift, one after the other."""
    return shift(contrast(brightness(images, chance), chance), chance)
