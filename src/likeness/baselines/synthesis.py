"""A trained baseline, used as the parts system is."""

from __future__ import annotations

from torch import Tensor, nn

from likeness.baselines import row
from likeness.baselines.frame import Baseline, BaselineRecipe
from likeness.checkpoint import Card, fill
from likeness.recipe import thaw
from likeness.systems.parts.synthesis import PartsSynthesizer


class BaselineSynthesizer(PartsSynthesizer):
    """Parts in, a face out, by one of the methods that the parts paper compares with."""

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> BaselineSynthesizer:
        """Rebuild from what a weights file holds."""
        place = row(card.system)
        recipe = thaw(place.recipe_class(), card.recipe)
        system = place.build(recipe)
        assert isinstance(system, Baseline) and isinstance(recipe, BaselineRecipe)
        body = nn.ModuleDict({name: getattr(system, name) for name in system.ships})
        fill(body, state, path)
        return cls(card, recipe.framing, True, system.generator, system.anchors)
