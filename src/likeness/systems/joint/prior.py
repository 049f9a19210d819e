"""How what no condition tells is distributed over the training faces: landmarks, given an identity or not, and codes of looks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likeness.faces.landmarks import COUNT, MIRROR
from likeness.systems.joint.chance import Chance
from likeness.systems.joint.recipes import CODES, LOOKS, PERSON

RIDGE = 1e-3
"""What is added to an identity's second moments, a share of their mean."""
MOMENTUM = 0.01
"""The share of a step in the running moments of codes."""


class Moments:
    """First and second moments of identities and landmarks, in one; faces are added in pieces, each with its mirror image.

    Args:
        identity: numbers of an identity.
        size: of the framing, in pixels.
    """

    def __init__(self, identity: int, size: int) -> None:
        self.size = size
        length = identity + 2 * COUNT
        self.count, self.sum = 0, torch.zeros(length, dtype=torch.float64)
        self.square = torch.zeros(length, length, dtype=torch.float64)

    def add(self, landmarks: Tensor, identity: Tensor) -> None:
        """Landmarks B × 68 × 2 in pixels, of a framed face, and identities B × n."""
        points = (2 * landmarks.double().cpu() + 1) / self.size - 1
        turned = points[:, list(MIRROR)] * points.new_tensor([-1.0, 1.0])
        for some in (points, turned):
            rows = torch.cat([identity.double().cpu(), some.flatten(1)], 1)
            self.count += len(rows)
            self.sum += rows.sum(0)
            self.square += rows.T @ rows

    @property
    def means(self) -> Tensor:
        """Of an identity's numbers and of landmarks in [-1, 1], n + 136."""
        return self.sum / max(self.count, 1)

    @property
    def spread(self) -> Tensor:
        """Their covariance."""
        return self.square / max(self.count, 1) - torch.outer(self.means, self.means)


def _modes(covariance: Tensor, count: int) -> Tensor:
    """The ``count`` largest principal components, each as long as its deviation; zeros where there are fewer."""
    values, axes = torch.linalg.eigh(covariance)
    modes = (axes * values.clamp(min=1e-12).sqrt()).T[-count:]
    return torch.cat([modes.new_zeros(count - len(modes), modes.shape[1]), modes])


class Prior(nn.Module):
    """Gaussians that noise of N(0, 1) is mapped to, see :mod:`likeness.systems.joint.chance`.

    An identity is ``people`` + cᵀ ``traits`` with c of N(0, 1) in its principal components, and then of unit variance.

    Landmarks, the picture spanning [-1, 1], are ``mean`` + cᵀ ``modes`` with c of N(0, 1) in principal components. Given an
    identity f, c is ``told`` f + ``left`` ε: the regression of c on f, and the Cholesky factor of what it leaves.

    A code of a look has the running mean ``code_mean`` and, about it, the second moments ``code_square``, both moved by
    :meth:`update`: where the KL term weighs little, codes of photos are not distributed as N(0, 1) (the aggregated posterior of
    Makhzani et al. 2015).
    """

    people: Tensor
    traits: Tensor
    mean: Tensor
    modes: Tensor
    told: Tensor
    left: Tensor
    code_mean: Tensor
    code_square: Tensor

    def __init__(self, identity: int) -> None:
        super().__init__()
        shape, width = CODES["shape"], max(CODES[name] for name in LOOKS)
        self.register_buffer("people", torch.zeros(identity))
        self.register_buffer("traits", torch.eye(PERSON, identity))
        self.register_buffer("mean", torch.zeros(2 * COUNT))
        self.register_buffer("modes", torch.eye(shape, 2 * COUNT))
        self.register_buffer("told", torch.zeros(shape, identity))
        self.register_buffer("left", torch.eye(shape))
        self.register_buffer("code_mean", torch.zeros(len(LOOKS), width))
        self.register_buffer("code_square", torch.eye(width).repeat(len(LOOKS), 1, 1))

    def fit(self, seen: Moments) -> None:
        """The Gaussians of identities and landmarks, from their moments."""
        means, spread = seen.means, seen.spread
        people, places = slice(0, self.told.shape[1]), slice(self.told.shape[1], None)
        shape, one = len(self.left), torch.eye(len(self.left), dtype=torch.float64)
        modes = _modes(spread[places, places], shape)
        own = spread[people, people]
        own = own + RIDGE * own.diagonal().mean().clamp(min=1e-6) * torch.eye(len(own), dtype=torch.float64)
        across = spread[people, places] @ (modes / modes.square().sum(1, keepdim=True)).T  # of f and c
        told = torch.linalg.solve(own, across).T
        rest = one - told @ across
        lowest = torch.linalg.eigvalsh((rest + rest.T) / 2)[0].clamp(max=0)
        left = torch.linalg.cholesky((rest + rest.T) / 2 + (1e-4 - lowest) * one)
        found = {
            "people": means[people],
            "traits": _modes(spread[people, people], len(self.traits)),
            "mean": means[places],
            "modes": modes,
            "told": told,
            "left": left,
        }
        for name, value in found.items():
            getattr(self, name).copy_(value)

    def update(self, codes: Tensor) -> None:
        """Move the running moments by codes of photos, B × 96, ground, hair, skin and rest in turn."""
        with torch.no_grad(), torch.autocast(codes.device.type, enabled=False):
            pieces = codes.float().unflatten(1, self.code_mean.shape)
            self.code_mean.lerp_(pieces.mean(0), MOMENTUM)
            away = pieces - self.code_mean
            self.code_square.lerp_(torch.einsum("bki,bkj->kij", away, away) / len(codes), MOMENTUM)

    def chance(self) -> Chance:
        """The same for making, as it stands."""
        return Chance(**{name: value.float().cpu().numpy() for name, value in self.named_buffers()})
