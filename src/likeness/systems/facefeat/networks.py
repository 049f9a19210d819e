"""The networks of Shen, Zhou, Luo & Tang 2018 (section 4), and lean ones for small machines.

E_id (ResNet-50) and E_1 (ResNet-18; He et al. 2016), E_2, G^I and D^I (BEGAN; Berthelot et al. 2017), G_i^f and D_i^f (MLPs).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate, leaky_relu, normalize, pixel_shuffle, pixel_unshuffle


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Fully connected layers of these sizes with LeakyReLU between them."""
    layers: list[nn.Module] = []
    for inside, outside in pairwise(sizes):
        layers += [nn.Linear(inside, outside), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class FeatureGenerator(nn.Module):
    """G_i^f: z of U[-1, 1], B × n, to a feature B × d; hidden layers of 128, 256 and 256.

    ``length`` fixes the feature's l2 norm (f_2, as E_2's is fixed); None leaves it (f_1).
    """

    def __init__(self, noise: int, feature: int, length: float | None = None) -> None:
        super().__init__()
        self.length = length
        self.body = mlp((noise, 128, 256, 256, feature))

    def forward(self, noise: Tensor) -> Tensor:
        """Z to f_i^s."""
        made: Tensor = self.body(noise)
        return made if self.length is None else self.length * normalize(made, dim=1)


def feature_discriminator(feature: int) -> nn.Sequential:
    """D_i^f: a feature B × d to a logit B × 1; hidden layers of 256, 256 and 128. The sigmoid is in the loss."""
    return mlp((feature, 256, 256, 128, 1))


class Basic(nn.Module):
    """ResNet's block of two 3 × 3 convolutions."""

    growth = 1

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.short = _short(inside, width, stride)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H/stride × W/stride."""
        return torch.relu(self.body(features) + self.short(features))


class Bottleneck(nn.Module):
    """ResNet's block of 1 × 1, 3 × 3 and 1 × 1 convolutions, four times as wide outside as inside."""

    growth = 4

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(inside, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.short = _short(inside, outside, stride)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H/stride × W/stride."""
        return torch.relu(self.body(features) + self.short(features))


def _short(inside: int, outside: int, stride: int) -> nn.Module:
    if stride == 1 and inside == outside:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))


class ResNet(nn.Module):
    """Faces B × 3 × S × S in [-1, 1] to B × ``outputs`` numbers.

    Args:
        outputs: how many numbers.
        width: channels of the first of four stages; each has twice those of the one before.
        depth: blocks a stage: (2, 2, 2, 2) is ResNet-18 with :class:`Basic`, (3, 4, 6, 3) ResNet-50 with :class:`Bottleneck`.
        block: the kind of block.
        lean: the face's middle alone is seen (7/8 of the height, 3/4 of the width), by PixelUnshuffle(2) instead of a strided
            convolution and pooling, and a weighted sum of each channel takes the place of its mean at the end (MobileFaceNet).
        size: S, which the lean one has to know.
    """

    def __init__(
        self,
        outputs: int,
        width: int,
        depth: Sequence[int] = (2, 2, 2, 2),
        block: type[Basic] | type[Bottleneck] = Basic,
        lean: bool = False,
        size: int = 128,
    ) -> None:
        super().__init__()
        self.lean, self.margins = lean, (size // 16, size // 8)
        if lean:
            first: list[nn.Module] = [nn.Conv2d(12, width, 3, 1, 1, bias=False)]
        else:
            first = [nn.Conv2d(3, width, 7, 2, 3, bias=False)]
        self.stem = nn.Sequential(*first, nn.BatchNorm2d(width), nn.ReLU())
        self.pool = nn.Identity() if lean else nn.MaxPool2d(3, 2, 1)
        stages, inside = [], width
        for number, count in enumerate(depth):
            layers = []
            for i in range(count):
                layers.append(block(inside, width << number, 2 if i == 0 and number else 1))
                inside = (width << number) * block.growth
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        if lean:
            height, across = (size - 2 * margin for margin in self.margins)
            place = (-(-height // 16), -(-across // 16))
            self.gather: nn.Module = nn.Conv2d(inside, inside, place, groups=inside, bias=False)
        else:
            self.gather = nn.AdaptiveAvgPool2d(1)
        self.last = nn.Linear(inside, outputs)

    def forward(self, faces: Tensor) -> Tensor:
        """See the class."""
        if self.lean:
            down, across = self.margins
            faces = pixel_unshuffle(faces[:, :, down:-down, across:-across], 2)
        features = self.gather(self.stages(self.pool(self.stem(faces))))
        result: Tensor = self.last(features.flatten(1))
        return result


class Extractor(nn.Module):
    """A network whose numbers are brought to a fixed l2 norm."""

    def __init__(self, body: nn.Module, length: float) -> None:
        super().__init__()
        self.body, self.length = body, length

    def forward(self, faces: Tensor) -> Tensor:
        """Faces to features B × d of norm ``length``."""
        return self.length * normalize(self.body(faces).float(), dim=1)


class BeganEncoder(nn.Module):
    """BEGAN's encoder: two 3 × 3 convolutions with ELU a level, n, 2n, 3n … channels, halved down to 8 × 8, then linear.

    E_2 has ``outputs`` numbers, D^I one logit.
    """

    def __init__(self, outputs: int, width: int, size: int) -> None:
        super().__init__()
        levels = (size // 8).bit_length()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1), nn.ELU()]
        for level in range(1, levels + 1):
            inside = level * width
            outside = min(level + 1, levels) * width
            layers += [nn.Conv2d(inside, inside, 3, 1, 1), nn.ELU()]
            layers += [nn.Conv2d(inside, outside, 3, 2 if level < levels else 1, 1), nn.ELU()]
        self.body = nn.Sequential(*layers)
        self.last = nn.Linear(levels * width * 64, outputs)

    def forward(self, faces: Tensor) -> Tensor:
        """Faces B × 3 × S × S in [-1, 1] to B × ``outputs``."""
        result: Tensor = self.last(self.body(faces).flatten(1))
        return result


class BeganDecoder(nn.Module):
    """BEGAN's decoder, G^I of the paper: linear to n × 8 × 8, two 3 × 3 convolutions with ELU a level, nearest ×2 between."""

    def __init__(self, inputs: int, width: int, size: int) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Linear(inputs, width * 64)
        levels = (size // 8).bit_length()
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ELU(), nn.Conv2d(width, width, 3, 1, 1), nn.ELU())
            for _ in range(levels)
        )
        self.last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features B × d to faces B × 3 × S × S in [-1, 1]."""
        maps = self.first(features).unflatten(1, (self.width, 8, 8))
        for number, level in enumerate(self.levels):
            maps = level(interpolate(maps, scale_factor=2.0, mode="nearest") if number else maps)
        return torch.tanh(self.last(maps))


class LeanEncoder(nn.Module):
    """PixelUnshuffle(2), then a 3 × 3 convolution a level with stride 2 and one after it, ELU, down to 8 × 8, then linear."""

    def __init__(self, outputs: int, width: int, size: int) -> None:
        super().__init__()
        levels = (size // 16).bit_length() - 1
        layers: list[nn.Module] = [nn.Conv2d(12, width, 3, 1, 1), nn.ELU()]
        for level in range(1, levels + 1):
            inside, outside = level * width, (level + 1) * width
            layers += [nn.Conv2d(inside, outside, 3, 2, 1), nn.ELU(), nn.Conv2d(outside, outside, 3, 1, 1), nn.ELU()]
        self.body = nn.Sequential(*layers)
        self.last = nn.Linear((levels + 1) * width * 64, outputs)

    def forward(self, faces: Tensor) -> Tensor:
        """Faces B × 3 × S × S in [-1, 1] to B × ``outputs``."""
        result: Tensor = self.last(self.body(pixel_unshuffle(faces, 2)).flatten(1))
        return result


class Adaptive(nn.Module):
    """A convolution whose channels are normalised, then scaled and shifted by the features (Huang & Belongie 2017)."""

    def __init__(self, inside: int, outside: int, style: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, 1, 1, bias=False)
        self.affine = nn.Linear(style, 2 * outside)

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H × W."""
        maps = self.conv(maps)
        gain, shift = self.affine(style)[..., None, None].chunk(2, 1)
        variance, middle = torch.var_mean(maps.float(), (2, 3), keepdim=True)
        scale = ((1 + gain) * (variance + 1e-5).rsqrt()).to(maps.dtype)
        return leaky_relu(maps * scale + (shift - middle * scale).to(maps.dtype), 0.2)


class LeanDecoder(nn.Module):
    """G^I for a CPU: linear to ``widths[0]`` × 8 × 8, two adaptive convolutions a level, nearest ×2 between, PixelShuffle(2).

    The features enter at 8 × 8 and again, through one hidden layer, at every convolution.
    """

    def __init__(self, inputs: int, widths: Sequence[int], style: int = 256) -> None:
        super().__init__()
        self.width = widths[0]
        self.first = nn.Linear(inputs, widths[0] * 64)
        self.style = nn.Linear(inputs, style)
        pairs = list(zip((widths[0], *widths[:-1]), widths, strict=True))
        self.shrink = nn.ModuleList(nn.Conv2d(inside, outside, 1) for inside, outside in pairs)
        self.one = nn.ModuleList(Adaptive(inside, outside, style) for inside, outside in pairs)
        self.two = nn.ModuleList(Adaptive(outside, outside, style) for _, outside in pairs)
        self.last = nn.Conv2d(widths[-1], 12, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features B × d to faces B × 3 × S × S in [-1, 1], S = 8 · 2^levels."""
        maps = elu(self.first(features)).unflatten(1, (self.width, 8, 8))
        style = leaky_relu(self.style(features), 0.2)
        for number, (shrink, one, two) in enumerate(zip(self.shrink, self.one, self.two, strict=True)):
            around = shrink(maps)
            if number:
                maps, around = (interpolate(some, scale_factor=2.0, mode="nearest") for some in (maps, around))
            maps = (around + two(one(maps, style), style)) * 0.5**0.5
        return torch.tanh(pixel_shuffle(self.last(maps), 2))
