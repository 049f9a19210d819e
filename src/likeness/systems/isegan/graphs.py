"""ISEGAN's two stages as two graphs, so that an edited parsing can enter between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.faces.labels import CLASSES
from likeness.recipe import thaw
from likeness.systems.isegan.networks import DIPGenerator, SEGenerator
from likeness.systems.isegan.recipes import ISEGANRecipe
from likeness.systems.isegan.system import build_generators


class StageOne(nn.Module):
    """G1; ``unused`` is G2 where the result is that of stage I, for its tensors are in the weights all the same."""

    def __init__(self, first: DIPGenerator, unused: SEGenerator | None = None) -> None:
        super().__init__()
        self.first, self.second = first, unused

    def forward(self, sketch: Tensor, parsing: Tensor) -> tuple[Tensor, Tensor] | Tensor:
        """X and P_s to P_int and Ŷ(1); without an intermediate parsing to Ŷ(1) alone."""
        middle, photo = self.first(sketch, parsing)
        if self.first.middle:
            return middle, photo
        made: Tensor = photo
        return made


class StageTwo(nn.Module):
    """G2."""

    def __init__(self, second: SEGenerator) -> None:
        super().__init__()
        self.second = second

    def forward(self, sketch: Tensor, first: Tensor, parsing: Tensor, intermediate: Tensor | None = None) -> Tensor:
        """X, Ŷ(1), P_s and, where the recipe is ``enhanced``, P_int to Ŷ(2)."""
        photo: Tensor = self.second(sketch, first, parsing, parsing if intermediate is None else intermediate)
        return photo


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``stage1``: ``sketch`` X, ``parsing`` P_s → ``intermediate`` P_int, ``first`` Ŷ(1); ``stage2``: these four → ``photo``.

    ``stage2`` is left out of recipes with one stage, ``intermediate`` where a recipe does not make or does not read it.
    """
    recipe = thaw(ISEGANRecipe, frozen)
    size, classes = recipe.framing.size, len(CLASSES)
    one, two = build_generators(recipe)
    given, made = ("sketch", "photo") if recipe.made == "photo" else ("photo", "sketch")
    sketch = Port("sketch", ("batch", 3, size, size), what=f"X, a framed {given}")
    parsing = Port("parsing", ("batch", classes, size, size), 0, 1, "P_s, the share of each class")
    intermediate = Port("intermediate", ("batch", classes, size, size), 0, 1, "P_int, the share of each class")
    first = Port("first", ("batch", 3, size, size), what=f"Ŷ(1), stage I's {made}")
    photo = Port("photo", ("batch", 3, size, size), what=f"Ŷ(2), the {made}")
    stage1 = StageOne(one, two if recipe.stages == 1 else None)
    found = {"stage1": Network(stage1, (sketch, parsing), (intermediate, first) if recipe.middle else (first,))}
    if recipe.stages == 2:
        read = (sketch, first, parsing, intermediate) if recipe.enhanced else (sketch, first, parsing)
        found["stage2"] = Network(StageTwo(two), read, (photo,))
    return found
