"""Every equation of ISEGAN, each a function.

Symbols: X the sketch, Y the photo, P_s and P_p their parsings, P_int the intermediate parsing, Ŷ(1) and Ŷ(2) the made photos.

What reduction a norm has decides what its weight means, and the paper does not say. Here all are means: ‖·‖₂ is divided
by √n and ‖·‖₁ by n, n the numbers in it, so that λ, γ, μ do not depend on the size; as sums, (3) and (5) would grow with
the picture's side while (4), which the paper divides by areas, does not. Both norms of (3) are divided by the same √(hw), so
that β weighs one against the other as it does in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likeness.losses import adversarial
from likeness.losses.adversarial import Judgement
from likeness.losses.pixel import root_mean_square
from likeness.records import Term

if TYPE_CHECKING:
    from likeness.systems.isegan.recipes import Weights

Net = Callable[[Tensor], Judgement]
"""D1 or D2, told X and P_s already: photos B × 3 × H × W to logits, or to those of each head. D_par: parsings to logits."""


def dual_critic_loss(face: tuple[Judgement, Judgement], parsing: tuple[Judgement, Judgement], alpha: float) -> Tensor:
    """(1) What D1 and D_par minimise: α (−E log D1(X, P_s, Y) − E log(1 − D1(X, P_s, Ŷ(1)))) + (1 − α) (the same of D_par).

    Args:
        face, parsing: logits of (real, fake).
        alpha: α.
    """
    return alpha * adversarial.discriminator_loss(*face) + (1 - alpha) * adversarial.discriminator_loss(*parsing)


def dual_adversarial(face: Judgement, parsing: Judgement, alpha: float) -> Tensor:
    """(1) for G1, non-saturating: α (−E log D1(X, P_s, Ŷ(1))) + (1 − α) (−E log D_par(P_int)); logits of fakes."""
    return alpha * adversarial.generator_loss(face) + (1 - alpha) * adversarial.generator_loss(parsing)


def critic_loss(real: Judgement, fake: Judgement) -> Tensor:
    """(2) What D2 minimises, of its logits."""
    return adversarial.discriminator_loss(real, fake)


def stage_two_adversarial(fake: Judgement) -> Tensor:
    """(2) for G2, non-saturating."""
    return adversarial.generator_loss(fake)


def parsing_matching(photo: Tensor, made: Tensor, beta: float) -> Tensor:
    """(3) L_PM = β ‖P_p − P_int‖₂ + (1 − β) Σ_c ‖p_p(c) − p_int(c)‖₂, B × 8 × H × W each; all norms are divided by √(HW).

    A root mean square divides the first norm by √(8 HW) and the others by √(HW): hence the √8.
    """
    classes = torch.stack([root_mean_square(photo[:, [c]], made[:, [c]]) for c in range(photo.shape[1])])
    return beta * math.sqrt(photo.shape[1]) * root_mean_square(photo, made) + (1 - beta) * classes.sum()


def compositional(photo: Tensor, made: Tensor, regions: Tensor, delta: float) -> Tensor:
    """(4) L_cmp = δ ‖Y − Ŷ‖₁ / hw + (1 − δ) Σ_c ‖Y ⊙ p(c) − Ŷ ⊙ p(c)‖₁ / Σ p(c), a mean over colours and the batch.

    A small region counts as much as a large one. A region of less than a pixel is divided by one.

    Args:
        photo, made: B × 3 × H × W.
        regions: B × 8 × H × W in [0, 1]; no gradient goes into them, or they would flee from where the error is.
        delta: δ.
    """
    apart = (photo - made).abs().float().mean(1, keepdim=True)
    where = regions.detach().float()
    shares = (apart * where).sum((2, 3)) / where.sum((2, 3)).clamp(min=1.0)
    return delta * apart.mean() + (1 - delta) * shares.sum(1).mean()


def perceptual(photo: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """(5) L_per = Σ_l ‖φ_l(Y) − φ_l(Ŷ)‖₂, root mean squares."""
    return torch.stack([root_mean_square(one, other) for one, other in zip(photo, made, strict=True)]).sum()


def judge_first(
    critic: Net,
    parsing_critic: Net | None,
    photo: tuple[Tensor, Tensor],
    parsing: tuple[Tensor, Tensor],
    alpha: float,
) -> dict[str, Term]:
    """What D1 and D_par minimise together, (1).

    Args:
        critic, parsing_critic: D1, and D_par if there is an intermediate parsing.
        photo: Y and Ŷ(1).
        parsing: P_p and P_int.
        alpha: α.
    """
    real, fake = (critic(one) for one in photo)
    if parsing_critic is None:
        return {"critic": Term(critic_loss(real, fake), 1.0, "(1)")}
    true, made = (parsing_critic(one) for one in parsing)
    return {"critic": Term(dual_critic_loss((real, fake), (true, made), alpha), 1.0, "(1)")}


def judge_second(critic: Net, photo: Tensor, made: Tensor) -> dict[str, Term]:
    """What D2 minimises, (2)."""
    real, fake = (critic(one) for one in (photo, made))
    return {"critic_2": Term(critic_loss(real, fake), 1.0, "(2)")}


def write_first(
    critic: Net,
    parsing_critic: Net | None,
    features: Callable[[Tensor, Tensor], tuple[Sequence[Tensor], Sequence[Tensor]]],
    photo: tuple[Tensor, Tensor],
    parsing: tuple[Tensor, Tensor],
    regions: Tensor,
    weights: Weights,
) -> dict[str, Term]:
    """What G1 minimises, (6): L_adv1 + λ L_cmp + γ L_per + μ L_PM. A term that weighs nothing is not computed."""
    terms = {}
    if weights.adversarial and parsing_critic is None:
        terms["adversarial"] = Term(adversarial.generator_loss(critic(photo[1])), weights.adversarial, "(1)")
    elif weights.adversarial and parsing_critic is not None:
        both = dual_adversarial(critic(photo[1]), parsing_critic(parsing[1]), weights.alpha)
        terms["adversarial"] = Term(both, weights.adversarial, "(1)")
    if weights.matching and parsing_critic is not None:
        terms["matching"] = Term(parsing_matching(*parsing, weights.beta), weights.matching, "(3)")
    return terms | _likeness(features, photo, regions, weights, "")


def write_second(
    critic: Net,
    features: Callable[[Tensor, Tensor], tuple[Sequence[Tensor], Sequence[Tensor]]],
    photo: tuple[Tensor, Tensor],
    regions: Tensor,
    weights: Weights,
) -> dict[str, Term]:
    """What G2 minimises, (7): L_adv2 + λ L_cmp + γ L_per."""
    terms = {}
    if weights.adversarial:
        terms["adversarial_2"] = Term(stage_two_adversarial(critic(photo[1])), weights.adversarial, "(2)")
    return terms | _likeness(features, photo, regions, weights, "_2")


def _likeness(
    features: Callable[[Tensor, Tensor], tuple[Sequence[Tensor], Sequence[Tensor]]],
    photo: tuple[Tensor, Tensor],
    regions: Tensor,
    weights: Weights,
    suffix: str,
) -> dict[str, Term]:
    """λ L_cmp + γ L_per, which both stages have."""
    terms = {}
    if weights.compositional:
        terms[f"compositional{suffix}"] = Term(compositional(*photo, regions, weights.delta), weights.compositional, "(4)")
    if weights.perceptual:
        terms[f"perceptual{suffix}"] = Term(perceptual(*features(*photo)), weights.perceptual, "(5)")
    return terms
