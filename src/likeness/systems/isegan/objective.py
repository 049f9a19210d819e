"""Every equation of ISEGAN, each a function.

Symbols: X the sketch, Y the photo, P_s and P_p their parsings, P_int the intermediate parsing, Ŷ(1) and Ŷ(2) the made photos.

What reduction a norm has decides what its weight means, and the paper does not say. Here all are means: ‖·‖₂ is divided
by √n and ‖·‖₁ by n, n the numbers in it, so that λ, γ, μ do not depend on the size; as sums, (3) and (5) would grow with
the picture's side while (4), which the paper divides by areas, does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from likeness.losses import adversarial
from likeness.losses.pixel import root_mean_square


def dual_critic_loss(face: tuple[Tensor, Tensor], parsing: tuple[Tensor, Tensor], alpha: float) -> Tensor:
    """(1) What D1 and D_par minimise: α (−E log D1(X, P_s, Y) − E log(1 − D1(X, P_s, Ŷ(1)))) + (1 − α) (the same of D_par).

    Args:
        face, parsing: logits of (real, fake).
        alpha: α.
    """
    return alpha * adversarial.discriminate(*face) + (1 - alpha) * adversarial.discriminate(*parsing)


def dual_adversarial(face: Tensor, parsing: Tensor, alpha: float) -> Tensor:
    """(1) for G1, non-saturating: α (−E log D1(X, P_s, Ŷ(1))) + (1 − α) (−E log D_par(P_int)); logits of fakes."""
    return alpha * adversarial.persuade(face) + (1 - alpha) * adversarial.persuade(parsing)


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """(2) What D2 minimises, of its logits."""
    return adversarial.discriminate(real, fake)


def stage_two_adversarial(fake: Tensor) -> Tensor:
    """(2) for G2, non-saturating."""
    return adversarial.persuade(fake)


def parsing_matching(photo: Tensor, made: Tensor, beta: float) -> Tensor:
    """(3) L_PM = β ‖P_p − P_int‖₂ + (1 − β) Σ_c ‖p_p(c) − p_int(c)‖₂, B × 8 × H × W each; norms are root mean squares."""
    classes = torch.stack([root_mean_square(photo[:, [c]], made[:, [c]]) for c in range(photo.shape[1])])
    return beta * root_mean_square(photo, made) + (1 - beta) * classes.sum()


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
