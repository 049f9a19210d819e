"""The terms of a GAN (Goodfellow et al. 2014), on logits, so that no logarithm meets a zero.

With D(x) = sigmoid(l): −log D = softplus(−l) and −log(1 − D) = softplus(l). A discriminator with several heads (Sauer et al.
2021) gives a list of logits and is trained by the hinge loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from likeness.losses.augmentation import augment
from likeness.nn.projected import ProjectedDiscriminator

Judgement = Tensor | Sequence[Tensor]
"""What a discriminator says of pictures: its logits, or those of each of its heads."""


def judgement(discriminator: nn.Module, pictures: Tensor, chance: torch.Generator, given: Tensor | None = None) -> Judgement:
    """What a discriminator says of ``pictures``, B × 3 × S × S in [-1, 1].

    A conditional one is shown ``given``, B × C × S × S, before them. A projected one sees the pictures alone, augmented with
    ``chance`` (:mod:`likeness.losses.augmentation`).
    """
    if isinstance(discriminator, ProjectedDiscriminator):
        pictures = augment(pictures, chance)
    elif given is not None:
        pictures = torch.cat([given, pictures], 1)
    said: Judgement = discriminator(pictures)
    return said


def discriminator_loss(real_logits: Judgement, fake_logits: Judgement) -> Tensor:
    """−E[log D(x)] − E[log(1 − D(x̃))], what the discriminator minimises; of heads :func:`hinge_discriminator_loss`; a scalar."""
    if not (isinstance(real_logits, Tensor) and isinstance(fake_logits, Tensor)):
        return hinge_discriminator_loss(list(real_logits), list(fake_logits))
    return softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean()


def generator_loss(fake_logits: Judgement) -> Tensor:
    """−E[log D(x̃)], the non-saturating form that the generator minimises; of heads :func:`hinge_generator_loss`; a scalar."""
    if not isinstance(fake_logits, Tensor):
        return hinge_generator_loss(fake_logits)
    return softplus(-fake_logits.float()).mean()


def hinge_discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """E[max(0, 1 − D(x))] + E[max(0, 1 + D(x̃))], the mean over the heads (Lim & Ye 2017; Sauer et al. 2021); a scalar."""
    return torch.stack(
        [relu(1 - one.float()).mean() + relu(1 + other.float()).mean() for one, other in zip(real, fake, strict=True)]
    ).mean()


def hinge_generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """−E[D(x̃)], the mean over the heads: what the generator minimises against :func:`hinge_discriminator_loss`; a scalar."""
    return -torch.stack([logits.float().mean() for logits in fake]).mean()
