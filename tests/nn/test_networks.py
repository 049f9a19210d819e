"""Networks of several papers, against the numbers of parameters that are published, and what must hold of them."""

from __future__ import annotations

import pytest
import torch

from likeness.nn.inception import BlockE, Inception, pool
from likeness.nn.mobilefacenet import MobileFaceNet
from likeness.nn.patchgan import PatchGAN
from likeness.nn.retinaface import RetinaFace, anchors
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


def test_unet_with_fewer_levels() -> None:
    """Told to stop at 2 × 2 it lacks just the innermost layers (and the norm that the new innermost layer goes without)."""
    whole, short = UNet(128, 3, 3, 8), UNet(128, 3, 3, 8, levels=6)
    inner = 64 * 64 * 16 + 64 * 64 * 16 + 2 * 64  # down, up and its norm
    deeper_up = 64 * 64 * 16  # the next decoder layer takes no skip now
    assert parameters(whole) - parameters(short) == inner + deeper_up + 2 * 64
    assert short(torch.rand(2, 3, 128, 128)).shape == (2, 3, 128, 128)
    assert short.noise_length == 64 * 4 * 4 + 64 * 8 * 8
    with pytest.raises(ValueError, match="from 4 to 7"):
        UNet(128, levels=8)


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


def test_inception_has_the_published_names_and_shapes() -> None:
    """Some entries of the published file (torchvision's names), among them the tall and wide filters that are easily swapped."""
    shapes = {key: tuple(value.shape) for key, value in Inception().state_dict().items()}
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_5b.branch5x5_2.conv.weight"] == (64, 48, 5, 5)
    assert shapes["Mixed_6a.branch3x3dbl_3.conv.weight"] == (96, 96, 3, 3)
    assert shapes["Mixed_6b.branch7x7_2.conv.weight"] == (128, 128, 1, 7)
    assert shapes["Mixed_6b.branch7x7_3.conv.weight"] == (192, 128, 7, 1)
    assert shapes["Mixed_6e.branch7x7dbl_2.conv.weight"] == (192, 192, 7, 1)
    assert shapes["Mixed_7a.branch7x7x3_4.conv.weight"] == (192, 192, 3, 3)
    assert shapes["Mixed_7b.branch3x3_2a.conv.weight"] == (384, 384, 1, 3)
    assert shapes["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (384, 384, 3, 1)
    assert shapes["Mixed_7c.branch_pool.bn.running_var"] == (192,)
    assert shapes["fc.weight"] == (1008, 2048)
    assert len([key for key in shapes if key.endswith("conv.weight")]) == 94


def test_inceptions_last_block_pools_by_maximum() -> None:
    torch.manual_seed(0)
    last, inner = BlockE(8, last=True).eval(), BlockE(8, last=False).eval()
    inner.load_state_dict(last.state_dict())
    x = torch.rand(1, 8, 5, 5)
    one, other = last(x), inner(x)
    assert torch.equal(one[:, :-192], other[:, :-192])
    torch.testing.assert_close(one[:, -192:], last.branch_pool(torch.nn.functional.max_pool2d(x, 3, 1, 1)))
    assert not torch.equal(one[:, -192:], other[:, -192:])


def test_retinaface_decodes_boxes_and_points() -> None:
    """With all heads at 0 each anchor predicts itself: its own square, its centre five times, and an even score."""
    network = RetinaFace().eval()
    for heads in (network.ClassHead, network.BboxHead, network.LandmarkHead):
        for weight in heads.parameters():
            torch.nn.init.zeros_(weight)
    scores, boxes, points = network(torch.rand(1, 3, 64, 96) * 255)
    centre, side = anchors(64, 96)
    torch.testing.assert_close(boxes[0], torch.cat([centre - side / 2, centre + side / 2], 1))
    torch.testing.assert_close(points[0], centre[:, None].expand(-1, 5, -1))
    torch.testing.assert_close(scores, torch.full_like(scores, 0.5))
    with torch.no_grad():
        network.BboxHead[0].conv1x1.bias[:4] = torch.tensor([1.0, 0, 1.0, 0])  # the first anchor of each place of level 1
    box = network(torch.zeros(1, 3, 64, 96))[1][0, 0]
    half = 16 * torch.exp(torch.tensor(0.2)) / 2  # variances 0.1 and 0.2
    torch.testing.assert_close(box, torch.tensor([4 + 1.6 - half, 4 - 8.0, 4 + 1.6 + half, 4 + 8.0]))


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
