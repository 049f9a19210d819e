"""FaceID-GAN (Shen, Luo, Yan, Wang & Tang 2018), lite: a third player tells real people from made ones, each a class of its own.

Not the paper's: the identity feature's distance is φ_id by E_id at rest, and D^I is FaceFeat-GAN's instead of an auto-encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from likeness.baselines.one_stage import OneStage, OneStageRecipe, Round, variants, weighed
from likeness.records import Term


@dataclass(frozen=True)
class FaceIDGANRecipe(OneStageRecipe):
    """As long as FaceFeat-GAN's."""


RECIPES = variants(FaceIDGANRecipe, "faceidgan", ("K", "G", "D"))


class FaceIDGAN(OneStage):
    """K has 2 N classes: person ℓ, and N + ℓ for faces made of ℓ. G^I wants x^s in ℓ, alike, real, and posed as its code."""

    posed = True

    def __init__(self, recipe: FaceIDGANRecipe) -> None:
        super().__init__(recipe, 2 * recipe.people)

    def terms(self, game: Round) -> Mapping[str, Callable[[], Mapping[str, Term]]]:
        """See the class."""

        def classifier_terms() -> Mapping[str, Term]:
            real = game.told(game.batch.photo, posed=False)["told_person"]
            made = game.told(game.made.detach(), self.recipe.people, posed=False)["told_person"]
            return {"person_real": real, "person_made": made}

        def generator_terms() -> Mapping[str, Term]:
            told = weighed(game.told(game.made, posed=False), self.recipe.told)
            away = (self.pose_of(game.made) - game.code).square().mean()
            posed = {"pose_made": Term(away, self.recipe.weights.pose_made or 0.3, "the pose code, by E_1")}
            return game.realness() | game.alike() | told | posed

        return {"K": classifier_terms, "G": generator_terms, "D": game.real_or_made}
