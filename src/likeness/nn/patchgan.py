"""PatchGAN: a critic that judges overlapping patches (Isola et al. 2017, pix2pix, section 3.2.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchGAN(nn.Module):
    """C64-C128-…: 4 × 4 convolutions, LeakyReLU 0.2, one logit a patch.

    Args:
        in_channels: colours (and conditions) of the picture judged.
        width: channels of the first layer; doubled at each further one, up to 8 × width.
        layers: stride-2 layers; 1, 2, 3 see patches of 16 × 16, 34 × 34, 70 × 70 pixels.
        norm: ``"batch"`` (pix2pix), ``"instance"``, ``"spectral"`` (on every convolution) or ``"none"``.

    InstanceNorm has no gain and shift of its own here, as in the published PyTorch code of pix2pix and CycleGAN: LeakyReLU lets
    a gain through to the next convolution, which has one itself, and only the shift is lost.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, layers: int = 3, norm: str = "batch") -> None:
        super().__init__()
        plan = [(in_channels, width, 2)]
        plan += [(width * min(2 ** (i - 1), 8), width * min(2**i, 8), 2) for i in range(1, layers)]
        last = width * min(2 ** (layers - 1), 8)
        plan += [(last, width * min(2**layers, 8), 1)]
        blocks: list[nn.Module] = []
        for index, (inside, outside, stride) in enumerate(plan):
            convolution: nn.Module = nn.Conv2d(inside, outside, 4, stride, 1)
            blocks.append(spectral_norm(convolution) if norm == "spectral" else convolution)
            if index > 0 and norm == "batch":
                blocks.append(nn.BatchNorm2d(outside))
            if index > 0 and norm == "instance":
                blocks.append(nn.InstanceNorm2d(outside))
            blocks.append(nn.LeakyReLU(0.2))
        head: nn.Module = nn.Conv2d(plan[-1][1], 1, 4, 1, 1)
        blocks.append(spectral_norm(head) if norm == "spectral" else head)
        self.body = nn.Sequential(*blocks)

    def forward(self, images: Tensor) -> Tensor:
        """B × C × H × W to logits B × 1 × h × w."""
        logits: Tensor = self.body(images)
        return logits
