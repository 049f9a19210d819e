"""Every equation of Sun, Guo & Liu 2022, each a function, and what each player minimises.

Symbols: x a real photo, z its average-face picture, x̃ = G(z), D the discriminator (here on logits), Φᵢ the maps of VGG-19.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from likeness.losses import adversarial, perceptual, pixel
from likeness.losses.adversarial import Judgement
from likeness.records import Term
from likeness.systems.parts.recipes import Weights


def reconstruction(photo: Tensor, fake: Tensor) -> Tensor:
    """(2) L_r = ‖x − x̃‖₂, divided by √n (n numbers a picture) so that λ_r does not depend on the size."""
    return pixel.root_mean_square(photo, fake)


def perception(photo: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """(3) L_perc = Σᵢ ‖Φᵢ(x) − Φᵢ(x̃)‖₁ over conv1_1, conv2_1, conv3_1, each a mean over its map."""
    return perceptual.feature_distance(photo, fake)


def discriminator_loss(real_logits: Judgement, fake_logits: Judgement) -> Tensor:
    """(5) −[log D(x) + log(1 − D(x̃))]; the paper writes what D maximises."""
    return adversarial.discriminator_loss(real_logits, fake_logits)


def generator_adversarial(fake_logits: Judgement) -> Tensor:
    """(4), (6) −log D(x̃), non-saturating; the paper's sign would have G help D."""
    return adversarial.generator_loss(fake_logits)


def discriminator_terms(discriminator: Callable[[Tensor], Judgement], photo: Tensor, fake: Tensor) -> dict[str, Term]:
    """What D minimises: (5), or for a projected discriminator the hinge loss."""
    return {"discriminator": Term(discriminator_loss(discriminator(photo), discriminator(fake)), 1.0, "(5)")}


def generator_terms(
    discriminator: Callable[[Tensor], Judgement],
    features: perceptual.Features,
    photo: Tensor,
    fake: Tensor,
    view: tuple[Tensor, Tensor],
    weights: Weights,
    disabled_terms: Sequence[str] = (),
) -> dict[str, Term]:
    """(6) What G minimises: λ_r L_r + λ_perc L_perc + λ_adv (−log D(x̃)) [+ style + total variation].

    ``photo`` and ``fake`` are x and x̃; ``view`` is what Φ looks at, the same two or a crop of both.
    Terms that weigh nothing, or are ``disabled_terms`` in this phase, are not computed.
    """
    terms = {}

    def active(name: str) -> float:
        return 0.0 if name in disabled_terms else float(getattr(weights, name))

    if weight := active("reconstruction"):
        terms["reconstruction"] = Term(reconstruction(photo, fake), weight, "(2)")
    if active("perceptual") or active("style"):
        with torch.no_grad():
            real_maps = features(view[0])
        fake_maps = features(view[1])
        if weight := active("perceptual"):
            terms["perceptual"] = Term(perception(real_maps, fake_maps), weight, "(3)")
        if weight := active("style"):
            terms["style"] = Term(perceptual.style_distance(real_maps, fake_maps), weight, "style, section 3.3")
    if weight := active("adversarial"):
        terms["adversarial"] = Term(generator_adversarial(discriminator(fake)), weight, "(4)")
    if weight := active("total_variation"):
        terms["total_variation"] = Term(pixel.total_variation(fake), weight, "total variation, section 3.3")
    return terms
