"""Its network as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from colourist.networks import Colourer
from colourist.recipes import ColouristRecipe
from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.recipe import thaw


class Whole(nn.Module):
    """The network under the name that it has in the weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.colourer = Colourer(width)

    def forward(self, grey: Tensor) -> Tensor:
        """As the network's."""
        colours: Tensor = self.colourer(grey)
        return colours


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``colourer``: grey to colours."""
    recipe = thaw(ColouristRecipe, frozen)
    size = recipe.framing.size
    grey, photo = Port("grey", ("batch", 1, size, size)), Port("photo", ("batch", 3, size, size))
    return {"colourer": Network(Whole(recipe.width), (grey,), (photo,))}
