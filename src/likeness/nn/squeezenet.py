"""SqueezeNet 1.1's convolutions (Iandola et al. 2016), as torchvision lays them out: a source of features to measure with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
"""Place in the sequence → (channels in, squeezed, expanded each way)."""

TAPS = (1, 4, 7, 9, 10, 11, 12)
"""The seven layers that LPIPS looks at; their outputs have 64, 128, 256, 384, 384, 512, 512 channels."""


class Fire(nn.Module):
    """Squeeze to few channels by 1 × 1, expand by 1 × 1 and 3 × 3 side by side."""

    def __init__(self, inside: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inside, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × 2·expand × H × W."""
        thin = self.squeeze(features).relu()
        return torch.cat([self.expand1x1(thin).relu(), self.expand3x3(thin).relu()], 1)


class SqueezeNet(nn.Module):
    """Pictures B × 3 × H × W, normalised as the caller sees fit, to the outputs of :data:`TAPS`, finest first."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(13):
            if index == 0:
                layers.append(nn.Conv2d(3, 64, 3, 2))
            elif index == 1:
                layers.append(nn.ReLU())
            elif index in FIRES:
                layers.append(Fire(*FIRES[index]))
            else:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        self.features = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Seven feature maps."""
        maps = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in TAPS:
                maps.append(images)
        return maps
