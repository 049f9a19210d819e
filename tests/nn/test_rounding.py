"""Networks that learn with 8-bit numbers: the roundings of the graphs, gradients that pass, and nothing of it in evaluation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from likeness.export import calibration
from likeness.nn.residual import ResidualBlock
from likeness.nn.rounding import round_inside, rounded, rounded_weight


def network(seed: int = 0) -> nn.Sequential:
    """Two convolutions at the ends, a block, one with a bias and one without between them."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        ResidualBlock(8),
        nn.Conv2d(8, 16, 1),
        nn.Conv2d(16, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 3, 3, padding=1),
    )


BEYOND = 1 - calibration.LEARNED / 100
"""The share of numbers that is clipped."""


def test_rounds_as_graphs_do() -> None:
    """Of a tensor without far values the range is all of it, and every number is what calibration makes of it."""
    values = torch.linspace(-1, 4.1, 777).reshape(1, 3, 7, 37)
    known = calibration.Range(-1.0, 4.1).rounded(values.numpy())
    assert rounded(values).numpy() == pytest.approx(known, abs=1e-6)
    assert rounded(values.to(memory_format=torch.channels_last)).numpy() == pytest.approx(known, abs=1e-6)
    assert rounded(torch.zeros(2, 3, 4, 4)).abs().max() == 0
    positive = torch.rand(1, 2, 30, 30)
    assert float(rounded(positive).min()) == 0 and len(rounded(positive).unique()) <= 256
    weight = torch.randn(5, 4, 3, 3)
    assert rounded_weight(weight).numpy() == pytest.approx(calibration.rounded_weight(weight.numpy()), abs=1e-6)


def test_few_far_values_are_clipped() -> None:
    values = torch.rand(1, 4, 200, 200)
    few = round(BEYOND * values.numel() / 4)
    values.view(-1)[1 :: values.numel() // few][:few] = 1000.0
    assert float(values.max()) == 1000 and float(rounded(values).max()) < 1.01
    assert float((rounded(values) - values).abs()[values < 2].max()) < 0.01


def test_gradients_pass() -> None:
    """As if nothing were rounded, but for what is clipped."""
    values = torch.rand(1, 4, 200, 200)
    values[0, 0, 0, 0] = 50.0
    values.requires_grad_()
    rounded(values).sum().backward()
    assert values.grad is not None
    expected = torch.ones_like(values)
    expected[0, 0, 0, 0] = 0
    assert (values.grad != expected).float().mean() < 2 * BEYOND
    assert values.grad[0, 0, 0, 0] == 0


def test_only_training_rounds() -> None:
    """The state keeps its names, in evaluation nothing differs, in training a little does; the ends are as they were."""
    plain, rounds = network(), network()
    round_inside(rounds)
    assert list(plain.state_dict()) == list(rounds.state_dict())
    kinds = [type(one).__name__ for one in rounds.modules() if isinstance(one, nn.Conv2d)]
    assert kinds == ["Conv2d", "WeightRoundedConv2d", *["RoundedConv2d"] * 3, "Conv2d"]
    picture = torch.randn(4, 3, 16, 16)
    assert torch.equal(plain.eval()(picture), rounds.eval()(picture))
    one, other = plain.train()(picture), rounds.train()(picture)
    apart = float((one - other).detach().square().mean() / one.detach().square().mean())
    assert 1e-6 < apart < 0.01
    other.square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in rounds.parameters() if value.ndim == 4)
