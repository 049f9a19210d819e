"""CVAE-GAN (Bao, Chen, Wen, Li & Hua 2017) on f_id: a conditional variational auto-encoder whose decoder competes with D^I.

Its classifier is E_id at rest and its condition f_id in place of a label, so that it serves people who were not trained on. Its
feature-matching losses are φ_id, and the perceptual distance where the recipe has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from likeness.baselines.one_stage import Gaussian, OneStage, OneStageRecipe, Round, variants
from likeness.losses.chance import per_row
from likeness.losses.perceptual import same_crop
from likeness.records import Term
from likeness.systems.facefeat import objective


@dataclass(frozen=True)
class CVAEGANRecipe(OneStageRecipe):
    """As long as FaceFeat-GAN's."""


RECIPES = variants(CVAEGANRecipe, "cvaegan", ("E", "G", "D"))


class CVAEGAN(OneStage):
    """E minimises KL(E(z | x) ‖ N(0, 1)) and what G^I reconstructs; G^I also φ^I and φ_id of x^s, painted from N(0, 1)."""

    general: Gaussian

    def __init__(self, recipe: CVAEGANRecipe) -> None:
        super().__init__(recipe, extractor=Gaussian(recipe))

    def terms(self, game: Round) -> Mapping[str, Callable[[], Mapping[str, Term]]]:
        """See the class."""
        photo, chance, recipe = game.batch.photo, game.batch.generator, self.recipe
        mean, wide = self.general.both(photo)
        shake = per_row(len(photo), lambda n: torch.randn(n, recipe.general, generator=chance), chance).to(mean)

        def rebuilt(held: torch.Tensor) -> dict[str, Term]:
            made = self.decode(game.identity, game.code, held)

            def look() -> torch.Tensor:
                one, other = same_crop([photo, made], recipe.crop, chance) if recipe.crop else (photo, made)
                return objective.perception(self.features, one, other)

            return objective.reconstruction_terms(photo, made, look, recipe.weights)

        def encoder_terms() -> Mapping[str, Term]:
            divergence = divergence_of(mean, wide)
            return rebuilt(mean + (wide / 2).exp() * shake) | {"divergence": Term(divergence, recipe.divergence, "KL")}

        def generator_terms() -> Mapping[str, Term]:
            held = (mean + (wide / 2).exp() * shake).detach()
            return rebuilt(held) | game.realness() | game.alike()

        return {"E": encoder_terms, "G": generator_terms, "D": game.real_or_made}


def divergence_of(mean: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, e^wide) ‖ N(0, 1)) = ½ Σ (mean² + e^wide − wide − 1), the mean over faces.

    >>> divergence_of(torch.zeros(2, 3), torch.zeros(2, 3)).item()
    0.0
    >>> divergence_of(torch.ones(1, 4), torch.zeros(1, 4)).item()
    2.0
    """
    return ((mean.square() + wide.exp() - wide - 1) / 2).sum(1).mean()
