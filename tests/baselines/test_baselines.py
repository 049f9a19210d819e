"""The methods that the parts paper compares with: their equations against closed forms, and every one trained a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import baselines, systems
from likeness.baselines.context_encoder import ChannelwiseLinear
from likeness.baselines.contextual_attention import TwoStage, attend, discounted, gradient_penalty
from likeness.baselines.frame import budgeted
from likeness.baselines.patchmatch import PatchMatch
from likeness.baselines.pluralistic import DualPipeline, divergence
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.drawing import drawn_faces
from likeness.recipe import Phase, freeze, override
from likeness.systems.parts.synthesis import PartsSynthesizer
from likeness.train.loop import check_players, train

NAMES = sorted(baselines.PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_is_trained_and_used_like_a_system(name: str, tmp_path: Path) -> None:
    recipe = baselines.recipe(f"{name}:tiny")
    assert set(baselines.row(name).recipes()) == {"tiny", "lite", "paper"}
    system = baselines.row(name).build(recipe)
    check_players(system)
    framing = recipe.framing  # type: ignore[attr-defined]
    faces = drawn_faces(12, framing)
    before = {key: value.detach().clone() for key, value in system.named_parameters()}
    train(system, name, FaceStore.of(faces, framing, "drawn"), tmp_path / "run", steps=3)
    after = dict(system.named_parameters())
    for player, owned in system.players.items():
        mine = [key for key in after if key.split(".")[0] in owned]
        moved = [key for key in mine if not torch.equal(after[key], before[key])]
        assert moved, f"{player} never moved"
    made = baselines.load(tmp_path / "run")
    assert isinstance(made, PartsSynthesizer)
    assert made.card.recipe == freeze(recipe)
    size = framing.size
    colours, cover = (
        np.random.default_rng(0).random((2, 3, size, size), np.float32) * 2 - 1,
        np.ones((2, 1, size, size), np.float32),
    )
    one, again = made.complete(colours, cover), made.complete(colours, cover)
    assert one.shape == colours.shape and np.array_equal(one, again)  # no chance is hidden in it
    assert np.abs(one).max() <= 1
    with pytest.raises(LikenessError, match="not a system"):
        systems.load(tmp_path / "run")


def test_names() -> None:
    assert isinstance(baselines.load("parts"), systems.row("parts").synthesizer_class())
    with pytest.raises(LikenessError, match="neither a system nor a baseline"):
        baselines.row("pix3pix")
    with pytest.raises(LikenessError, match="pix2pix:lite"):
        baselines.recipe("pix2pix:large")
    with pytest.raises(LikenessError, match=r"framing\.size"):
        override(baselines.recipe("pix2pix:lite"), ["framing.size=96"])


def test_a_budget_is_exact() -> None:
    for name in NAMES:
        recipe = baselines.recipe(f"{name}:lite")
        assert budgeted(recipe, 120).training.phases == (Phase(120, ("D", "G")),)  # type: ignore[type-var]
        assert budgeted(recipe, 120).training.batch == recipe.training.batch  # type: ignore[type-var]


def test_channelwise_linear_keeps_channels_apart() -> None:
    layer = ChannelwiseLinear(3, 4)
    with torch.no_grad():
        layer.across.weight.copy_(torch.eye(3)[..., None, None])
        layer.across.bias.zero_()
    features = torch.rand(2, 3, 4, 4)
    expected = torch.stack([features[:, c].flatten(1) @ layer.weight[c] for c in range(3)], 1).reshape(2, 3, 4, 4)
    torch.testing.assert_close(layer(features), expected)


def test_attention_borrows_only_what_is_known() -> None:
    """The known half holds one colour, so whatever is borrowed has it."""
    features = torch.rand(1, 2, 16, 16)
    known = torch.zeros(1, 1, 16, 16)
    known[..., :8] = 1
    features[..., :12] = 0.25  # patches that touch the known half see nothing else
    borrowed = attend(features, known)
    torch.testing.assert_close(borrowed, torch.full((1, 2, 16, 16), 0.25), atol=1e-6, rtol=0)


def test_attention_of_a_sharp_match_is_the_match() -> None:
    """Where all is known and attention is sharp, every patch finds itself."""
    features = torch.rand(1, 8, 16, 16)
    borrowed = attend(features, torch.ones(1, 1, 16, 16), sharpness=1e4)
    torch.testing.assert_close(borrowed, features)


def test_attention_where_nothing_is_known_is_finite() -> None:
    assert attend(torch.rand(2, 4, 8, 8), torch.zeros(2, 1, 8, 8)).isfinite().all()


def test_discounted_weights() -> None:
    known = torch.zeros(1, 1, 9, 9)
    known[..., 4, 4] = 1
    weight = discounted(known, 0.5)
    y, x = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    distance = torch.maximum((y - 4).abs(), (x - 4).abs())
    torch.testing.assert_close(weight[0, 0], 0.5**distance)


def test_gradient_penalty_of_a_linear_critic() -> None:
    """D(x) = ⟨w, x⟩ has slope w everywhere: the penalty is (‖w ⊙ hole‖ − 1)², of the colours' w."""
    weights = torch.randn(1, 4, 8, 8)

    class Linear(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return (pictures * weights).flatten(1).sum(1, keepdim=True)

    hole = (torch.rand(1, 1, 8, 8) > 0.5).float()
    real, made = torch.rand(3, 4, 8, 8), torch.rand(3, 4, 8, 8)
    found = gradient_penalty(Linear(), real, made, hole, torch.rand(3, 1, 1, 1))
    torch.testing.assert_close(found, ((weights[:, :3] * hole).norm() - 1).square())


def test_divergence_closed_form() -> None:
    """Against torch's own KL of normals; 0 of equal ones."""
    m, n = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    s, t = torch.rand(2, 3, 4, 4) + 0.1, torch.rand(2, 3, 4, 4) + 0.1
    expected = torch.distributions.kl_divergence(torch.distributions.Normal(m, s), torch.distributions.Normal(n, t)).mean()
    torch.testing.assert_close(divergence((m, s), (n, t)), expected)
    assert float(divergence((m, s), (m, s))) == pytest.approx(0, abs=1e-6)


def test_pluralistic_results_are_plural() -> None:
    torch.manual_seed(0)
    network = DualPipeline(32, 8).eval()
    canvas = torch.rand(2, 4, 32, 32) * 2 - 1
    noises = [torch.randn(2, network.latent, network.side, network.side) for _ in range(2)]
    one, other = (network(canvas, noise) for noise in noises)
    assert (one - other).abs().mean() > 1e-4
    torch.testing.assert_close(network(canvas, torch.zeros_like(noises[0])), network(canvas))


def test_two_stages_have_the_pictures_size() -> None:
    coarse, refined = TwoStage(4).stages(torch.rand(1, 4, 64, 64) * 2 - 1)
    assert coarse.shape == refined.shape == (1, 3, 64, 64)
    assert refined.abs().max() <= 1


def test_patchmatch_keeps_what_is_known_and_invents_nothing() -> None:
    """Parts of two colours: they stay, and the rest is a mixture of just those."""
    colours, cover = torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    cover[:, :, 20:30, 10:54] = 1
    colours[0, :, 20:30, 10:30] = torch.tensor([0.5, -0.5, 0.25])[:, None, None]
    colours[0, :, 20:30, 30:54] = torch.tensor([-0.25, 0.75, 0.0])[:, None, None]
    colours[1, :, 20:30, 10:54] = 0.3
    filled = PatchMatch().paint(colours, cover)
    where = cover.expand_as(colours) > 0
    assert torch.equal(filled[where], colours[where])
    low, high = colours[0, :, 20:30, 10:54].amin((1, 2)), colours[0, :, 20:30, 10:54].amax((1, 2))
    assert (filled[0] >= low[:, None, None] - 1e-5).all() and (filled[0] <= high[:, None, None] + 1e-5).all()
    torch.testing.assert_close(filled[1], torch.full((3, 64, 64), 0.3))
    assert torch.equal(filled, PatchMatch().paint(colours, cover))


def test_patchmatch_continues_a_texture() -> None:
    """Stripes with a hole: the filled hole has stripes again, nearer to the truth than a flat mean."""
    x = torch.arange(64)
    stripes = torch.where(x % 8 < 4, 1.0, -1.0).expand(1, 3, 64, 64).clone()
    cover = torch.ones(1, 1, 64, 64)
    cover[..., 24:40, 24:40] = 0
    filled = PatchMatch().paint(stripes * cover, cover)
    hole = filled[..., 24:40, 24:40]
    error = (hole - stripes[..., 24:40, 24:40]).square().mean()
    assert float(error) < 0.5  # of a flat mean it would be 1
    assert np.isfinite(filled.numpy()).all()
