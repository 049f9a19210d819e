"""A single-stage conditional GAN, figure 1 (a.1) of Shen, Zhou, Luo & Tang 2018: f_id and noise to a face, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from likeness.baselines.one_stage import OneStage, OneStageRecipe, Round, variants
from likeness.records import Term


@dataclass(frozen=True)
class SingleStageRecipe(OneStageRecipe):
    """As long as FaceFeat-GAN's."""


RECIPES = variants(SingleStageRecipe, "single_stage", ("G", "D"))


class SingleStage(OneStage):
    """G^I minimises φ^I(x^s) + λ_2 φ_id(x^s); nothing is reconstructed."""

    def terms(self, game: Round) -> Mapping[str, Callable[[], Mapping[str, Term]]]:
        """See the class."""
        return {"G": lambda: game.realness() | game.alike(), "D": game.real_or_made}
