"""A projected discriminator (Sauer et al. 2021, arXiv 2111.01007): small heads on frozen, fixedly mixed features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

from likeness.nn.efficientnet import TAPS, EfficientNetLite, open_efficientnet


class ProjectedDiscriminator(nn.Module):
    """Pictures B × 3 × S × S in [-1, 1] → the logits of four heads, one a resolution of the features.

    The features are EfficientNet-Lite1's (frozen, in no state). The projection is fixed and random: 1 × 1 convolutions to
    ``widths`` channels, then, from deep to shallow, 3 × 3 convolutions whose result is enlarged and added (sections 3.2 and 4 of
    the paper). It is drawn from ``seed`` and kept as buffers, so it belongs to the state: a resumed run meets the same
    discriminator. Only the heads learn; their convolutions are spectrally normalised.

    Args:
        widths: channels of the projection at 1/4, 1/8, 1/16 and 1/32 of the picture.
        head: channels inside a head.
        seed: draws the projection.
        features: frozen features, by default EfficientNet-Lite1 with its package's weights.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 64, 128, 256),
        head: int = 64,
        seed: int = 0,
        features: EfficientNetLite | None = None,
    ) -> None:
        super().__init__()
        self.features = features or open_efficientnet()
        chance = torch.Generator().manual_seed(seed)

        def drawn(outside: int, inside: int, side: int) -> Tensor:
            weight = torch.randn(outside, inside, side, side, generator=chance)
            return weight.mul_((2 / (inside * side * side)) ** 0.5)

        for level, (channels, width) in enumerate(zip(TAPS, widths, strict=True)):
            self.register_buffer(f"mix{level}", drawn(width, channels, 1))
        for level in range(len(widths) - 1, 0, -1):
            self.register_buffer(f"merge{level}", drawn(widths[level - 1], widths[level], 3))
        self.heads = nn.ModuleList(_head(width, head, len(widths) - 1 - level) for level, width in enumerate(widths))

    def projected(self, images: Tensor) -> list[Tensor]:
        """The mixed features that the heads judge, finest first."""
        maps = [conv2d(tap, getattr(self, f"mix{level}")) for level, tap in enumerate(self.features(images))]
        for level in range(len(maps) - 1, 0, -1):
            deeper = conv2d(leaky_relu(maps[level], 0.2), getattr(self, f"merge{level}"), padding=1)
            deeper = interpolate(deeper, size=maps[level - 1].shape[2:], mode="bilinear", align_corners=False)
            maps[level - 1] = (maps[level - 1] + deeper) / 2**0.5
        return maps

    def forward(self, images: Tensor) -> list[Tensor]:
        """Logits B × 1 × h × w of each head, finest first."""
        return [head(level) for head, level in zip(self.heads, self.projected(images), strict=True)]


def _head(inside: int, width: int, halvings: int) -> nn.Sequential:
    """Convolutions that halve to 1/32 of the picture, then one logit a place."""
    layers: list[nn.Module] = []
    for _ in range(halvings):
        layers += [spectral_norm(nn.Conv2d(inside, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
        inside = width
    layers += [spectral_norm(nn.Conv2d(inside, width, 3, 1, 1)), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(width, 1, 1))]
    return nn.Sequential(*layers)
