"""The networks of the baselines of the parts comparison as graphs, for the torch engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from likeness import baselines
from likeness.baselines.frame import Baseline, BaselineRecipe
from likeness.engine.torch import Network
from likeness.recipe import thaw
from likeness.systems.parts.graphs import canvas_graph


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``generator``: as :func:`likeness.systems.parts.graphs.graphs`, of the baseline that the recipe is of."""
    place = baselines.row(str(frozen.get("name", "")).partition(":")[0])
    recipe = thaw(place.recipe_class(), frozen)
    system = place.build(recipe)
    assert isinstance(system, Baseline) and isinstance(recipe, BaselineRecipe)
    return {"generator": canvas_graph(system.generator, recipe.framing.size, True)}
