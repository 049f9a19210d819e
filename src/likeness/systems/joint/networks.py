"""G, a U-Net over maps that a vector modulates, and the encoders whose codes the noise is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu, pixel_shuffle, pixel_unshuffle

from likeness.faces.labels import CLASSES
from likeness.systems.joint.maps import FLAGS, MAPS
from likeness.systems.joint.recipes import CODES, NOISE, Networks

SEED = 8
"""Side of the map that the vector alone makes at the bottom."""
REGIONS: dict[str, tuple[str, ...]] = {
    "ground": ("background",),
    "hair": ("hair",),
    "skin": ("skin", "nose"),
    "rest": ("skin", "brows", "eyes", "nose", "inner mouth", "lips"),
}
"""A code of a look → the classes whose pixels it is read from."""
NARROW = -3.0
"""Log-variance of codes before training: narrow, so that they tell something from the first step and G begins to read them."""


class Modulated(nn.Module):
    """A residual block whose features, normalised by groups, are scaled and shifted by a vector (Huang & Belongie 2017)."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        groups = max(channels // 16, 1)
        self.norm1, self.norm2 = (nn.GroupNorm(groups, channels, affine=False) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(2))
        self.style = nn.Linear(style, 4 * channels)
        nn.init.normal_(self.style.weight, std=style**-0.5)
        with torch.no_grad():
            self.style.bias.zero_()
            self.conv2.weight *= 0.3

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """B × C × H × W and B × V to B × C × H × W."""
        scale1, shift1, scale2, shift2 = self.style(style)[..., None, None].chunk(4, 1)
        inner = self.conv1(leaky_relu(self.norm1(features) * (1 + scale1) + shift1, 0.2))
        added: Tensor = self.conv2(leaky_relu(self.norm2(inner) * (1 + scale2) + shift2, 0.2))
        return features + added


class JointGenerator(nn.Module):
    """Maps B × 23 × S × S, noise B × 128, identity B × n and flags B × 6 to faces B × 3 × S × S in [-1, 1].

    Going down from a half of the size to a sixteenth there is a block a level, two at the bottom, where a map made of the
    vector alone joins, and two a level going up to a quarter, one at a half; skips are added.
    """

    def __init__(self, size: int, identity: int, chosen: Networks) -> None:
        super().__init__()
        half, quarter, eighth, bottom, style = chosen.half, chosen.quarter, chosen.eighth, chosen.bottom, chosen.style
        self.size = size
        vector = NOISE + identity + len(FLAGS)
        self.mapping = nn.Sequential(nn.Linear(vector, style), nn.LeakyReLU(0.2), nn.Linear(style, style), nn.LeakyReLU(0.2))
        self.seed = nn.Linear(style, 64 * SEED * SEED)
        self.spread = nn.Conv2d(64, bottom, 1)
        self.stem = nn.Conv2d(4 * MAPS, half, 3, 1, 1)
        self.down1, self.down2, self.down3 = (
            nn.Conv2d(inside, outside, 3, 2, 1) for inside, outside in ((half, quarter), (quarter, eighth), (eighth, bottom))
        )
        self.read1, self.read2 = Modulated(quarter, style), Modulated(eighth, style)
        self.bottom = nn.ModuleList(Modulated(bottom, style) for _ in range(2))
        self.up3, self.up2, self.up1 = (
            nn.Conv2d(inside, 4 * outside, 1) for inside, outside in ((bottom, eighth), (eighth, quarter), (quarter, half))
        )
        self.write3 = nn.ModuleList(Modulated(eighth, style) for _ in range(2))
        self.write2 = nn.ModuleList(Modulated(quarter, style) for _ in range(2))
        self.write1 = Modulated(half, style)
        self.head = nn.Conv2d(half, 12, 3, 1, 1)

    def forward(self, maps: Tensor, noise: Tensor, identity: Tensor, flags: Tensor) -> Tensor:
        """See the class."""
        style = self.mapping(torch.cat([noise, identity, flags], 1))
        fine = leaky_relu(self.stem(pixel_unshuffle(maps, 2)), 0.2)
        middle = self.read1(self.down1(fine), style)
        coarse = self.read2(self.down2(leaky_relu(middle, 0.2)), style)
        seed = self.spread(self.seed(style).unflatten(1, (64, SEED, SEED)))
        features = self.down3(leaky_relu(coarse, 0.2))
        if self.size != 16 * SEED:
            seed = nn.functional.interpolate(seed, size=(self.size // 16, self.size // 16), mode="nearest")
        features = features + seed
        for block in self.bottom:
            features = block(features, style)
        features = pixel_shuffle(self.up3(features), 2) + coarse
        for block in self.write3:
            features = block(features, style)
        features = pixel_shuffle(self.up2(features), 2) + middle
        for block in self.write2:
            features = block(features, style)
        features = self.write1(pixel_shuffle(self.up1(features), 2) + fine, style)
        return torch.tanh(pixel_shuffle(self.head(leaky_relu(features, 0.2)), 2))


def distribution(inside: int, code: int) -> nn.Linear:
    """The layer that gives a code's means and log-variances, 2 · ``code`` numbers."""
    made = nn.Linear(inside, 2 * code)
    with torch.no_grad():
        made.bias[code:] = NARROW
    return made


class LookEncoder(nn.Module):
    """The look of a photo: for ground, hair, skin and the rest of the face a normal distribution of its code.

    Features at an eighth of the size are averaged over each region of :data:`REGIONS`, so that a code sees little else.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        deep = 2 * width
        self.body = nn.Sequential(
            nn.Conv2d(16 * (3 + len(CLASSES)), width, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, deep, 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(deep, deep, 3, 1, 1),
            nn.LeakyReLU(0.2),
        )
        self.heads = nn.ModuleDict({name: distribution(deep + 1, CODES[name]) for name in REGIONS})
        table = torch.zeros(len(REGIONS), len(CLASSES))
        for row, names in zip(table, REGIONS.values(), strict=True):
            row[[list(CLASSES).index(name) for name in names]] = 1
        self.register_buffer("regions", table)

    def forward(self, photo: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Photos B × 3 × S × S in [-1, 1] and their classes B × 8 × S × S to means and log-variances, B × 96."""
        features = self.body(pixel_unshuffle(torch.cat([photo, classes], 1), 4))
        side = features.shape[-1]
        area = adaptive_avg_pool2d(classes, side).flatten(2)  # B × 8 × s²
        where = torch.einsum("rk,bks->brs", self.regions, area).to(features)
        share = where.sum(2, keepdim=True)
        pooled = (where @ features.flatten(2).transpose(1, 2)) / (share + 0.5)
        read = torch.cat([pooled, share / side**2], 2)
        means, spreads = zip(*(head(read[:, i]).chunk(2, 1) for i, head in enumerate(self.heads.values())), strict=True)
        return torch.cat(means, 1).float(), torch.cat(spreads, 1).float().clamp(-8, 4)


class ShapeEncoder(nn.Module):
    """Landmarks to a normal distribution of the code of pose, shape and expression."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(136, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), distribution(128, CODES["shape"])
        )

    def forward(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Landmarks B × 68 × 2, the picture spanning [-1, 1], to means and log-variances, B × 32."""
        mean, spread = self.body(2 * landmarks.flatten(1)).float().chunk(2, 1)
        return mean, spread.clamp(-8, 4)
