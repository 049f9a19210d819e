"""Every equation of pix2pix (Isola, Zhu, Zhou & Efros 2017), each a function, and what each player minimises.

Symbols: x the source (a drawing, say), y the target (its photo), z the noise, G(x, z) the made picture, D(x, y) the critic, on
logits.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from likeness.losses import adversarial
from likeness.losses.adversarial import Judgement
from likeness.losses.perceptual import Features, feature_distance
from likeness.records import Term


def critic_loss(real_logits: Judgement, fake_logits: Judgement) -> Tensor:
    """(1) −E log D(x, y) − E log(1 − D(x, G(x, z))), a mean over patches."""
    return adversarial.discriminator_loss(real_logits, fake_logits)


def generator_adversarial(fake_logits: Judgement) -> Tensor:
    """(1) for G, as the paper trains it: −E log D(x, G(x, z))."""
    return adversarial.generator_loss(fake_logits)


def absolute(target: Tensor, fake: Tensor) -> Tensor:
    """(3) L_L1 = E ‖y − G(x, z)‖₁, a mean over pixels of pictures in [-1, 1]."""
    return (target - fake).abs().mean()


def discriminator_terms(critic: Callable[[Tensor], Judgement], source: Tensor, target: Tensor, fake: Tensor) -> dict[str, Term]:
    """What D minimises: (1), halved, "which slows down the rate at which D learns relative to G" (section 3.3)."""
    real, made = critic(torch.cat([source, target], 1)), critic(torch.cat([source, fake], 1))
    return {"discriminator": Term(critic_loss(real, made), 0.5, "(1)")}


def generator_terms(
    critic: Callable[[Tensor], Judgement],
    source: Tensor,
    target: Tensor,
    fake: Tensor,
    lambda_cgan: float,
    lambda_absolute: float,
) -> dict[str, Term]:
    """(4) What G minimises: L_cGAN + λ L_L1. A term that weighs nothing is not computed."""
    terms = {}
    if lambda_cgan:
        terms["adversarial"] = Term(generator_adversarial(critic(torch.cat([source, fake], 1))), lambda_cgan, "(1)")
    if lambda_absolute:
        terms["absolute"] = Term(absolute(target, fake), lambda_absolute, "(3)")
    return terms


def perceived(features: Features, target: Tensor, fake: Tensor, weight: float) -> dict[str, Term]:
    """Ours, where a recipe asks for it: L1 over the features of a frozen network, each a mean over its map."""
    with torch.no_grad():
        true = features(target)
    return {"perceptual": Term(feature_distance(true, features(fake)), weight, "ours")}
