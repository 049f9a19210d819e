"""Networks of several papers, against the numbers of parameters that are published, and what must hold of them."""

from __future__ import annotations

import pytest
import torch

from likeness.nn.inception import Inception, pool
from likeness.nn.mobilefacenet import MobileFaceNet
from likeness.nn.patchgan import PatchGAN
from likeness.nn.unet import UNet


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_published_numbers_of_parameters() -> None:
    assert round(parameters(UNet(256, 3, 3, 64)) / 1e6, 3) == 54.414  # pix2pix's own printout
    assert round(parameters(PatchGAN(6)) / 1e6, 2) == 2.77
    assert round(parameters(MobileFaceNet()) / 1e6, 2) == 1.00  # "0.99 M" in the paper, without BatchNorm
    assert parameters(Inception(1000)) == 27_161_264 - 3_326_696  # torchvision's, less its auxiliary classifier


@pytest.mark.parametrize("size", [16, 64, 128])
def test_unet_shapes(size: int) -> None:
    network = UNet(size, 4, 3, 8).eval()
    made = network(torch.rand(2, 4, size, size))
    assert made.shape == (2, 3, size, size)
    assert made.abs().max() <= 1


def test_unet_noise_is_an_argument() -> None:
    torch.manual_seed(0)
    network = UNet(128, 3, 3, 8).eval()
    picture = torch.rand(2, 3, 128, 128)
    noise = torch.rand(2, network.noise_length)
    assert torch.equal(network(picture, noise), network(picture, noise))
    assert not torch.equal(network(picture, noise), network(picture, torch.rand(2, network.noise_length)))
    assert torch.equal(network(picture), network(picture))


def test_unet_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match="power of two"):
        UNet(96)


def test_inception_pools_leave_out_the_border() -> None:
    ones = torch.ones(1, 2, 5, 5)
    torch.testing.assert_close(pool(ones), ones)  # with the border counted, corners would be 4/9


def test_inception_outputs() -> None:
    torch.manual_seed(0)
    network = Inception().eval()
    features, logits = network(torch.rand(1, 3, 299, 299) * 2 - 1)
    assert features.shape == (1, 2048) and logits.shape == (1, 1008)
    torch.testing.assert_close(logits, network.fc(features) - network.fc.bias)


def test_mobilefacenet_sees_each_face_alone() -> None:
    torch.manual_seed(0)
    network = MobileFaceNet().eval()
    crops = torch.rand(3, 3, 112, 96) * 2 - 1
    together = network(crops)
    assert together.shape == (3, 128)
    torch.testing.assert_close(together[1:2], network(crops[1:2]), atol=1e-4, rtol=1e-3)
