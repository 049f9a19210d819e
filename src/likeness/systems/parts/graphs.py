"""The parts system's network as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.nn.placement import Anchors
from likeness.recipe import thaw
from likeness.systems.parts.recipes import PartsRecipe
from likeness.systems.parts.system import build_generator


class Painter(nn.Module):
    """G, with the anchors beside it that belong to the weights."""

    def __init__(self, generator: nn.Module, size: int) -> None:
        super().__init__()
        self.generator, self.anchors = generator, Anchors(size)

    def forward(self, canvas: Tensor) -> Tensor:
        """Average-face pictures to faces."""
        face: Tensor = self.generator(canvas)
        return face


def canvas_graph(generator: nn.Module, size: int, with_cover: bool) -> Network:
    """A painter round facial parts as a graph: ``canvas`` → ``face``."""
    canvas = Port("canvas", ("batch", 4 if with_cover else 3, size, size), what="the average-face picture z, and its cover")
    face = Port("face", ("batch", 3, size, size), what="the face G(z)")
    return Network(Painter(generator, size), (canvas,), (face,))


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``generator``: canvas B × 3 or 4 × S × S in [-1, 1] to a face B × 3 × S × S in [-1, 1]."""
    recipe = thaw(PartsRecipe, frozen)
    return {"generator": canvas_graph(build_generator(recipe), recipe.framing.size, recipe.networks.cover)}
