"""pix2pix's U-Net (Isola et al. 2017, section 6.1.1), with its noise as an argument."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """Encoder of 4 × 4 stride-2 convolutions down to one pixel (or ``levels``), decoder of transposed ones, joined by skips.

    Channels double from ``width`` up to 8 × ``width``. The first and the innermost encoder layer have no BatchNorm. The
    paper's only noise is dropout in the decoder's three innermost layers of full width; here it is ``noise``, so that the
    same picture and noise give the same result, and no noise means none is dropped.

    Args:
        size: side of the picture, a power of two of at least 16.
        in_channels, out_channels: of the pictures.
        width: channels of the first layer (ngf), 64 in the paper.
        norm: ``"batch"``, or ``"instance"``: what BatchNorm with the test picture's own statistics is at batch 1, as the paper
            uses it. With BatchNorm's running statistics leave noise out in training too: they would be those of noisy features.
        levels: how often the encoder halves the picture, at most log2(size), which is the paper's; 0 stands for that.
    """

    def __init__(
        self,
        size: int = 256,
        in_channels: int = 3,
        out_channels: int = 3,
        width: int = 64,
        norm: str = "batch",
        levels: int = 0,
    ) -> None:
        super().__init__()
        if norm not in ("batch", "instance"):
            raise ValueError(f"norm {norm!r}: 'batch' or 'instance' is needed")

        def normalise(channels: int) -> nn.Module:
            return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels, affine=True)

        deepest = size.bit_length() - 1
        if size != 1 << deepest or deepest < 4:
            raise ValueError(f"size {size}: a power of two of at least 16 is needed")
        levels = levels or deepest
        if not 4 <= levels <= deepest:
            raise ValueError(f"levels {levels}: from 4 to {deepest} is needed for size {size}")
        wide = [width * min(2**i, 8) for i in range(levels)]
        self.down = nn.ModuleList()
        for i, outside in enumerate(wide):
            inside = in_channels if i == 0 else wide[i - 1]
            normal = 0 < i < levels - 1
            layers: list[nn.Module] = [] if i == 0 else [nn.LeakyReLU(0.2)]
            layers.append(nn.Conv2d(inside, outside, 4, 2, 1, bias=False))
            self.down.append(nn.Sequential(*layers, *([normalise(outside)] if normal else [])))
        self.up = nn.ModuleList()
        for i in reversed(range(levels)):
            inside = wide[i] if i == levels - 1 else 2 * wide[i]
            if i == 0:
                self.up.append(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inside, out_channels, 4, 2, 1)))
            else:
                convolution = nn.ConvTranspose2d(inside, wide[i - 1], 4, 2, 1, bias=False)
                self.up.append(nn.Sequential(nn.ReLU(), convolution, normalise(wide[i - 1])))
        core = size >> levels
        self.noisy = tuple((wide[levels - 2 - k], core << (k + 1)) for k in range(3) if levels - 2 - k >= 3)

    @property
    def noise_length(self) -> int:
        """How many numbers of noise a picture takes."""
        return sum(channels * side * side for channels, side in self.noisy)

    def forward(self, picture: Tensor, noise: Tensor | None = None) -> Tensor:
        """Pictures B × C × S × S to B × C' × S × S in [-1, 1].

        ``noise`` B × :attr:`noise_length`, uniform in [0, 1): where it is below 0.5 a value is dropped, the rest is doubled.
        """
        return self.masked(picture, None if noise is None else (noise >= 0.5).to(noise) * 2)

    def masked(self, picture: Tensor, mask: Tensor | None) -> Tensor:
        """As :meth:`forward`, with what the noisy layers' values are multiplied by, B × :attr:`noise_length`.

        1 leaves a value as it is, which is what no mask does; noise gives 0 or 2.
        """
        kept, features = [], picture
        for layer in self.down:
            features = layer(features)
            kept.append(features)
        kept.pop()
        start = 0
        for i, layer in enumerate(self.up):
            features = layer(features)
            if mask is not None and i < len(self.noisy):
                channels, side = self.noisy[i]
                some = mask[:, start : start + channels * side * side].reshape(-1, channels, side, side)
                features = features * some.to(features)
                start += channels * side * side
            if kept:
                features = torch.cat([features, kept.pop()], 1)
        return torch.tanh(features)
