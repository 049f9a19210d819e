"""What noise becomes where no condition tells: Gaussians of landmarks, given an identity or not, and of codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from likeness.faces.landmarks import MIRROR
from likeness.systems.joint.prior import Moments, Prior
from likeness.systems.joint.recipes import CODES, LOOKS, PERSON

IDENTITY, SIZE, FACES = 6, 64, 4000
SHAPE = CODES["shape"]


@pytest.fixture(scope="module")
def faces() -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks that an identity tells in part, and the identities."""
    chance = torch.Generator().manual_seed(0)
    identity = torch.randn(FACES, IDENTITY, generator=chance)
    told, free = torch.randn(IDENTITY, 136, generator=chance), torch.randn(40, 136, generator=chance)
    points = identity @ told + torch.randn(FACES, 40, generator=chance) @ free
    return (SIZE / 2 + points).unflatten(1, (68, 2)), identity


@pytest.fixture(scope="module")
def prior(faces: tuple[torch.Tensor, torch.Tensor]) -> Prior:
    made, seen = Prior(IDENTITY), Moments(IDENTITY, SIZE)
    for some, who in zip(faces[0].split(700), faces[1].split(700), strict=True):
        seen.add(some, who)
    made.fit(seen)
    return made


def test_landmarks_of_noise_are_distributed_as_those_that_were_seen(
    prior: Prior, faces: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Their mean is that of faces and mirrored faces, their covariance that of as many principal components as there is noise."""
    points = (2 * faces[0].double() + 1) / SIZE - 1
    turned = points[:, list(MIRROR)] * points.new_tensor([-1.0, 1.0])
    both = torch.cat([points, turned]).flatten(1)
    values, axes = torch.linalg.eigh(torch.cov(both.T, correction=0))
    kept = (axes[:, -SHAPE:] * values[-SHAPE:]) @ axes[:, -SHAPE:].T
    assert torch.allclose(prior.mean.double(), both.mean(0), atol=1e-5)
    assert torch.allclose((prior.modes.T @ prior.modes).double(), kept, atol=1e-4)
    pixels = prior.chance().landmarks(np.zeros(SHAPE, np.float32), SIZE)
    assert np.allclose(pixels, ((both.mean(0).numpy() + 1) * SIZE - 1).reshape(68, 2) / 2, atol=1e-3)


def test_an_identity_tells_what_regression_says(prior: Prior, faces: tuple[torch.Tensor, torch.Tensor]) -> None:
    """``told`` are the coefficients of least squares, and told and left together have the variance of noise."""
    points = (2 * faces[0].double() + 1) / SIZE - 1
    turned = points[:, list(MIRROR)] * points.new_tensor([-1.0, 1.0])
    both = torch.cat([points, turned]).flatten(1)
    modes = prior.modes.double()
    numbers = (both - both.mean(0)) @ modes.T / modes.square().sum(1)
    people = faces[1].double().repeat(2, 1)
    people = people - people.mean(0)
    least = torch.linalg.lstsq(people, numbers).solution.T
    assert torch.allclose(prior.told.double(), least, atol=2e-3)
    told = prior.told.double() @ torch.cov(people.T, correction=0) @ prior.told.double().T
    left = prior.left.double() @ prior.left.double().T
    assert torch.allclose(told + left, torch.eye(SHAPE, dtype=torch.float64), atol=5e-3)
    assert left.diagonal().min() < 0.8  # something is told


def test_a_persons_landmarks_lie_about_what_is_told(prior: Prior) -> None:
    chance, who = prior.chance(), np.arange(IDENTITY, dtype=np.float32)
    quiet = chance.landmarks(np.zeros(SHAPE, np.float32), SIZE, who)
    by_hand = prior.mean.numpy() + (prior.told.numpy() @ who) @ prior.modes.numpy()
    assert np.allclose(quiet, ((by_hand + 1) * SIZE - 1).reshape(68, 2) / 2, atol=1e-3)
    assert not np.allclose(quiet, chance.landmarks(np.zeros(SHAPE, np.float32), SIZE))
    assert not np.allclose(quiet, chance.landmarks(np.ones(SHAPE, np.float32), SIZE, who))


def test_people_are_distributed_as_those_that_were_seen(prior: Prior, faces: tuple[torch.Tensor, torch.Tensor]) -> None:
    """All of a short identity's components are kept; what is made has unit variance."""
    assert torch.allclose(prior.people, faces[1].mean(0), atol=1e-5)
    assert torch.allclose(prior.traits.T @ prior.traits, torch.cov(faces[1].T, correction=0), atol=1e-4)
    made = prior.chance().person(np.random.default_rng(1).standard_normal(PERSON).astype(np.float32))
    assert made.shape == (IDENTITY,) and np.square(made).mean() == pytest.approx(1, abs=1e-5)


def test_codes_of_noise_are_distributed_as_those_that_were_seen() -> None:
    """Moments move to those of the codes, each look's by itself, and noise is given them."""
    width, rng = CODES[LOOKS[0]], np.random.default_rng(0)
    mixing, mean = rng.standard_normal((len(LOOKS), width, width)) / 4, rng.standard_normal((len(LOOKS), width))
    prior = Prior(IDENTITY)
    for _ in range(900):
        codes = mean + np.einsum("kij,bkj->bki", mixing, rng.standard_normal((64, len(LOOKS), width)))
        prior.update(torch.from_numpy(codes.reshape(64, -1)))
    chance = prior.chance()
    noise = rng.standard_normal((8000, len(LOOKS) * width)).astype(np.float32)
    made = np.stack([chance.look(one) for one in noise]).reshape(-1, len(LOOKS), width)
    assert np.abs(made.mean(0) - mean).max() < 0.1
    for number in range(len(LOOKS)):
        assert np.abs(np.cov(made[:, number].T) - mixing[number] @ mixing[number].T).max() < 0.25


def test_a_code_is_changed_by_its_own_noise_alone() -> None:
    chance, noise = Prior(IDENTITY).chance(), np.zeros(96, np.float32)
    other = noise.copy()
    start = CODES["ground"]
    other[start : start + CODES["hair"]] = 1
    changed = np.flatnonzero(chance.look(noise) != chance.look(other))
    assert changed.min() == start and changed.max() == start + CODES["hair"] - 1
