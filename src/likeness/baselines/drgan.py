"""After DR-GAN (Tran, Yin & Liu 2017): a pose code steers, and a discriminator of several tasks says who it is and how turned.

Not the paper's: f_id comes from E_id at rest instead of an encoder that learns; the tasks have a network of their own beside D^I.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from likeness.baselines.one_stage import OneStage, OneStageRecipe, Round, variants, weighed
from likeness.records import Term


@dataclass(frozen=True)
class DRGANRecipe(OneStageRecipe):
    """As long as FaceFeat-GAN's."""


RECIPES = variants(DRGANRecipe, "drgan", ("K", "G", "D"))


class DRGAN(OneStage):
    """K learns real faces' people and poses; G^I minimises φ^I(x^s) and has K find the person and the pose code in x^s."""

    posed = True

    def __init__(self, recipe: DRGANRecipe) -> None:
        super().__init__(recipe, recipe.people)

    def terms(self, game: Round) -> Mapping[str, Callable[[], Mapping[str, Term]]]:
        """See the class."""
        return {
            "K": lambda: game.told(game.batch.photo),
            "G": lambda: game.realness() | weighed(game.told(game.made), self.recipe.told),
            "D": game.real_or_made,
        }
