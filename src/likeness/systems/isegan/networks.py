"""The generators of ISEGAN: U-Nets with two encoders, one for faces and one for parsings (sections 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

DEPTH = 8
"""Encoding blocks, and decoding blocks: 256 pixels are halved down to one."""


def widths(width: int) -> list[int]:
    """Channels of the encoding blocks: 64-128-256-512×5 for a width of 64."""
    return [width * min(2**i, 8) for i in range(DEPTH)]


class Encoder(nn.Module):
    """Eight blocks of 4 × 4 convolutions of stride 2; LeakyReLU before and a norm after all but the first and the last."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        plan = [channels, *widths(width)]
        self.blocks = nn.ModuleList()
        for i in range(DEPTH):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if i else []
            layers.append(nn.Conv2d(plan[i], plan[i + 1], 4, 2, 1))
            if 0 < i < DEPTH - 1:
                layers.append(nn.InstanceNorm2d(plan[i + 1], affine=True))
            self.blocks.append(nn.Sequential(*layers))

    def forward(self, picture: Tensor) -> list[Tensor]:
        """B × C × 256 × 256 to what each block gives, En(1) … En(8)."""
        found = []
        for block in self.blocks:
            picture = block(picture)
            found.append(picture)
        return found


class TwoEncoderUNet(nn.Module):
    """Both encoders meet at one pixel; En(i) of both goes on to the block after De(i+1); the last block has a branch a head.

    Args:
        face_channels: of what the face encoder reads.
        parsing_channels: of what the parsing encoder reads.
        heads: channels of each output, which share De(8) … De(2).
        width: channels of the first block, 64 in the paper.
    """

    def __init__(self, face_channels: int, parsing_channels: int, heads: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.face, self.parsing = Encoder(face_channels, width), Encoder(parsing_channels, width)
        wide = widths(width)
        self.decoder = nn.ModuleList()
        inside = 2 * wide[-1]
        for i in reversed(range(1, DEPTH)):  # De(8) … De(2)
            outside = wide[i - 1]
            self.decoder.append(
                nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inside, outside, 4, 2, 1), nn.InstanceNorm2d(outside, affine=True))
            )
            inside = outside + 2 * wide[i - 1]
        self.heads = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inside, head, 4, 2, 1)) for head in heads)

    def forward(self, face: Tensor, parsing: Tensor) -> list[Tensor]:
        """B × C × 256 × 256 each, to one output a head, B × H × 256 × 256, not yet squashed."""
        faces, parsings = self.face(face), self.parsing(parsing)
        features = torch.cat([faces[-1], parsings[-1]], 1)
        for number, block in enumerate(self.decoder):
            i = DEPTH - 2 - number  # the encoding block of this resolution, from 0
            features = torch.cat([block(features), faces[i], parsings[i]], 1)
        return [head(features) for head in self.heads]


class DIPGenerator(nn.Module):
    """G1: sketch and sketch parsing to the intermediate parsing (De1-1, softmax) and a first photo (De1-2, tanh)."""

    def __init__(self, classes: int = 8, width: int = 64) -> None:
        super().__init__()
        self.unet = TwoEncoderUNet(3, classes, (classes, 3), width)

    def forward(self, sketch: Tensor, parsing: Tensor) -> tuple[Tensor, Tensor]:
        """X B × 3 × 256 × 256 in [-1, 1] and P_s B × 8 × 256 × 256 in [0, 1], to P_int in [0, 1] and Ŷ(1) in [-1, 1]."""
        logits, photo = self.unet(sketch, parsing)
        return logits.softmax(1), torch.tanh(photo)


class SEGenerator(nn.Module):
    """G2: the enhanced parsing [P_s, P_int] and [X, Ŷ(1)] to the photo (tanh)."""

    def __init__(self, classes: int = 8, width: int = 64) -> None:
        super().__init__()
        self.unet = TwoEncoderUNet(6, 2 * classes, (3,), width)

    def forward(self, sketch: Tensor, first: Tensor, parsing: Tensor, intermediate: Tensor) -> Tensor:
        """X, Ŷ(1), P_s and P_int to Ŷ(2), B × 3 × 256 × 256 in [-1, 1]."""
        (photo,) = self.unet(torch.cat([sketch, first], 1), torch.cat([parsing, intermediate], 1))
        return torch.tanh(photo)
