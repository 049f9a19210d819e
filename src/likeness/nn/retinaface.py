"""RetinaFace with a quarter-width MobileNet (Deng, Guo, Ververas, Kotsia & Zafeiriou 2020): faces with five points each."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, softmax

SIZES, STEPS, VARIANCE = ((16, 32), (64, 128), (256, 512)), (8, 16, 32), (0.1, 0.2)
"""Sides of the anchors at each level, in pixels; the levels' strides; and the scales of what is predicted."""


def convolution(inside: int, outside: int, kernel: int = 3, stride: int = 1, active: bool = True) -> nn.Sequential:
    """Convolution + BatchNorm, and a leaky ReLU where ``active``."""
    layers = [nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outside)]
    return nn.Sequential(*layers, *([nn.LeakyReLU(0.1)] if active else []))


def separable(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """A convolution within channels, then one across them."""
    return nn.Sequential(
        nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False),
        nn.BatchNorm2d(inside),
        nn.LeakyReLU(0.1),
        nn.Conv2d(inside, outside, 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(0.1),
    )


class Pyramid(nn.Module):
    """Feature pyramid: three levels of 64 channels, each with what the coarser ones know."""

    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (convolution(wide, 64, 1) for wide in (64, 128, 256))
        self.merge1, self.merge2 = convolution(64, 64), convolution(64, 64)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Strides 8, 16 and 32."""
        three: Tensor = self.output3(coarse)
        two = self.output2(middle)
        two = self.merge2(two + interpolate(three, two.shape[-2:], mode="nearest"))
        one = self.output1(fine)
        return self.merge1(one + interpolate(two, one.shape[-2:], mode="nearest")), two, three


class Context(nn.Module):
    """SSH's context module: windows of 3, 5 and 7, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3X3 = convolution(64, 32, active=False)
        self.conv5X5_1, self.conv5X5_2 = convolution(64, 16), convolution(16, 16, active=False)
        self.conv7X7_2, self.conv7x7_3 = convolution(16, 16), convolution(16, 16, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """B × 64 × H × W to the same."""
        five = self.conv5X5_1(x)
        return torch.cat([self.conv3X3(x), self.conv5X5_2(five), self.conv7x7_3(self.conv7X7_2(five))], 1).relu()


class Head(nn.Module):
    """``numbers`` for each of two anchors at each place."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(64, 2 * numbers, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B × 64 × H × W to B × 2HW × ``numbers``."""
        said: Tensor = self.conv1x1(x)
        return said.permute(0, 2, 3, 1).reshape(len(x), -1, self.numbers)


class RetinaFace(nn.Module):
    """Pictures B × 3 × H × W (BGR, 0 to 255, less 104, 117, 123) to scores, boxes and points of all anchors."""

    def __init__(self) -> None:
        super().__init__()
        first = [convolution(3, 8, 3, 2), separable(8, 16), separable(16, 32, 2), separable(32, 32), separable(32, 64, 2)]
        self.body = nn.ModuleDict(
            {
                "stage1": nn.Sequential(*first, separable(64, 64)),
                "stage2": nn.Sequential(separable(64, 128, 2), *(separable(128, 128) for _ in range(5))),
                "stage3": nn.Sequential(separable(128, 256, 2), separable(256, 256)),
            }
        )
        self.fpn = Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        self.ClassHead, self.BboxHead, self.LandmarkHead = (
            nn.ModuleList([Head(numbers) for _ in range(3)]) for numbers in (2, 4, 10)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores B × A in [0, 1], boxes B × A × 4 (left, top, right, bottom) and points B × A × 5 × 2, in pixels."""
        fine = self.body["stage1"](pictures)
        middle = self.body["stage2"](fine)
        levels = self.fpn(fine, middle, self.body["stage3"](middle))
        levels = [look(level) for look, level in zip((self.ssh1, self.ssh2, self.ssh3), levels, strict=True)]

        def ask(heads: nn.ModuleList) -> Tensor:
            return torch.cat([head(level) for head, level in zip(heads, levels, strict=True)], 1)

        centre, side = anchors(pictures.shape[-2], pictures.shape[-1])
        shift, grow = ask(self.BboxHead).split(2, -1)
        middle_of, half = centre + shift * VARIANCE[0] * side, side * torch.exp(grow * VARIANCE[1]) / 2
        points = centre[:, None] + ask(self.LandmarkHead).unflatten(-1, (5, 2)) * VARIANCE[0] * side[:, None]
        return softmax(ask(self.ClassHead), -1)[..., 1], torch.cat([middle_of - half, middle_of + half], -1), points


def anchors(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres A × 2 and sides A × 1 of all anchors of a picture, in pixels: level by level, row by row, two a place."""
    centres, sides = [], []
    for stride, pair in zip(STEPS, SIZES, strict=True):
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        places = (torch.stack([x, y], -1).reshape(-1, 1, 2) + 0.5) * stride
        centres.append(places.expand(-1, 2, 2).reshape(-1, 2))
        sides.append(torch.tensor(pair, dtype=torch.float32).repeat(rows * columns)[:, None])
    return torch.cat(centres), torch.cat(sides)
