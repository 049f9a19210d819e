"""The networks of the one-stage methods, as FaceFeat-GAN's graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from likeness import baselines
from likeness.baselines.one_stage import OneStage, priors
from likeness.engine.torch import Network
from likeness.recipe import thaw
from likeness.systems.facefeat.graphs import assembled
from likeness.systems.facefeat.recipes import FaceFeatRecipe


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """As :func:`likeness.systems.facefeat.graphs.graphs`; ``generator1`` and ``generator2`` are priors."""
    place = baselines.row(str(frozen.get("name", "")).partition(":")[0])
    recipe = thaw(place.recipe_class(), frozen)
    assert isinstance(recipe, FaceFeatRecipe)
    system = place.build(recipe)
    assert isinstance(system, OneStage)
    return assembled(recipe, priors(recipe, system.posed), system.general)
