"""What G and D of the joint model minimise, each term a function.

How much of the photo the conditions tell (:func:`known_share`) weighs what compares a made face with it: from a drawing there is
one right face, from nothing any face is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from likeness.losses import adversarial
from likeness.losses.adversarial import Judgement
from likeness.systems.joint.maps import FLAGS
from likeness.systems.joint.recipes import CODES

GEOMETRY: dict[str, float] = {"drawing": 1.0, "parsing": 0.9, "landmarks": 0.8, "parts": 0.8, "known": 0.6, "identity": 0.0}
"""How well each condition tells where everything is; the best one counts."""
SHAPE = 0.6
"""The same of the photo's own shape code."""
APPEARANCE: dict[str, float] = {
    "drawing": 0.6,
    "parsing": 0.1,
    "landmarks": 0.0,
    "parts": 0.4,
    "known": 0.5,
    "identity": 0.1,
}
"""How well each condition tells what everything looks like; they add up, to 1 at most."""
LOOK = 0.6
"""The same of the photo's own look: so much for all of its codes."""
BASE = 0.15
"""The share that geometry alone makes known."""


def known_share(flags: Tensor, looked: Tensor) -> Tensor:
    """How much of the photo is known, B numbers in [0, 1].

    Args:
        flags: B × 6, which conditions are given, in the order of :data:`likeness.systems.joint.maps.FLAGS`.
        looked: B × 5, which codes are the photo's own, in the order of :data:`likeness.systems.joint.recipes.CODES`.
    """
    shape = list(CODES).index("shape")
    where = flags * flags.new_tensor([GEOMETRY[name] for name in FLAGS])
    geometry = torch.maximum(where.amax(1), SHAPE * looked[:, shape])
    looks = torch.cat([looked[:, :shape], looked[:, shape + 1 :]], 1).mean(1)
    appearance = (flags @ flags.new_tensor([APPEARANCE[name] for name in FLAGS]) + LOOK * looks).clamp(max=1)
    return geometry * (BASE + (1 - BASE) * appearance)


def reconstruction(photo: Tensor, made: Tensor, share: Tensor) -> Tensor:
    """The mean of share · ‖x − x̂‖₂ / √n over the batch; a scalar.

    Args:
        photo, made: B × 3 × S × S.
        share: B, see :func:`known_share`.
    """
    square = (photo.float() - made.float()).square().flatten(1).mean(1)
    return (share * (square + 1e-8).sqrt()).mean()


def perception(photo: Sequence[Tensor], made: Sequence[Tensor], share: Tensor) -> Tensor:
    """The mean of share · Σᵢ mean|Φᵢ(x) − Φᵢ(x̂)| over the batch; a scalar. Maps are B × C × h × w."""
    rows = [(one.float() - other.float()).abs().flatten(1).mean(1) for one, other in zip(photo, made, strict=True)]
    return (share * torch.stack(rows).sum(0)).mean()


def identity_loss(target: Tensor, found: Tensor) -> Tensor:
    """1 − cos of a recogniser's numbers of photo and made face, both B × n; a scalar."""
    return 1 - (normalize(target.float(), dim=1) * normalize(found.float(), dim=1)).sum(1).mean()


def prior(mean: Tensor, spread: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) summed over a code, the mean over the batch (Kingma & Welling 2014, appendix B); a scalar.

    Args:
        mean, spread: μ and log σ², B × n.
    """
    return 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()


def sampled(mean: Tensor, spread: Tensor, chance: Tensor) -> Tensor:
    """μ + σ ε (Kingma & Welling 2014, section 2.4); all B × n, ``spread`` is log σ²."""
    return mean + (0.5 * spread).exp() * chance


def discriminator_loss(real: Judgement, made: Judgement) -> Tensor:
    """What D minimises: the hinge loss of its heads."""
    return adversarial.discriminator_loss(real, made)


def generator_adversarial(made: Judgement) -> Tensor:
    """What D says of made faces, for G."""
    return adversarial.generator_loss(made)
