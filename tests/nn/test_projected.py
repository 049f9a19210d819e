"""The projected discriminator: what is fixed, what is drawn from the seed, what learns."""

from __future__ import annotations

import torch

from likeness.nn.efficientnet import TAPS, open_efficientnet
from likeness.nn.projected import ProjectedDiscriminator


def pictures(count: int = 2, side: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_four_heads() -> None:
    """Maps at 1/4 … 1/32 of the widths asked for; every head ends at 1/32."""
    torch.manual_seed(0)
    network = ProjectedDiscriminator(widths=(8, 12, 16, 20), head=6)
    assert [tuple(one.shape) for one in network.projected(pictures(2, 128))] == [
        (2, 8, 32, 32),
        (2, 12, 16, 16),
        (2, 16, 8, 8),
        (2, 20, 4, 4),
    ]
    assert [tuple(one.shape) for one in network(pictures(2, 128))] == [(2, 1, 4, 4)] * 4


def test_the_projection_belongs_to_the_seed() -> None:
    """The same seed draws the same, whatever torch's own generator did before; another seed another."""
    torch.manual_seed(1)
    one = ProjectedDiscriminator(seed=3)
    torch.manual_seed(2)
    same, other = ProjectedDiscriminator(seed=3), ProjectedDiscriminator(seed=4)
    buffers = {name: value for name, value in one.state_dict().items() if name.startswith(("mix", "merge"))}
    assert set(buffers) == {"mix0", "mix1", "mix2", "mix3", "merge1", "merge2", "merge3"}
    for name, value in buffers.items():
        assert torch.equal(value, same.state_dict()[name]) and not torch.equal(value, other.state_dict()[name])
    inside = [buffers[f"mix{level}"].square().mean() * TAPS[level] / 2 for level in range(4)]
    torch.testing.assert_close(torch.stack(inside), torch.ones(4), atol=0.1, rtol=0)  # variance 2 / fan-in


def test_what_is_in_the_state() -> None:
    """The projection and the heads; EfficientNet is in its package."""
    network = ProjectedDiscriminator()
    assert {name.split(".")[0] for name in network.state_dict()} == {
        "heads",
        *(f"mix{level}" for level in range(4)),
        *(f"merge{level}" for level in (1, 2, 3)),
    }
    assert all(name.startswith("heads") for name, _ in network.named_parameters())


def test_only_the_heads_learn() -> None:
    """Through training steps features and projection stay to the bit; gradients reach the pictures through all heads."""
    torch.manual_seed(0)
    network = ProjectedDiscriminator(widths=(8, 8, 8, 8), head=8)
    fixed = {name: value.clone() for name, value in network.named_buffers() if not name.startswith("heads")}
    learnt = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    made = pictures().requires_grad_()
    for _ in range(3):
        optimiser.zero_grad()
        torch.stack([head.square().mean() for head in network(made)]).sum().backward()
        optimiser.step()
    buffers = dict(network.named_buffers())
    assert len(fixed) > 7 and all(torch.equal(value, buffers[name]) for name, value in fixed.items())
    weights = dict(network.named_parameters())
    assert all(not torch.equal(value, weights[name]) for name, value in learnt.items() if name.endswith("original"))
    for logits in network(made):
        (slope,) = torch.autograd.grad(logits.sum(), made, retain_graph=True)
        assert slope.isfinite().all() and slope.abs().max() > 0


def test_deep_features_reach_the_finest_head() -> None:
    """The projection mixes from deep to shallow: change the deepest tap alone, and the finest map changes."""
    network = ProjectedDiscriminator(widths=(8, 8, 8, 8), head=8)
    taps = open_efficientnet()(pictures())
    network.features.forward = lambda images: taps  # type: ignore[method-assign]
    before = network.projected(pictures())[0]
    taps = [*taps[:3], taps[3] + 1]
    network.features.forward = lambda images: taps  # type: ignore[method-assign]
    assert not torch.allclose(before, network.projected(pictures())[0])
