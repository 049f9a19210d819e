"""How it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from likeness.faces.align import Framing
from likeness.recipe import Phase, Recipe, Training


@dataclass(frozen=True)
class ColouristRecipe(Recipe):
    """``width`` is the channels of a layer."""

    framing: Framing = field(default_factory=lambda: Framing(size=64))
    width: int = 8


def tiny() -> ColouristRecipe:
    """Seconds."""
    training = Training(batch=8, rates=(1e-2,), phases=(Phase(60, ("C",)),), ema=5.0, bf16=False)
    return ColouristRecipe(name="colourist:tiny", training=training)


RECIPES: dict[str, Callable[[], ColouristRecipe]] = {"tiny": tiny}
