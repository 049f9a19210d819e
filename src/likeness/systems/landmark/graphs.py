"""LandmarkGAN's networks as graphs: for each target a converter and a generator, and one out-of-distribution score for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.faces.landmarks import COUNT
from likeness.recipe import thaw
from likeness.systems.landmark.networks import Converter, LandmarkToFace, Range, Seen, slot
from likeness.systems.landmark.recipes import GENERIC, LandmarkRecipe


class Conversion(nn.Module):
    """Ψ_t(Φ(L)) of one target, kept in the target's range and as it is; the generic target has no shape and changes nothing."""

    def __init__(self, name: str, recipe: LandmarkRecipe) -> None:
        super().__init__()
        self.name = name
        self.converter = Converter([name], width=recipe.converter_width)
        self.ranges = nn.ModuleDict({slot(name): Range()} if recipe.clamp_to_range and name in recipe.targets else {})

    def forward(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Landmarks B × 68 × 2 in [0, 1] to what the generator is given, and to the same before it is kept in range."""
        if self.name == GENERIC:
            return landmarks * 1.0, landmarks * 1.0  # an output of a graph is no input of it
        points: Tensor = self.converter(landmarks, self.name)
        kept: Tensor = self.ranges[slot(self.name)](points) if len(self.ranges) else points
        return kept, points * 1.0


class Generation(nn.Module):
    """Θ_t of one target."""

    def __init__(self, name: str, recipe: LandmarkRecipe) -> None:
        super().__init__()
        self.name = slot(name)
        self.generators = nn.ModuleDict(
            {self.name: LandmarkToFace(width=recipe.width, blocks=recipe.blocks, hidden=recipe.hidden)}
        )

    def forward(self, landmarks: Tensor) -> Tensor:
        """Landmarks B × 68 × 2 in [0, 1] to faces B × 3 × S × S in [-1, 1]."""
        face: Tensor = self.generators[self.name](landmarks)
        return face


class Score(nn.Module):
    """How far landmarks lie outside of what was learned."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()

    def forward(self, landmarks: Tensor) -> Tensor:
        """Landmarks B × 68 × 2 in [0, 1] to B."""
        score: Tensor = self.seen(landmarks)
        return score


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``converter-N`` and ``generator-N`` for target N of the recipe's names, counted from 0, and ``ood-score``.

    The numbers stand for the names because a target may be called anything that a folder may.
    """
    recipe = thaw(LandmarkRecipe, frozen)
    size, shape = recipe.framing.size, ("batch", COUNT, 2)
    landmarks = Port("landmarks", shape, 0, 1, "68 landmarks (x, y); 0 and 1 are the picture's edges")
    converted = Port("converted", shape, 0, 1, "with the target's shape, within its range")
    unbounded = Port("unbounded", shape, 0, 1, "with the target's shape, before they are kept in its range")
    face = Port("face", ("batch", 3, size, size), what="the target's face")
    score = Port("score", ("batch",), 0, 10, "over 1 where landmarks lie outside of what was learned")
    made = {"ood-score": Network(Score(), (landmarks,), (score,))}
    for number, name in enumerate(recipe.names):
        made[f"converter-{number}"] = Network(Conversion(name, recipe), (landmarks,), (converted, unbounded))
        made[f"generator-{number}"] = Network(Generation(name, recipe), (landmarks,), (face,))
    return made
