"""LandmarkGAN's networks (section 2.1): the converter, and a generator from landmarks to a target's face."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from likeness.losses.chance import per_row
from likeness.systems.landmark.recipes import GENERIC, LandmarkRecipe

UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]|%(?=[0-9a-f]{2})')
"""What code that torch writes when it traces a network cannot have in a name."""


def slot(name: str) -> str:
    """A target's key in a ModuleDict, which keeps some names for itself; quotes and the like become %22."""
    return "of " + UNSAFE.sub(lambda found: f"%{ord(found[0]):02x}", name)


LAYERS = 5
"""Fully connected layers of Φ, and of each Ψ_t."""
SLOPE = 0.1
"""LeakyReLU's."""
NARROWEST = 8
"""Channels that Θ_t has at least."""


def connected(points: int, width: int) -> nn.Sequential:
    """Five fully connected layers from 2 · points numbers to as many, ``width`` wide, LeakyReLU 0.1 between them."""
    plan = [2 * points, *[width] * (LAYERS - 1), 2 * points]
    layers: list[nn.Module] = []
    for i in range(LAYERS):
        layers += [nn.Linear(plan[i], plan[i + 1]), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


class Axes(nn.Module):
    """Points in the directions in which they vary, each a unit long (principal components, whitened): fixed, not trained.

    Landmarks of one framing hardly differ as numbers in [0, 1]; without this, fully connected layers take many thousand steps
    to notice. Directions that vary less than ``least``, which is noise, are not made longer than that; nothing goes farther
    than ``most`` along any, so that cycles through untrained layers do not fly apart.
    """

    mean: Tensor
    turn: Tensor
    size: Tensor

    def __init__(self, points: int = 68, least: float = 0.02, most: float = 6.0) -> None:
        super().__init__()
        self.least, self.most = least, most
        self.register_buffer("mean", torch.zeros(2 * points))
        self.register_buffer("turn", torch.eye(2 * points))
        self.register_buffer("size", torch.ones(2 * points))

    @torch.no_grad()
    def learn(self, points: Tensor) -> None:
        """From N × K × 2."""
        flat = points.flatten(1).double()
        mean = flat.mean(0)
        spreads, axes = torch.linalg.eigh((flat - mean).T @ (flat - mean) / max(len(flat), 1))
        self.mean.copy_(mean)
        self.turn.copy_(axes)
        self.size.copy_(spreads.clamp(min=0).sqrt().clamp(min=self.least))

    def into(self, points: Tensor) -> Tensor:
        """B × K × 2 to B × 2K; in full precision, whatever is cast."""
        with torch.autocast(points.device.type, enabled=False):
            return (((points.float().flatten(1) - self.mean) @ self.turn) / self.size).clamp(-self.most, self.most)

    def back(self, along: Tensor) -> Tensor:
        """B × 2K to B × K × 2; in full precision, whatever is cast."""
        with torch.autocast(along.device.type, enabled=False):
            points: Tensor = ((along.float() * self.size) @ self.turn.T + self.mean).unflatten(1, (-1, 2))
            return points


class Range(Axes):
    """A target's own axes, to keep converted landmarks within what its generator has seen: ours, not the paper's.

    A generator that learned one person's few hundred frames knows nothing of landmarks beside them. What goes farther than
    three deviations along an axis is brought back, and so is what is far along many at once, as no face of the target was: the
    length along the twelve widest axes (pose and expression) and that along all others (detail), each by itself, is at
    most that of all but the strangest half per cent of the target's faces. Of a target that is known by few faces nothing is
    brought back, for they say little of its range.
    """

    WIDEST, SHARE, FEW, BOUNDLESS = 12, 0.995, 50, 1e4
    limits: Tensor

    def __init__(self, points: int = 68) -> None:
        super().__init__(points, 1e-3, 3.0)
        self.register_buffer("limits", torch.full((2,), self.BOUNDLESS))

    @property
    def bounded(self) -> Tensor:
        """Whether there were faces enough to learn a range from; a tensor, so that nothing waits for the device."""
        return (self.limits < self.BOUNDLESS).all()

    @torch.no_grad()
    def learn(self, points: Tensor) -> None:
        """From N × K × 2."""
        if len(points) < self.FEW:
            return
        super().learn(points)
        for i, part in enumerate(self._parts(self.into(points))):
            self.limits[i] = torch.quantile(part.norm(dim=1), self.SHARE)

    def forward(self, landmarks: Tensor) -> Tensor:
        """B × K × 2 to the same; exactly the same where no range was learned. No branch depends on the limits."""
        with torch.autocast(landmarks.device.type, enabled=False):
            parts = self._parts(self.into(landmarks))
            shorter = [
                (limit / part.norm(dim=1).clamp(min=1e-6)).clamp(max=1) for limit, part in zip(self.limits, parts, strict=True)
            ]
            inside = self.back(torch.cat([part * by[:, None] for part, by in zip(parts, shorter, strict=True)], 1))
            return torch.where(self.bounded, inside, landmarks)

    def jittered(self, landmarks: Tensor, widest: float, rest: float, generator: torch.Generator) -> Tensor:
        """Landmarks B × K × 2 moved by chance: so many deviations along each of the widest axes, and along each of the rest.

        Where no range was learned, as they are.
        """
        count, numbers = landmarks.flatten(1).shape
        chance = per_row(count, lambda n: torch.randn(n, numbers, generator=generator), generator)
        with torch.autocast(landmarks.device.type, enabled=False):
            detail, pose = self._parts(chance.to(landmarks, non_blocking=True))
            moved = (torch.cat([rest * detail, widest * pose], 1) * self.size) @ self.turn.T
            return torch.where(self.bounded, landmarks + moved.reshape(landmarks.shape), landmarks)

    def _parts(self, along: Tensor) -> tuple[Tensor, Tensor]:
        """Detail, then pose and expression: axes stand in the order of their widths."""
        return along[:, : -self.WIDEST], along[:, -self.WIDEST :]


class Converter(nn.Module):
    """Φ, shared by all, takes a face's own shape out of its landmarks; Ψ_t, one a target, puts the target's in.

    ``given`` and ``between`` are the :class:`Axes` of landmarks L and of L′, in which the layers read and write.
    """

    def __init__(self, targets: Sequence[str], points: int = 68, width: int = 512) -> None:
        super().__init__()
        self.points, self.width = points, width
        self.given, self.between = Axes(points), Axes(points)
        self.encoder = connected(points, width)
        self.decoders = nn.ModuleDict()
        for name in targets:
            self.add(name)

    def add(self, name: str) -> None:
        """A decoder for one more target; nothing else changes.

        Raises:
            ValueError: there is one already.
        """
        if slot(name) in self.decoders:
            raise ValueError(f"there is a target {name!r} already")
        self.decoders[slot(name)] = connected(self.points, self.width)

    def neutral(self, landmarks: Tensor) -> Tensor:
        """Φ(L): B × K × 2 to B × K × 2."""
        with torch.autocast(landmarks.device.type, enabled=False):  # half precision is half a pixel
            return self.between.back(self.encoder(self.given.into(landmarks)))

    def forward(self, landmarks: Tensor, target: str) -> Tensor:
        """Ψ_t(Φ(L)): landmarks B × K × 2 in [0, 1] to the target's."""
        return self.decode(self.neutral(landmarks), target)

    def decode(self, features: Tensor, target: str) -> Tensor:
        """Ψ_t of Φ's features, B × K × 2 to B × K × 2."""
        with torch.autocast(features.device.type, enabled=False):
            return self.given.back(self.decoders[slot(target)](self.between.into(features)))


class LandmarkToFace(nn.Module):
    """Θ_t: two fully connected layers to 4 × 4 × 16w, then six blocks of a convolution and PixelShuffle to 256 × 256, tanh.

    Args:
        points: landmarks of a face.
        width: channels of the last block but one, halved towards the picture; 64 makes the paper's 4 × 4 × 1024.
        blocks: doublings from 4 pixels.
        hidden: outputs of the first fully connected layer, which the paper does not give.
    """

    def __init__(self, points: int = 68, width: int = 64, blocks: int = 6, hidden: int = 1024) -> None:
        super().__init__()
        wide = [max(16 * width >> i, NARROWEST) for i in range(blocks + 1)]
        self.deepest, self.given = wide[0], Axes(points)
        self.full = nn.Sequential(
            nn.Linear(2 * points, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, 16 * wide[0]), nn.LeakyReLU(SLOPE)
        )
        self.blocks = nn.Sequential(*(upscale(wide[i], wide[i + 1]) for i in range(blocks)))
        self.head = nn.Conv2d(wide[-1], 3, 3, 1, 1)

    def forward(self, landmarks: Tensor) -> Tensor:
        """Landmarks B × K × 2 in [0, 1] to faces B × 3 × S × S in [-1, 1], S = 4 · 2^blocks."""
        features = self.full(self.given.into(landmarks)).reshape(-1, self.deepest, 4, 4)
        return torch.tanh(self.head(self.blocks(features)))


def upscale(inside: int, outside: int) -> nn.Sequential:
    """A convolution that makes channels, and PixelShuffle that makes places of them: twice the size."""
    return nn.Sequential(nn.Conv2d(inside, 4 * outside, 3, 1, 1), nn.LeakyReLU(SLOPE), nn.PixelShuffle(2))


def grown(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Θ's weights for a face twice as large: at first the same face, enlarged, from which one more block goes on to learn.

    The old head becomes the new block, which makes its picture four times, once with its sign turned, for LeakyReLU
    x ↦ f(x) − f(−x) is 1.1 x; the new head takes one from the other and smooths, which together is bilinear interpolation
    (before tanh; the outermost row of pixels apart).

    Args:
        state: of a :class:`LandmarkToFace` with any number of blocks.
    """
    last = blocks_in(state)
    head, shift = state["head.weight"].float(), state["head.bias"].float()
    colours, inside = head.shape[:2]
    outside = max(inside // 2, NARROWEST)
    block = upscale(inside, outside)[0]
    assert isinstance(block, nn.Conv2d) and block.bias is not None
    weight, bias = block.weight.detach().clone(), block.bias.detach().clone()  # channels beyond the picture's begin by chance
    both, signs = torch.cat([head, -head]), torch.cat([shift, -shift])
    weight[: 8 * colours] = both.repeat_interleave(4, 0)
    bias[: 8 * colours] = signs.repeat_interleave(4)
    smooth = torch.tensor([0.25, 0.5, 0.25])
    new = torch.zeros(colours, outside, 3, 3)
    for colour in range(colours):
        new[colour, colour] = torch.outer(smooth, smooth) / (1 + SLOPE)
        new[colour, colours + colour] = -new[colour, colour]
    found = {key: value for key, value in state.items() if not key.startswith("head.")}
    found |= {f"blocks.{last}.0.weight": weight, f"blocks.{last}.0.bias": bias}
    return found | {"head.weight": new, "head.bias": torch.zeros(colours)}


def blocks_in(state: dict[str, Tensor]) -> int:
    """How many blocks Θ's weights are of."""
    return sum(key.startswith("blocks.") and key.endswith("weight") for key in state)


class Seen(nn.Module):
    """What landmarks a model has seen: their mean, the directions in which they vary, and how far.

    The paper's failures (figure 4c) are landmarks that no training face is near. The *out-of-distribution score* of landmarks is
    the larger of two ratios, each 1 for all but the farthest half per cent of the training faces times a margin: how far they go
    along a direction in which faces vary, and how far they are from all of those directions.
    """

    DIRECTIONS, MARGIN, SHARE = 20, 1.3, 0.995
    mean: Tensor
    directions: Tensor
    spread: Tensor
    limits: Tensor

    def __init__(self, points: int = 68) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * points))
        self.register_buffer("directions", torch.zeros(self.DIRECTIONS, 2 * points))
        self.register_buffer("spread", torch.ones(self.DIRECTIONS))
        self.register_buffer("limits", torch.ones(2))

    @torch.no_grad()
    def learn(self, landmarks: Tensor) -> None:
        """From the training faces' landmarks, N × K × 2 in [0, 1]."""
        flat = landmarks.flatten(1).double()
        mean = flat.mean(0)
        _, sizes, axes = torch.linalg.svd(flat - mean, full_matrices=False)
        count = min(self.DIRECTIONS, len(axes))
        self.mean.copy_(mean)
        self.directions.zero_()
        self.directions[:count] = axes[:count].to(self.directions)
        self.spread.fill_(1)
        self.spread[:count] = (sizes[:count] / max(len(flat), 1) ** 0.5).clamp(min=1e-3).to(self.spread)
        self.limits.fill_(1)
        ratios = torch.stack(self._ratios(landmarks.float()), 1)
        worst = torch.quantile(ratios, self.SHARE, 0) * self.MARGIN
        self.limits.copy_(torch.maximum(worst, torch.tensor([1.0, 0.02]).to(worst)))  # few faces alike, in float16

    def forward(self, landmarks: Tensor) -> Tensor:
        """The out-of-distribution score of landmarks B × K × 2 in [0, 1]: B, over 1 for what lies outside of what was seen."""
        along, away = self._ratios(landmarks)
        return torch.maximum(along / self.limits[0], away / self.limits[1])

    def _ratios(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """The largest number of deviations along a direction; the distance from their span."""
        centred = landmarks.flatten(1).float() - self.mean
        along = centred @ self.directions.T
        away = (centred - along @ self.directions).norm(dim=1)
        return (along / self.spread).abs().amax(1), away


def networks_of(recipe: LandmarkRecipe) -> nn.ModuleDict:
    """What a recipe's weights hold: ``converter``, ``generators`` by target, ``seen``, and ``ranges`` by target."""
    generators = {
        slot(name): LandmarkToFace(width=recipe.width, blocks=recipe.blocks, hidden=recipe.hidden) for name in recipe.names
    }
    ranges = {slot(name): Range() for name in recipe.targets if recipe.clamp_to_range}
    return nn.ModuleDict(
        {
            "converter": Converter(recipe.names, width=recipe.converter_width),
            "generators": nn.ModuleDict(generators),
            "seen": Seen(),
            "ranges": nn.ModuleDict(ranges),
        }
    )


def converted(landmarks: Tensor, name: str, converter: Converter, ranges: nn.ModuleDict | None = None) -> Tensor:
    """Anybody's landmarks with a target's shape, within its range where it has one; the generic target has no shape to give.

    Landmarks are B × K × 2 in [0, 1].
    """
    if name == GENERIC:
        return landmarks
    points: Tensor = converter(landmarks, name)
    return ranges[slot(name)](points) if ranges is not None and slot(name) in ranges else points
