"""DSNT's own facts, and the hourglass's shapes."""

from __future__ import annotations

import math

import pytest
import torch

from likeness.nn.dsnt import distance, divergence, expected, gaussian, heat, places
from likeness.nn.hourglass import Bottleneck, Hourglass, LandmarkNet


def test_exact_on_a_one_hot_map() -> None:
    """Nibali et al., section 3.2: the middle of the cell, in [-1, 1]."""
    assert places(4, torch.zeros(1)).tolist() == [-0.75, -0.25, 0.25, 0.75]
    for row in range(5):
        for column in range(8):
            hot = torch.zeros(5, 8)
            hot[row, column] = 1
            assert expected(hot).tolist() == pytest.approx([(2 * column + 1) / 8 - 1, (2 * row + 1) / 5 - 1])


def test_invariant_to_a_constant_and_differentiable() -> None:
    scores = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    maps = heat(scores)
    assert torch.allclose(maps.sum((-2, -1)), torch.ones(2, 3, dtype=torch.float64))
    assert torch.allclose(maps, heat(scores + 7))
    assert torch.autograd.gradcheck(lambda some: expected(heat(some)), (scores,))
    # moving the point to the right asks for more heat at the right of it
    expected(maps)[0, 0, 0].backward()
    assert scores.grad is not None
    assert float(scores.grad[0, 0, :, -1].sum()) > 0 > float(scores.grad[0, 0, :, 0].sum())
    assert not scores.grad[0, 1:].any() and not scores.grad[1].any()


def test_gaussians_and_what_they_cost() -> None:
    points = torch.tensor([[0.1, -0.3], [0.5, 0.5]], dtype=torch.float64)
    maps = gaussian(points, 32, 32, 1.0)
    assert torch.allclose(maps.sum((-2, -1)), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(expected(maps), points, atol=1e-6)
    wide = ((places(32, points) - points[0, 0]) ** 2 * maps[0].sum(0)).sum().sqrt() * 16
    assert float(wide) == pytest.approx(1.0, abs=1e-3)  # σ in cells
    assert float(divergence(maps, maps).abs().max()) == pytest.approx(0, abs=1e-12)
    apart = torch.zeros(2, 4, 4)
    apart[0, 0, 0] = apart[1, 3, 3] = 1
    assert float(divergence(apart[0], apart[1])) == pytest.approx(math.log(2), abs=1e-6)
    assert distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist() == pytest.approx([5])
    still = torch.zeros(1, 2, requires_grad=True)
    distance(still, torch.zeros(1, 2)).sum().backward()
    assert still.grad is not None and still.grad.isfinite().all()


@torch.no_grad()
def test_the_hourglass() -> None:
    features = torch.rand(2, 8, 32, 32)
    assert Hourglass(8)(features).shape == features.shape
    assert Bottleneck(8, 12)(features).shape == (2, 12, 32, 32)
    network = LandmarkNet()
    assert network(torch.rand(1, 3, 128, 128)).shape == (1, 68, 32, 32)
    assert sum(weight.numel() for weight in network.parameters()) * 2 <= 8e6


def test_it_can_learn_places() -> None:
    """A square somewhere in noise: after some steps the net points at its middle, on squares it has not seen."""
    torch.manual_seed(0)
    chance = torch.Generator().manual_seed(1)
    network = LandmarkNet(1, 16, 2)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)

    def some(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        pictures = torch.rand(count, 3, 32, 32, generator=chance) * 0.5 - 1
        corners = torch.randint(0, 26, (count, 2), generator=chance)
        for picture, (x, y) in zip(pictures, corners.tolist(), strict=True):
            picture[:, y : y + 6, x : x + 6] = 1
        return pictures, ((corners + 3) / 16 - 1)[:, None]

    for _ in range(60):
        pictures, true = some(16)
        maps = heat(network(pictures))
        loss = distance(expected(maps), true).mean() + divergence(maps, gaussian(true, 8, 8, 1.0)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    pictures, true = some(64)
    with torch.no_grad():
        assert float(distance(expected(heat(network(pictures))), true).mean()) < 0.1  # 1.6 pixels
