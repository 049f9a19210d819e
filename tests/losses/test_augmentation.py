"""Differentiable augmentation: pure in the generator, closed forms, gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from likeness.losses import adversarial
from likeness.losses.augmentation import augment, brightness, contrast, shift
from likeness.nn.patchgan import PatchGAN
from likeness.nn.projected import ProjectedDiscriminator


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures() -> Tensor:
    return torch.rand(6, 3, 16, 16, generator=chance(9)) * 2 - 1


@pytest.mark.parametrize("function", [brightness, contrast, shift, augment])
def test_pure_and_differentiable(function: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    """The same generator, the same pictures; another, others; torch's own generator and the input are left alone."""
    before, given = torch.get_rng_state(), pictures()
    one, same, other = function(given, chance(1)), function(given, chance(1)), function(given, chance(2))
    assert torch.equal(one, same) and not torch.equal(one, other) and torch.equal(given, pictures())
    assert torch.equal(torch.get_rng_state(), before)
    given.requires_grad_()
    slope = torch.randn(given.shape, generator=chance(3))
    (function(given, chance(1)) * slope).sum().backward()
    assert given.grad is not None and given.grad.isfinite().all() and given.grad.abs().sum() > 0


def test_brightness_adds_a_number() -> None:
    added = brightness(pictures(), chance()) - pictures()
    torch.testing.assert_close(added, added[:, :1, :1, :1].expand_as(added), atol=1e-6, rtol=0)
    assert (added.abs() <= 0.5 + 1e-6).all() and added[:, 0, 0, 0].unique().numel() == 6


def test_contrast_scales_about_the_mean() -> None:
    given, made = pictures(), contrast(pictures(), chance())
    mean = given.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(made.mean((1, 2, 3), keepdim=True), mean, atol=1e-5, rtol=0)
    gains = (made.std((1, 2, 3)) / given.std((1, 2, 3)))[:, None, None, None]
    assert ((gains >= 0.5) & (gains <= 1.5)).all()
    torch.testing.assert_close(made, (given - mean) * gains + mean, atol=1e-5, rtol=1e-4)


def test_shift_moves_by_whole_pixels_over_grey() -> None:
    """Up to an eighth of the side both ways; what stays is the picture's own, what comes in is 0."""
    given, found = pictures(), set()
    for seed in range(20):
        for before, after in zip(given, shift(given, chance(seed)), strict=True):
            places = [
                (y, x)
                for y in range(-2, 3)
                for x in range(-2, 3)
                if torch.equal(
                    after[:, max(-y, 0) : 16 - max(y, 0), max(-x, 0) : 16 - max(x, 0)],
                    before[:, max(y, 0) : 16 + min(y, 0), max(x, 0) : 16 + min(x, 0)],
                )
            ]
            assert len(places) == 1
            (y, x) = places[0]
            found.add((y, x))
            assert int((after != 0).all(0).sum()) == (16 - abs(y)) * (16 - abs(x))
    assert {y for y, _ in found} == {x for _, x in found} == {-2, -1, 0, 1, 2}


def test_hinge() -> None:
    """Undecided heads cost 2; sure ones nothing; G pays −D(x̃); the mean over heads, however large each is."""
    zero = [torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 1, 1)]
    assert adversarial.hinge_discriminator_loss(zero, zero).item() == 2
    assert adversarial.hinge_discriminator_loss([one + 1 for one in zero], [one - 1 for one in zero]).item() == 0
    real, fake = [torch.tensor([0.5, 3.0]), torch.tensor([-1.0])], [torch.tensor([-3.0, 0.0]), torch.tensor([2.0])]
    assert adversarial.hinge_discriminator_loss(real, fake).item() == pytest.approx(((0.25 + 0.5) + (2 + 3)) / 2)
    assert adversarial.hinge_generator_loss(fake).item() == pytest.approx(-(-1.5 + 2) / 2)
    assert adversarial.discriminator_loss(real, fake).item() == adversarial.hinge_discriminator_loss(real, fake).item()
    assert adversarial.generator_loss(fake).item() == adversarial.hinge_generator_loss(fake).item()


def test_who_sees_what() -> None:
    """A conditional discriminator is shown what is given; a projected one the augmented picture alone."""
    torch.manual_seed(0)
    photo, given = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 4, 64, 64)
    patch, projected = PatchGAN(7, 4, 1, "none"), ProjectedDiscriminator((4, 4, 4, 4), 4).eval()
    assert torch.equal(adversarial.judgement(patch, photo, chance(), given), patch(torch.cat([given, photo], 1)))  # type: ignore[arg-type]
    said = adversarial.judgement(projected, photo, chance(5), given)
    for one, other in zip(said, projected(augment(photo, chance(5))), strict=True):
        assert torch.equal(one, other)
