"""The generators of ISEGAN: U-Nets with two encoders, one for faces and one for parsings (sections 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

DEPTH = 8
"""The paper's encoding blocks, and decoding blocks: 256 pixels are halved down to one."""


def widths(width: int, depth: int = DEPTH, widest: int = 8) -> list[int]:
    """Channels of the encoding blocks: 64-128-256-512×5 for a width of 64; no more than ``widest`` × the first."""
    return [width * min(2**i, widest) for i in range(depth)]


class Encoder(nn.Module):
    """Blocks of 4 × 4 convolutions of stride 2; LeakyReLU before all but the first, a norm after all but the first and last.

    Args:
        channels: of the picture.
        wide: channels of each block, see :func:`widths`.
    """

    def __init__(self, channels: int, wide: Sequence[int]) -> None:
        super().__init__()
        plan = [channels, *wide]
        self.blocks = nn.ModuleList()
        for i, (inside, outside) in enumerate(pairwise(plan)):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if i else []
            layers.append(nn.Conv2d(inside, outside, 4, 2, 1))
            if 0 < i < len(wide) - 1:
                layers.append(nn.InstanceNorm2d(outside, affine=True))
            self.blocks.append(nn.Sequential(*layers))

    def forward(self, picture: Tensor) -> list[Tensor]:
        """B × C × S × S to what each block gives, En(1) … En(8)."""
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
        wide: channels of each encoding block, see :func:`widths`; the paper's by default.
    """

    def __init__(
        self, face_channels: int, parsing_channels: int, heads: Sequence[int], wide: Sequence[int] = tuple(widths(64))
    ) -> None:
        super().__init__()
        self.face, self.parsing = Encoder(face_channels, wide), Encoder(parsing_channels, wide)
        self.decoder = nn.ModuleList()
        inside = 2 * wide[-1]
        for i in reversed(range(1, len(wide))):  # De(8) … De(2)
            outside = wide[i - 1]
            self.decoder.append(
                nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inside, outside, 4, 2, 1), nn.InstanceNorm2d(outside, affine=True))
            )
            inside = outside + 2 * wide[i - 1]
        self.heads = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inside, head, 4, 2, 1)) for head in heads)

    def forward(self, face: Tensor, parsing: Tensor) -> list[Tensor]:
        """B × C × S × S each, S a multiple of 2^blocks, to one output a head, B × H × S × S, not yet squashed."""
        faces, parsings = self.face(face), self.parsing(parsing)
        features = torch.cat([faces[-1], parsings[-1]], 1)
        for number, block in enumerate(self.decoder):
            i = len(faces) - 2 - number  # the encoding block of this resolution, from 0
            features = torch.cat([block(features), faces[i], parsings[i]], 1)
        return [head(features) for head in self.heads]


class DIPGenerator(nn.Module):
    """G1: sketch and sketch parsing to the intermediate parsing (De1-1, softmax) and a first photo (De1-2, tanh).

    Without ``middle`` there is only De1-2 (as in SCA-GAN), and the sketch parsing is handed on.
    """

    def __init__(self, classes: int = 8, wide: Sequence[int] = tuple(widths(64)), middle: bool = True) -> None:
        super().__init__()
        self.middle = middle
        self.unet = TwoEncoderUNet(3, classes, (classes, 3) if middle else (3,), wide)

    def forward(self, sketch: Tensor, parsing: Tensor) -> tuple[Tensor, Tensor]:
        """X B × 3 × S × S in [-1, 1] and P_s B × 8 × S × S in [0, 1], to P_int in [0, 1] and Ŷ(1) in [-1, 1]."""
        *logits, photo = self.unet(sketch, parsing)
        return (logits[0].float().softmax(1) if logits else parsing), torch.tanh(photo)


class SEGenerator(nn.Module):
    """G2: the enhanced parsing [P_s, P_int] and [X, Ŷ(1)] to the photo (tanh). Not ``enhanced``, it reads P_s alone."""

    def __init__(self, classes: int = 8, wide: Sequence[int] = tuple(widths(64)), enhanced: bool = True) -> None:
        super().__init__()
        self.enhanced = enhanced
        self.unet = TwoEncoderUNet(6, 2 * classes if enhanced else classes, (3,), wide)

    def forward(self, sketch: Tensor, first: Tensor, parsing: Tensor, intermediate: Tensor) -> Tensor:
        """X, Ŷ(1), P_s and P_int to Ŷ(2), B × 3 × S × S in [-1, 1]."""
        parsings = torch.cat([parsing, intermediate], 1) if self.enhanced else parsing
        (photo,) = self.unet(torch.cat([sketch, first], 1), parsings)
        return torch.tanh(photo)


class BothStages(nn.Module):
    """G1, then G2 if there is one."""

    def __init__(self, first: DIPGenerator, second: SEGenerator | None) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, sketch: Tensor, parsing: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X and P_s to P_int, Ŷ(1) and Ŷ(2); with one stage, the last two are the same."""
        middle, photo = self.first(sketch, parsing)
        return middle, photo, self.second(sketch, photo, parsing, middle) if self.second is not None else photo
