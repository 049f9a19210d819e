"""The parser's network as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.faces.labels import CLASSES
from likeness.nn.bisenet import BiSeNet
from likeness.recipe import thaw
from likeness.systems.parser.recipes import ParserRecipe


class Parser(nn.Module):
    """The network without its auxiliary heads' results, and a softmax over the classes."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.parser = BiSeNet(len(CLASSES), widths)

    def forward(self, picture: Tensor) -> Tensor:
        """B × 3 × S × S in [-1, 1] to B × 8 × S × S in [0, 1], which add up to 1 over the classes."""
        logits: Tensor = self.parser(picture)[0]
        return logits.softmax(1)


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``parser``: framed pictures to soft classes."""
    recipe = thaw(ParserRecipe, frozen)
    size = recipe.framing.size
    picture = Port("picture", ("batch", 3, size, size), what="a framed photo or drawing of a face")
    classes = Port("classes", ("batch", len(CLASSES), size, size), 0, 1, "the share of each class, which add up to 1")
    return {"parser": Network(Parser(recipe.widths), (picture,), (classes,))}
