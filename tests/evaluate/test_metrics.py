"""Metrics against closed forms and second implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from likeness.errors import LikenessError
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.pixels import psnr, ssim
from likeness.faces.drawing import draw
from likeness.image import to_tensor


def faces(count: int = 3) -> np.ndarray:
    return np.stack([draw(i, 64)[0] for i in range(count)])


def noisy(images: np.ndarray, amount: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, amount, images.shape)
    return np.clip(images + noise, 0, 255).round().astype(np.uint8)


def test_psnr_closed_form() -> None:
    """A constant error of d levels gives 20·log10(255 / d)."""
    grey = np.full((2, 32, 32, 3), 100, np.uint8)
    for level in (1, 10, 51):
        value = psnr(to_tensor(grey), to_tensor(grey + np.uint8(level)))
        np.testing.assert_allclose(value.numpy(), 20 * np.log10(255 / level), rtol=1e-5)
    assert psnr(to_tensor(grey), to_tensor(grey)).isinf().all()


def test_psnr_and_ssim_agree_with_scikit_image() -> None:
    real, fake = faces(), noisy(faces(), 20)
    ours = psnr(to_tensor(real), to_tensor(fake)).numpy()
    theirs = [peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(real, fake, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    ours = ssim(to_tensor(real), to_tensor(fake)).numpy()
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": 2}
    theirs = [structural_similarity(a, b, **options) for a, b in zip(real, fake, strict=True)]
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_properties(metric) -> None:  # type: ignore[no-untyped-def]
    """Symmetric, worse under growing noise, and the same however pictures are batched."""
    real = to_tensor(faces())
    values = [metric(real, to_tensor(noisy(faces(), amount))) for amount in (2, 10, 40)]
    assert (values[0] > values[1]).all() and (values[1] > values[2]).all()
    other = to_tensor(noisy(faces(), 10))
    torch.testing.assert_close(metric(real, other), metric(other, real))
    alone = torch.cat([metric(a[None], b[None]) for a, b in zip(real, other, strict=True)])
    torch.testing.assert_close(metric(real, other), alone)
    assert metric(real[:1], other[:1]).shape == (1,)


def test_ssim_of_equal_pictures() -> None:
    torch.testing.assert_close(ssim(to_tensor(faces()), to_tensor(faces())), torch.ones(3), atol=1e-3, rtol=0)


def test_eight_bits() -> None:
    """What a file cannot hold is not measured: a fifth of a level's error is none."""
    real = to_tensor(faces())
    assert psnr(real, real + 0.2 / 127.5).isinf().all()


def made(mean: float, scales: list[float], count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, len(scales))) * scales + mean


def test_frechet_closed_form() -> None:
    """Between diagonal Gaussians: Σ (μ₁ − μ₂)² + (σ₁ − σ₂)²."""
    one, other = made(0, [1, 2, 3], 200_000, 0), made(1, [2, 2, 1], 200_000, 1)
    assert frechet_distance(one, other) == pytest.approx(3 + 1 + 0 + 4, rel=0.02)


def test_frechet_against_scipy() -> None:
    chance = np.random.default_rng(0)
    one, other = chance.normal(size=(300, 8)) @ chance.normal(size=(8, 8)), chance.normal(size=(250, 8)) + 0.3
    c1, c2 = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    shift = one.mean(0) - other.mean(0)
    expected = shift @ shift + np.trace(c1 + c2 - 2 * np.real(sqrtm(c1 @ c2)))
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(other, one) == pytest.approx(expected, rel=1e-8)


def test_frechet_properties() -> None:
    """0 for the same set in any order, larger under growing noise, never negative when features outnumber samples."""
    one = made(0, [1.0] * 5, 400, 0)
    assert frechet_distance(one, one[::-1]) < 1e-9
    noise = made(0, [1.0] * 5, 400, 1)
    values = [frechet_distance(one, one + amount * noise) for amount in (0.5, 1.0, 2.0)]
    assert values == sorted(values)
    assert values[0] > 0
    few = made(0, [1.0] * 50, 10, 2)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    with pytest.raises(LikenessError, match="at least 2 features"):
        frechet_distance(one[:1], one)
