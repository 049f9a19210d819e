"""The terms of a GAN (Goodfellow et al. 2014), on logits, so that no logarithm meets a zero.

With D(x) = sigmoid(l): −log D = softplus(−l) and −log(1 − D) = softplus(l).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus


def discriminate(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−E[log D(x)] − E[log(1 − D(x̃))], what the discriminator minimises; a scalar."""
    return softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean()


def persuade(fake_logits: Tensor) -> Tensor:
    """−E[log D(x̃)], the non-saturating form that the generator minimises; a scalar."""
    return softplus(-fake_logits.float()).mean()


def hinge_discriminate(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """E[max(0, 1 − D(x))] + E[max(0, 1 + D(x̃))], the mean over the heads (Lim & Ye 2017; Sauer et al. 2021); a scalar."""
    return torch.stack(
        [relu(1 - one.float()).mean() + relu(1 + other.float()).mean() for one, other in zip(real, fake, strict=True)]
    ).mean()


def hinge_persuade(fake: Sequence[Tensor]) -> Tensor:
    """−E[D(x̃)], the mean over the heads: what the generator minimises against :func:`hinge_discriminate`; a scalar."""
    return -torch.stack([logits.float().mean() for logits in fake]).mean()
