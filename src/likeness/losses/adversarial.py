"""The terms of a GAN (Goodfellow et al. 2014), on logits, so that no logarithm meets a zero.

With D(x) = sigmoid(l): −log D = softplus(−l) and −log(1 − D) = softplus(l).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def discriminate(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−E[log D(x)] − E[log(1 − D(x̃))], what the discriminator minimises; a scalar."""
    return softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean()


def persuade(fake_logits: Tensor) -> Tensor:
    """−E[log D(x̃)], the non-saturating form that the generator minimises; a scalar."""
    return softplus(-fake_logits.float()).mean()
