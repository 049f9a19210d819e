"""The generators of CycleGAN and DualGAN as a graph, for the torch engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness import baselines
from likeness.baselines.two_way import TwoWay, TwoWayRecipe
from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.recipe import thaw


class Forth(nn.Module):
    """From sketches to photos; the way back is held for its tensors, which are in the weights, too."""

    def __init__(self, system: TwoWay) -> None:
        super().__init__()
        self.forth, self.back = system.forth, system.back

    def forward(self, sketch: Tensor) -> Tensor:
        """B × 3 × S × S to the same, in [-1, 1]."""
        photo: Tensor = self.forth(sketch)
        return photo


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``forth``: framed sketches to photos."""
    place = baselines.row(str(frozen.get("name", "")).partition(":")[0])
    recipe = thaw(place.recipe_class(), frozen)
    system = place.build(recipe)
    assert isinstance(system, TwoWay) and isinstance(recipe, TwoWayRecipe)
    size = recipe.framing.size
    sketch = Port("sketch", ("batch", 3, size, size), what="a framed sketch")
    photo = Port("photo", ("batch", 3, size, size), what="the photo made of it")
    return {"forth": Network(Forth(system), (sketch,), (photo,))}
