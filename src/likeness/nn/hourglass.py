"""One hourglass (Newell, Yang & Deng 2016): features looked at from afar and from near, for places in a picture."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import interpolate

from likeness.checkpoint import fill, read_weights
from likeness.errors import LikenessError


class Bottleneck(nn.Module):
    """1 × 1 to half the channels, 3 × 3, 1 × 1 back, added to what came in; a norm and a ReLU before each (its figure 4)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.body = nn.Sequential(
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(inside, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, 1, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, outside, 1),
        )
        self.skip = nn.Identity() if inside == outside else nn.Conv2d(inside, outside, 1)

    def forward(self, features: Tensor) -> Tensor:
        """B × inside × h × w to B × outside × h × w."""
        added: Tensor = self.skip(features) + self.body(features)
        return added


class Hourglass(nn.Module):
    """Halved ``depth`` times and doubled again, with a branch at each size that keeps what is seen there (its figure 3)."""

    def __init__(self, channels: int, depth: int = 4) -> None:
        super().__init__()
        self.beside = nn.ModuleList(Bottleneck(channels, channels) for _ in range(depth))
        self.down = nn.ModuleList(Bottleneck(channels, channels) for _ in range(depth))
        self.middle = Bottleneck(channels, channels)
        self.up = nn.ModuleList(Bottleneck(channels, channels) for _ in range(depth))
        self.halve = nn.MaxPool2d(2)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × h × w to the same; h and w are multiples of 2^depth."""
        kept = []
        for beside, down in zip(self.beside, self.down, strict=True):
            kept.append(beside(features))
            features = down(self.halve(features))
        features = self.middle(features)
        for up in self.up:
            features = kept.pop() + interpolate(up(features), scale_factor=2.0, mode="nearest")
        return features


class LandmarkNet(nn.Module):
    """Ω: a picture to one score map a landmark, a quarter of the picture's size.

    Args:
        points: how many landmarks.
        channels: of the hourglass.
        depth: how often the hourglass halves its quarter-size maps.
    """

    def __init__(self, points: int = 68, channels: int = 128, depth: int = 4) -> None:
        super().__init__()
        quarter = channels // 4
        self.stem = nn.Sequential(
            nn.Conv2d(3, quarter, 5, 2, 2, bias=False),
            nn.BatchNorm2d(quarter),
            nn.ReLU(),
            Bottleneck(quarter, channels // 2),
            nn.MaxPool2d(2),
            Bottleneck(channels // 2, channels),
        )
        self.hourglass = Hourglass(channels, depth)
        self.head = nn.Sequential(
            Bottleneck(channels, channels), nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, points, 1)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """B × 3 × S × S in [-1, 1], S a multiple of 4 · 2^depth, to scores B × points × S/4 × S/4."""
        scores: Tensor = self.head(self.hourglass(self.stem(pictures)))
        return scores


def open_landmark_net(path: str | Path) -> tuple[LandmarkNet, int]:
    """Ω from the landmark detector's weights file, frozen and in evaluation mode, and the side of the pictures it learned on.

    Raises:
        LikenessError: no such weights, damaged ones, or another system's.
    """
    card, state = read_weights(path)
    try:
        channels, depth, size = (int(n) for n in (card.recipe["channels"], card.recipe["depth"], card.recipe["framing"]["size"]))
    except (KeyError, TypeError, ValueError):
        raise LikenessError(f"{path}: holds weights of {card.system!r}, not of a landmark detector") from None
    points = state["detector.head.3.weight"].shape[0] if "detector.head.3.weight" in state else 0
    network = LandmarkNet(points, channels, depth)
    fill(network, {name.removeprefix("detector."): value for name, value in state.items()}, path)
    return network.eval().requires_grad_(False), size
