"""MobileFaceNet (Chen, Liu, Gao & Han 2018): faces to features, small enough to train with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PLAN = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""The bottlenecks of the paper's table 1: expansion, channels, how many, stride of the first."""


class Convolution(nn.Module):
    """Convolution + BatchNorm, and PReLU unless ``linear``."""

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outside)
        self.prelu = None if linear else nn.PReLU(outside)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H' × W'."""
        result: Tensor = self.bn(self.conv(features))
        return result if self.prelu is None else self.prelu(result)


class Bottleneck(nn.Module):
    """Expand, filter each channel, project; the input is added where the shape stays."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.added = stride == 1 and inside == outside
        self.conv = nn.Sequential(
            nn.Conv2d(inside, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
        )

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H' × W'."""
        result: Tensor = self.conv(features)
        return result + features if self.added else result


class MobileFaceNet(nn.Module):
    """Crops B × 3 × 112 × 96 (RGB, (x − 127.5) / 128) to B × 128 features, not of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Convolution(3, 64, 3, 2, 1)
        self.dw_conv1 = Convolution(64, 64, 3, 1, 1, groups=64)
        blocks, inside = [], 64
        for expansion, channels, count, stride in PLAN:
            for i in range(count):
                blocks.append(Bottleneck(inside, channels, stride if i == 0 else 1, expansion))
                inside = channels
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = Convolution(inside, 512, 1)
        self.linear7 = Convolution(512, 512, (7, 6), groups=512, linear=True)
        self.linear1 = Convolution(512, 128, 1, linear=True)

    def pooled(self, crops: Tensor) -> Tensor:
        """B × 3 × 112 × 96 to B × 512: the layer before the embedding."""
        features = self.conv2(self.blocks(self.dw_conv1(self.conv1(crops))))
        return torch.flatten(self.linear7(features), 1)

    def forward(self, crops: Tensor) -> Tensor:
        """B × 3 × 112 × 96 to B × 128."""
        return torch.flatten(self.linear1(self.pooled(crops)[..., None, None]), 1)
