"""VGG-19's features: shapes, torchvision's layout, and the real weights when they are here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from likeness.errors import LikenessError
from likeness.nn.vgg import TORCHVISION, VGG19

CHANNELS = {"conv1_1": (64, 3), "conv1_2": (64, 64), "conv2_1": (128, 64), "conv2_2": (128, 128), "conv3_1": (256, 128)}


def state() -> dict[str, torch.Tensor]:
    """Made weights under torchvision's names."""
    chance = torch.Generator().manual_seed(0)
    found = {}
    for ours, theirs in TORCHVISION.items():
        found[f"{theirs}.weight"] = torch.randn(*CHANNELS[ours], 3, 3, generator=chance) * 0.05
        found[f"{theirs}.bias"] = torch.randn(CHANNELS[ours][0], generator=chance) * 0.1
    return found


def test_shapes_and_first_layer() -> None:
    network = VGG19.from_torchvision(state())
    pictures = torch.rand(2, 3, 32, 48) * 2 - 1
    maps = network(pictures)
    assert [tuple(one.shape) for one in maps] == [(2, 64, 32, 48), (2, 128, 16, 24), (2, 256, 8, 12)]
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normal = ((pictures + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
    made = state()
    expected = torch.nn.functional.conv2d(normal, made["features.0.weight"], made["features.0.bias"]).relu()
    torch.testing.assert_close(maps[0][:, :, 1:-1, 1:-1], expected, atol=1e-4, rtol=1e-4)


def test_it_is_frozen_and_lets_gradients_through() -> None:
    network = VGG19.from_torchvision(state())
    assert not list(network.parameters())
    pictures = torch.rand(1, 3, 16, 16, requires_grad=True)
    sum(one.sum() for one in network(pictures)).backward()
    assert pictures.grad is not None


def test_missing_weights() -> None:
    with pytest.raises(LikenessError, match=r"conv0\.weight"):
        VGG19({})


def test_the_real_one_sees_an_edge(instruments: Path) -> None:
    """On the real weights: brightness alone moves conv1_1 little, an edge moves it much."""
    from likeness.systems.parts.system import vgg_features

    features = vgg_features()
    flat, edge = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1
    variety = [features(picture)[2].std((2, 3)).mean() for picture in (flat, edge)]
    assert variety[1] > 100 * variety[0].clamp(min=1e-6)
