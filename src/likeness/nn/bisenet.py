"""BiSeNet (Yu, Wang, Peng, Gao, Yu & Sang 2018), small: a picture to the logits of its classes, pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def block(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution + BatchNorm + ReLU."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside the input (He et al. 2016), which is projected where the shape changes."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.first = block(inside, outside, stride=stride)
        self.second = nn.Sequential(nn.Conv2d(outside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside))
        same = inside == outside and stride == 1
        self.beside = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H/stride × W/stride."""
        return torch.relu(self.second(self.first(features)) + self.beside(features))


class AttentionRefinement(nn.Module):
    """Section 3.2, ARM: features, weighted channel by channel by what the whole map says."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.features = block(inside, outside)
        self.weigh = nn.Sequential(nn.Conv2d(outside, outside, 1, bias=False), nn.BatchNorm2d(outside), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H × W."""
        refined = self.features(features)
        result: Tensor = refined * self.weigh(refined.mean((2, 3), keepdim=True))
        return result


class FeatureFusion(nn.Module):
    """Section 3.3, FFM: both paths concatenated, mixed, and weighted like in a squeeze-and-excitation block, with a shortcut."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.mix = block(inside, outside, 1)
        self.weigh = nn.Sequential(
            nn.Conv2d(outside, outside // 4, 1), nn.ReLU(inplace=True), nn.Conv2d(outside // 4, outside, 1), nn.Sigmoid()
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        """Two B × C × H × W to B × C' × H × W."""
        mixed = self.mix(torch.cat([spatial, context], 1))
        result: Tensor = mixed + mixed * self.weigh(mixed.mean((2, 3), keepdim=True))
        return result


class Head(nn.Sequential):
    """Features to logits."""

    def __init__(self, inside: int, middle: int, classes: int) -> None:
        super().__init__(block(inside, middle), nn.Conv2d(middle, classes, 1))


class BiSeNet(nn.Module):
    """A spatial path that keeps an eighth of the resolution, a context path that sees the whole face, fused.

    The paper's context path is Xception or ResNet-18 pretrained on ImageNet; ours is a residual network of fewer channels that
    learns from faces alone. The logits are told at an eighth of the picture and enlarged, as in the paper.

    Args:
        classes: how many.
        widths: channels of the context path at 1/4, 1/8, 1/16 and 1/32; the spatial path and the fusion have the second's.
    """

    def __init__(self, classes: int = 8, widths: tuple[int, int, int, int] = (32, 96, 128, 160)) -> None:
        super().__init__()
        quarter, eighth, sixteenth, last = widths
        self.spatial = nn.Sequential(
            block(3, 24, 5, 2), block(24, 48, stride=2), block(48, eighth, stride=2), block(eighth, eighth, 1)
        )
        self.stem = nn.Sequential(block(3, 24, 5, 2), Residual(24, quarter, 2))
        self.context8 = nn.Sequential(Residual(quarter, eighth, 2), Residual(eighth, eighth))
        self.context16 = nn.Sequential(Residual(eighth, sixteenth, 2), Residual(sixteenth, sixteenth))
        self.context32 = nn.Sequential(Residual(sixteenth, last, 2), Residual(last, last))
        self.whole = block(last, eighth, 1)
        self.refine16, self.refine32 = AttentionRefinement(sixteenth, eighth), AttentionRefinement(last, eighth)
        self.smooth16, self.smooth32 = block(eighth, eighth), block(eighth, eighth)
        self.fuse = FeatureFusion(2 * eighth, eighth)
        self.head = Head(eighth, eighth, classes)
        self.beside16, self.beside32 = Head(eighth, 48, classes), Head(eighth, 48, classes)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures B × 3 × H × W in [-1, 1], sides multiples of 32, to logits B × K × H × W: the result, and two beside."""
        middle = self.context8(self.stem(picture))
        deep = self.context16(middle)
        deepest = self.context32(deep)
        whole = self.whole(deepest.mean((2, 3), keepdim=True))
        from32 = self.smooth32(larger(self.refine32(deepest) + whole, 2, "nearest"))
        from16 = self.smooth16(larger(self.refine16(deep) + from32, 2, "nearest"))
        fused = self.fuse(self.spatial(picture), from16)
        if not self.training:
            return larger(self.head(fused), 8), fused, fused
        return larger(self.head(fused), 8), larger(self.beside16(from16), 8), larger(self.beside32(from32), 16)


def larger(features: Tensor, times: int, how: str = "bilinear") -> Tensor:
    """Features enlarged."""
    return interpolate(features, scale_factor=float(times), mode=how, align_corners=None if how == "nearest" else False)
