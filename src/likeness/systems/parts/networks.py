"""The generator G and the discriminator D of Sun, Guo & Liu 2022 (section 3.2), and a lean pair for small machines.

The paper's layer tables (Tables 1–2) did not survive; README.md has ours.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle
from torch.nn.utils.parametrizations import spectral_norm

from likeness.nn.residual import ResidualBlock


def block(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Conv + BatchNorm + ReLU."""
    return nn.Sequential(nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outside), nn.ReLU())


class Upsample(nn.Module):
    """Twice the size by repeating pixels, then Conv + BatchNorm + ReLU: no checkerboard (Odena et al. 2016)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.body = block(inside, outside)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × 2H × 2W."""
        result: Tensor = self.body(interpolate(features, scale_factor=2.0, mode="nearest"))
        return result


class PaperGenerator(nn.Module):
    """G: resolution goes down only twice, so that texture survives.

    Args:
        in_channels: 3, or 4 with a cover channel.
        width: channels of the first convolution; 64 in our reading of the paper.
        blocks: residual blocks at a quarter of the size.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, blocks: int = 8) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(in_channels, width, 7),
            block(width, 2 * width, 3, 2),
            block(2 * width, 4 * width, 3, 2),
            *(ResidualBlock(4 * width) for _ in range(blocks)),
            Upsample(4 * width, 2 * width),
            Upsample(2 * width, width),
            nn.Conv2d(width, 3, 7, padding=3),
        )

    def forward(self, canvas: Tensor) -> Tensor:
        """Average face z, B × C × S × S, to a face B × 3 × S × S in [-1, 1]."""
        return torch.tanh(self.body(canvas))


class LeanGenerator(nn.Module):
    """A U-Net that works at half size and below: several times the faces an hour of the paper's G on a CPU.

    Stem by PixelUnshuffle(2) to ``width/2`` channels at S/2, then ``width`` at S/4, ``2·width`` at S/8 and ``bottom`` at
    S/16, where parts find their places. Going down there are ``blocks`` residual blocks a level, going up twice and at the
    bottom four times as many; skips are added; the head is a PixelShuffle(2).
    """

    def __init__(self, in_channels: int = 4, width: int = 80, blocks: int = 1, bottom: int = 256) -> None:
        super().__init__()
        half, full, double = width // 2, width, 2 * width

        def residuals(channels: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))

        self.stem = block(4 * in_channels, half)
        self.down1 = nn.Sequential(block(half, full, 3, 2), residuals(full, blocks))
        self.down2 = nn.Sequential(block(full, double, 3, 2), residuals(double, blocks))
        self.bottom = nn.Sequential(block(double, bottom, 3, 2), residuals(bottom, 4 * blocks))
        self.up2 = nn.Conv2d(bottom, 4 * double, 1)
        self.fuse2 = residuals(double, 2 * blocks)
        self.up1 = nn.Conv2d(double, 4 * full, 1)
        self.fuse1 = residuals(full, 2 * blocks)
        self.up0 = nn.Conv2d(full, 4 * half, 1)
        self.fuse0 = block(half, half)
        self.head = nn.Conv2d(half, 12, 3, padding=1)

    def forward(self, canvas: Tensor) -> Tensor:
        """Average face z with its cover, B × C × S × S (S a multiple of 16), to a face B × 3 × S × S in [-1, 1]."""
        fine = self.stem(pixel_unshuffle(canvas, 2))
        middle = self.down1(fine)
        coarse = self.down2(middle)
        features = self.bottom(coarse)
        features = self.fuse2(pixel_shuffle(self.up2(features), 2) + coarse)
        features = self.fuse1(pixel_shuffle(self.up1(features), 2) + middle)
        features = self.fuse0(pixel_shuffle(self.up0(features), 2) + fine)
        return torch.tanh(pixel_shuffle(self.head(features), 2))


class PaperDiscriminator(nn.Module):
    """D: five stride-2 convolutions, LeakyReLU, no BatchNorm, then one fully connected layer to one logit.

    The sigmoid of the paper is inside the loss. ``spectral`` normalises every layer's weight (Miyato et al. 2018), which
    keeps D from outrunning G where batches are small; the paper has nothing of the kind.
    """

    def __init__(self, size: int = 128, width: int = 64, spectral: bool = False) -> None:
        super().__init__()

        def normal(layer: nn.Module) -> nn.Module:
            return spectral_norm(layer) if spectral else layer

        channels = [3, width, 2 * width, 4 * width, 8 * width, 8 * width]
        layers: list[nn.Module] = []
        for inside, outside in pairwise(channels):
            layers += [normal(nn.Conv2d(inside, outside, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.judge = normal(nn.Linear(8 * width * (size // 32) ** 2, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Faces B × 3 × S × S to logits B × 1."""
        logits: Tensor = self.judge(self.body(images).flatten(1))
        return logits
