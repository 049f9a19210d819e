"""Inception-v3 as the Fréchet Inception Distance knows it (Szegedy et al. 2016; the TensorFlow graph of 2015-12-05).

It differs from the usual Inception-v3: average pools leave out the border, the last block pools by maximum, and there are
1008 classes. Names of layers are torchvision's, which the published conversions use.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d


class Convolution(nn.Module):
    """Convolution + BatchNorm (ε 0.001) + ReLU."""

    def __init__(
        self, inside: int, outside: int, kernel: int | tuple[int, int], stride: int = 1, padding: int | tuple[int, int] = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=0.001)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H' × W'."""
        result: Tensor = self.bn(self.conv(features))
        return result.relu()


def pool(features: Tensor) -> Tensor:
    """3 × 3 averages that leave out the border."""
    return avg_pool2d(features, 3, 1, 1, count_include_pad=False)


class BlockA(nn.Module):
    """35 × 35."""

    def __init__(self, inside: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(inside, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Convolution(inside, 48, 1), Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Convolution(inside, 64, 1), Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(inside, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Four branches, joined."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)), double, self.branch_pool(pool(x))], 1)


class BlockB(nn.Module):
    """35 × 35 to 17 × 17."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.branch3x3 = Convolution(inside, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Convolution(inside, 64, 1), Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Three branches, joined."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """17 × 17, with filters 7 wide or 7 high."""

    def __init__(self, inside: int, middle: int) -> None:
        super().__init__()
        wide, high = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}

        def filters(a: int, b: int, way: dict[str, tuple[int, int]]) -> Convolution:
            return Convolution(a, b, way["kernel"], padding=way["padding"])

        self.branch1x1 = Convolution(inside, 192, 1)
        self.branch7x7_1 = Convolution(inside, middle, 1)
        self.branch7x7_2, self.branch7x7_3 = filters(middle, middle, wide), filters(middle, 192, high)
        self.branch7x7dbl_1 = Convolution(inside, middle, 1)
        self.branch7x7dbl_2, self.branch7x7dbl_3 = filters(middle, middle, high), filters(middle, middle, wide)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = filters(middle, middle, high), filters(middle, 192, wide)
        self.branch_pool = Convolution(inside, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Four branches, joined."""
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(pool(x))], 1)


class BlockD(nn.Module):
    """17 × 17 to 8 × 8."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Convolution(inside, 192, 1), Convolution(192, 320, 3, 2)
        self.branch7x7x3_1 = Convolution(inside, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Three branches, joined."""
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """8 × 8; the ``last`` one pools by maximum."""

    def __init__(self, inside: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = Convolution(inside, 320, 1)
        self.branch3x3_1 = Convolution(inside, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Convolution(inside, 448, 1), Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Convolution(inside, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Six branches, joined."""
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = max_pool2d(x, 3, 1, 1) if self.last else pool(x)
        branches = [self.branch1x1(x), self.branch3x3_2a(single), self.branch3x3_2b(single)]
        branches += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double), self.branch_pool(pooled)]
        return torch.cat(branches, 1)


class Inception(nn.Module):
    """Pictures B × 3 × 299 × 299 in [-1, 1] to 2048 pooled features and class logits without their bias."""

    def __init__(self, classes: int = 1008) -> None:
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Convolution(3, 32, 3, 2), Convolution(32, 32, 3)
        self.Conv2d_2b_3x3, self.Conv2d_3b_1x1 = Convolution(32, 64, 3, padding=1), Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, last=False), BlockE(2048, last=True)
        self.fc = nn.Linear(2048, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """B × 2048 features, and B × classes logits as the Inception Score takes them (no bias)."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(pictures)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        features = adaptive_avg_pool2d(x, 1).flatten(1)
        return features, features @ self.fc.weight.T
