"""VGG-19's features: shapes, torchvision's layout, and the real weights when they are here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import to_tensor
from likeness.nn.vgg import CONVOLUTIONS, TORCHVISION, VGG19, open_vgg19

WIDTHS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}


def channels() -> dict[str, tuple[int, int]]:
    """Outer and inner channels of each convolution."""
    before, found = 3, {}
    for name in CONVOLUTIONS:
        found[name] = (WIDTHS[name[4]], before)
        before = WIDTHS[name[4]]
    return found


def state() -> dict[str, torch.Tensor]:
    """Made weights under torchvision's names."""
    chance = torch.Generator().manual_seed(0)
    found = {}
    for ours, theirs in TORCHVISION.items():
        found[f"{theirs}.weight"] = torch.randn(*channels()[ours], 3, 3, generator=chance) * 0.05
        found[f"{theirs}.bias"] = torch.randn(channels()[ours][0], generator=chance) * 0.1
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


def test_deeper_layers() -> None:
    """ISEGAN's: conv1_1, conv3_4 and conv4_1, halved between the blocks; each is a layer of its own."""
    maps = VGG19.from_torchvision(state(), ("conv1_1", "conv3_4", "conv4_1"))(torch.rand(1, 3, 32, 48) * 2 - 1)
    assert [tuple(one.shape) for one in maps] == [(1, 64, 32, 48), (1, 256, 8, 12), (1, 512, 4, 6)]


def test_the_distilled_one_estimates_the_true_one(instruments: Path) -> None:
    """Its maps correlate with the true ones' as its makers measured (.987, .912, .818), on other pictures, and are as large."""
    layers = ("conv1_1", "conv2_1", "conv3_1")
    faces = np.stack([face.image for face in drawn_faces(4, Framing(size=64))])
    pictures = to_tensor(faces)
    true, small = open_vgg19(layers)(pictures), open_vgg19((*layers, "conv4_1"), distilled=True)(pictures)
    assert [one.shape[1] for one in small] == [64, 128, 256, 512]
    for one, other, least in zip(true, small, (0.95, 0.85, 0.75), strict=False):
        assert float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) > least
        assert 0.5 < float(other.std() / one.std()) < 1.5
    with pytest.raises(LikenessError, match="conv3_4"):
        open_vgg19(("conv3_4",), distilled=True)


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
    features = open_vgg19()
    flat, edge = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1
    variety = [features(picture)[2].std((2, 3)).mean() for picture in (flat, edge)]
    assert variety[1] > 100 * variety[0].clamp(min=1e-6)
