"""ISEGAN's networks against the paper's words, and its equations against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from likeness.nn.patchgan import PatchGAN
from likeness.systems.isegan.networks import DIPGenerator, Encoder, SEGenerator, widths
from likeness.systems.isegan.objective import (
    compositional,
    critic_loss,
    dual_adversarial,
    dual_critic_loss,
    parsing_matching,
    perceptual,
    stage_two_adversarial,
)


@torch.no_grad()
def test_generators() -> None:
    """Eight blocks each way, 64-128-256-512×5; P_int is a distribution over classes; both encoders are read."""
    assert widths(64) == [64, 128, 256, 512, 512, 512, 512, 512]
    found = Encoder(3, widths(8))(torch.rand(1, 3, 256, 256))
    assert [one.shape[1:] for one in found] == [(8 * min(2**i, 8), 128 >> i, 128 >> i) for i in range(8)]
    torch.manual_seed(0)
    first, second = DIPGenerator(wide=widths(4)).eval(), SEGenerator(wide=widths(4)).eval()
    sketch, parsing = torch.rand(2, 3, 256, 256) * 2 - 1, torch.rand(2, 8, 256, 256)
    middle, photo = first(sketch, parsing)
    assert middle.shape == (2, 8, 256, 256) and torch.allclose(middle.sum(1), torch.ones(2, 256, 256), atol=1e-5)
    assert photo.shape == (2, 3, 256, 256) and photo.abs().max() <= 1
    assert second(sketch, photo, parsing, middle).shape == (2, 3, 256, 256)
    assert not torch.equal(first(-sketch, parsing)[1], photo) and not torch.equal(first(sketch, 1 - parsing)[1], photo)
    for changed in ((-sketch, photo, parsing, middle), (sketch, -photo, parsing, middle), (sketch, photo, 1 - parsing, middle)):
        assert not torch.equal(second(*changed), second(sketch, photo, parsing, middle))


def test_critics_see_patches_of_70_and_16() -> None:
    """How many pixels of the picture one logit depends on."""
    for layers, side in ((3, 70), (1, 16)):
        critic = PatchGAN(14, 4, layers, "none").double()
        picture = torch.rand(1, 14, 128, 128, dtype=torch.float64, requires_grad=True)
        logits = critic(picture)
        logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
        assert picture.grad is not None
        touched = (picture.grad[0].abs().sum(0) > 0).any(0)
        assert int(touched.sum()) == side


def test_adversarial_terms() -> None:
    """(1), (2): undecided critics cost 2 ln 2, weighted or not; the weights are α and 1 − α."""
    none = torch.zeros(3)
    assert float(dual_critic_loss((none, none), (none, none), 0.3)) == pytest.approx(2 * math.log(2))
    assert float(dual_adversarial(none, none, 0.3)) == pytest.approx(math.log(2))
    sure = torch.full((3,), 50.0)  # certain of its fakes, and wrong: costs G nothing
    assert float(dual_adversarial(sure, none, 0.3)) == pytest.approx(0.7 * math.log(2))
    assert float(dual_critic_loss((sure, -sure), (none, none), 0.3)) == pytest.approx(0.7 * 2 * math.log(2))
    assert float(critic_loss(none, none)) == pytest.approx(2 * math.log(2))
    assert float(stage_two_adversarial(none)) == pytest.approx(math.log(2))


def test_parsing_matching() -> None:
    """(3): the paper's norms, all over √(hw), so that β weighs the whole against the classes as printed."""
    photo, made = torch.rand(2, 8, 16, 16), torch.rand(2, 8, 16, 16)
    for beta in (0.0, 0.3, 1.0):
        printed = [
            beta * torch.linalg.vector_norm(p - q) + (1 - beta) * sum(torch.linalg.vector_norm(p[c] - q[c]) for c in range(8))
            for p, q in zip(photo, made, strict=True)
        ]
        expected = torch.stack(printed).mean() / 16
        assert float(parsing_matching(photo, made, beta)) == pytest.approx(float(expected), rel=1e-5)
    one = torch.zeros(2, 8, 16, 16)
    one[:, 3] = 0.5  # one class off by d: both terms are d, whatever β
    assert float(parsing_matching(torch.zeros_like(one), one, 0.3)) == pytest.approx(0.5, abs=1e-3)


def test_compositional() -> None:
    """(4): an error costs as much in a small region as in a large one, nothing in an empty one; areas get no gradient."""
    photo = torch.zeros(1, 3, 10, 10)
    regions = torch.zeros(1, 8, 10, 10)
    regions[:, 0], regions[:, 1, :2, :2] = 1, 1
    regions[:, 0, :2, :2] = 0
    made = photo.clone()
    made[..., :2, :2] = 0.4  # only in the small region: 4 of 100 pixels
    regions.requires_grad_()
    made.requires_grad_()
    cost = compositional(photo, made, regions, 0.7)
    assert float(cost.detach()) == pytest.approx(0.7 * 0.4 * 4 / 100 + 0.3 * 0.4)
    cost.backward()
    assert regions.grad is None and made.grad is not None and torch.isfinite(made.grad).all()
    assert float(compositional(photo, photo + 0.5, regions, 0.0)) == pytest.approx(0.5 + 0.5)  # each region once, six are empty


def test_perceptual() -> None:
    maps = [torch.zeros(2, 4, 8, 8), torch.zeros(2, 8, 4, 4)]
    assert float(perceptual(maps, [maps[0] + 3, maps[1] - 1])) == pytest.approx(4, abs=1e-3)
