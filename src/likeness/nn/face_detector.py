"""A small net that says where faces are: each as a point, its size, and how far the point is from its cell's middle."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Separable(nn.Module):
    """A 3 × 3 convolution of each channel by itself, then a 1 × 1 of all, added to what came in where shapes allow."""

    def __init__(self, inside: int, outside: int, stride: int = 1, spread: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, inside, 3, stride, spread, spread, inside, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(inside, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
        )
        self.adds = stride == 1 and inside == outside

    def forward(self, features: Tensor) -> Tensor:
        """B × inside × h × w to B × outside × h/stride × w/stride."""
        made: Tensor = self.body(features)
        return features + made if self.adds else made


class FaceDetectorNet(nn.Module):
    """Pictures to cells of eight pixels: a score, the logarithm of a face's size, and the offset of its middle.

    Args:
        width: channels of the first layer; four times as many at the end.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Separable(width, 2 * width, 2),
            Separable(2 * width, 2 * width),
            Separable(2 * width, 4 * width, 2),
            *(Separable(4 * width, 4 * width, spread=spread) for spread in (1, 2, 4, 1, 2, 4, 1)),
        )
        self.head = nn.Conv2d(4 * width, 4, 1)
        with torch.no_grad():
            self.head.weight[:1] *= 0.1
            self.head.bias[0] = -4.6  # type: ignore[index]  # at first a face in a hundred cells

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B × 3 × H × W in [-1, 1], sides multiples of 8, to logits and log sizes (in cells) B × h × w, offsets B × 2 × h × w."""
        made = self.head(self.body(pictures))
        return made[:, 0], made[:, 1], made[:, 2:].sigmoid()
