"""Losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from likeness.losses import adversarial, perceptual, pixel
from likeness.nn.efficientnet import efficientnet_features


def test_adversarial_is_binary_cross_entropy() -> None:
    real, fake = torch.tensor([0.3, -2.0]), torch.tensor([1.2, 0.0])
    expected = -torch.log(torch.sigmoid(real)).mean() - torch.log(1 - torch.sigmoid(fake)).mean()
    torch.testing.assert_close(adversarial.discriminator_loss(real, fake), expected)
    torch.testing.assert_close(adversarial.generator_loss(fake), -torch.log(torch.sigmoid(fake)).mean())
    # an undecided D: log 4 and log 2, the values at the game's equilibrium
    zero = torch.zeros(3)
    assert abs(adversarial.discriminator_loss(zero, zero).item() - math.log(4)) < 1e-6
    assert abs(adversarial.generator_loss(zero).item() - math.log(2)) < 1e-6


def test_adversarial_is_finite_and_slopes_at_extremes() -> None:
    sure = torch.tensor([-1e4], requires_grad=True)
    loss = adversarial.generator_loss(sure)
    loss.backward()
    assert torch.isfinite(loss)
    assert sure.grad is not None
    assert sure.grad.item() == -1.0  # non-saturating: the surer D, the steeper


def test_root_mean_square_is_the_norm() -> None:
    x, y = torch.rand(3, 3, 4, 5), torch.rand(3, 3, 4, 5)
    expected = torch.stack([torch.linalg.vector_norm(a - b) for a, b in zip(x, y, strict=True)]).mean() / math.sqrt(60)
    torch.testing.assert_close(pixel.root_mean_square(x, y), expected)
    assert pixel.root_mean_square(x, x).item() < 1.1e-4
    still = x.clone().requires_grad_()
    pixel.root_mean_square(still, x).backward()
    assert still.grad is not None
    assert torch.isfinite(still.grad).all()


def test_total_variation_of_a_ramp() -> None:
    ramp = torch.arange(6.0).expand(1, 3, 4, 6)
    assert pixel.total_variation(ramp).item() == 1.0
    assert pixel.total_variation(torch.full((1, 3, 4, 4), 0.3)).item() == 0.0


def test_feature_distance() -> None:
    """Means over each map, summed over the maps: neither size nor channels weigh."""
    one = [torch.zeros(2, 4, 8, 8), torch.zeros(2, 16, 2, 2)]
    other = [torch.full((2, 4, 8, 8), 0.5), torch.full((2, 16, 2, 2), -2.0)]
    assert perceptual.feature_distance(one, other).item() == 2.5
    assert perceptual.feature_distance(one, one).item() == 0


def test_the_judge_of_validation(judge: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """EfficientNet-Lite0's distance over at most 64 faces: 0 for equal ones, larger for blurred ones than for moved colour."""
    photos = torch.rand(70, 3, 32, 32) * 2 - 1
    assert perceptual.judged_distance(photos, photos) == {"lite0": 0.0}
    features = efficientnet_features("lite0")
    made = photos.flip(2)
    expected = perceptual.feature_distance(features(photos[::2]), features(made[::2])).item()
    assert perceptual.judged_distance(photos, made)["lite0"] == pytest.approx(expected, rel=1e-4)
    blurred = torch.nn.functional.avg_pool2d(photos, 3, 1, 1)
    assert perceptual.judged_distance(photos, blurred)["lite0"] > perceptual.judged_distance(photos, photos + 0.1)["lite0"] > 0
    perceptual._judge.cache_clear()
    monkeypatch.setattr("likeness.nn.efficientnet.find_spec", lambda name: None)
    assert perceptual.judged_distance(photos, made) == {}
    perceptual._judge.cache_clear()


def test_gram_and_style() -> None:
    features = torch.rand(2, 3, 4, 5)
    expected = torch.einsum("bchw,bdhw->bcd", features, features) / (3 * 20)
    torch.testing.assert_close(perceptual.gram(features), expected)
    shuffled = features.flatten(2)[..., torch.randperm(20)].view_as(features)
    assert perceptual.style_distance([features], [shuffled]).item() < 1e-12  # style forgets places
    torch.testing.assert_close(perceptual.style_distance([features], [2 * features]), (3 * expected).square().mean())


def test_same_crop() -> None:
    x = torch.arange(2 * 3 * 16 * 16.0).view(2, 3, 16, 16)
    a, b = perceptual.same_crop([x, x + 0.5], 6, torch.Generator().manual_seed(0))
    assert a.shape == (2, 3, 6, 6)
    torch.testing.assert_close(b - a, torch.full_like(a, 0.5))
    again, _ = perceptual.same_crop([x, x], 6, torch.Generator().manual_seed(0))
    torch.testing.assert_close(a, again)
    whole, _ = perceptual.same_crop([x, x], 16, torch.Generator())
    assert whole is x
