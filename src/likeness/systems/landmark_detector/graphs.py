"""The landmark detector's network as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.faces.landmarks import COUNT
from likeness.nn.dsnt import expected, heat
from likeness.nn.hourglass import LandmarkNet
from likeness.recipe import thaw
from likeness.systems.landmark_detector.recipes import LandmarkDetectorRecipe


class Detector(nn.Module):
    """The hourglass and DSNT."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.detector = LandmarkNet(COUNT, channels, depth)

    def forward(self, picture: Tensor) -> Tensor:
        """B × 3 × S × S in [-1, 1] to B × 68 × 2 in [-1, 1], where −1 and 1 are the picture's edges."""
        return expected(heat(self.detector(picture)))


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``detector``: framed faces to landmarks B × 68 × 2 in [-1, 1]."""
    recipe = thaw(LandmarkDetectorRecipe, frozen)
    size = recipe.framing.size
    picture = Port("picture", ("batch", 3, size, size), what="a framed face")
    landmarks = Port("landmarks", ("batch", COUNT, 2), what="68 landmarks (x, y); the picture's edges are -1 and 1")
    return {"detector": Network(Detector(recipe.channels, recipe.depth), (picture,), (landmarks,))}
