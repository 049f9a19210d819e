"""The networks against the shape table in systems/parts/README.md, and what the paper says of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from likeness import systems
from likeness.nn.patchgan import PatchGAN
from likeness.nn.residual import ResidualBlock
from likeness.systems.parts.networks import LeanGenerator, PaperDiscriminator, PaperGenerator
from likeness.systems.parts.system import build_discriminator, build_generator

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)


def shapes(network: nn.Module, given: torch.Tensor) -> list[tuple[int, ...]]:
    """Sizes (C, H, W) of every convolution's output, in order."""
    seen: list[tuple[int, ...]] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
        for layer in network.modules()
        if isinstance(layer, (*CONVOLUTIONS, nn.Linear))
    ]
    with torch.no_grad():
        network.eval()(given)
    for hook in hooks:
        hook.remove()
    return seen


def test_paper_generator_table() -> None:
    """7×7 conv 64; two stride-2 (128, 256); eight residual blocks at 32×32; two upsamplings; 7×7 conv; tanh."""
    network = PaperGenerator()
    table = [(64, 128, 128), (128, 64, 64), (256, 32, 32)]
    table += [(256, 32, 32)] * 16
    table += [(128, 64, 64), (64, 128, 128), (3, 128, 128)]
    assert shapes(network, torch.zeros(1, 3, 128, 128)) == table
    assert sum(isinstance(layer, ResidualBlock) for layer in network.modules()) == 8
    strides = [layer.stride[0] for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert strides.count(2) == 2  # "only decreases the resolution twice"
    first, last = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size == (7, 7))
    assert (first.in_channels, last.out_channels) == (3, 3)


def test_paper_discriminator_table() -> None:
    """Five stride-2 convolutions and one fully connected layer, and no BatchNorm anywhere."""
    network = PaperDiscriminator()
    table = [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4), (1,)]
    assert shapes(network, torch.zeros(1, 3, 128, 128)) == table
    assert not [layer for layer in network.modules() if isinstance(layer, NORMS)]
    assert sum(isinstance(layer, nn.LeakyReLU) for layer in network.modules()) == 5
    assert not [layer for layer in network.modules() if isinstance(layer, nn.Sigmoid)]  # it is inside the loss


def test_lean_generator_table() -> None:
    network = LeanGenerator()
    found = shapes(network, torch.zeros(1, 4, 128, 128))
    assert found[0] == (40, 64, 64)
    assert found[-1] == (12, 64, 64)  # PixelShuffle makes it 3 × 128 × 128
    assert min(size[1] for size in found) == 8
    assert 4.5e6 < sum(weight.numel() for weight in network.parameters()) < 8e6


@pytest.mark.parametrize("name", ["parts:tiny", "parts:lite", "parts:paper"])
def test_built_by_recipe(name: str) -> None:
    recipe = systems.recipe(name)
    size = recipe.framing.size  # type: ignore[attr-defined]
    channels = 4 if recipe.networks.cover else 3  # type: ignore[attr-defined]
    with torch.no_grad():
        face = build_generator(recipe)(torch.randn(2, channels, size, size))  # type: ignore[arg-type]
        verdict = build_discriminator(recipe)(face)  # type: ignore[arg-type]
    assert face.shape == (2, 3, size, size)
    assert face.abs().max() <= 1
    assert verdict.shape[:2] == (2, 1)
    discriminator = build_discriminator(recipe)  # type: ignore[arg-type]
    assert not [layer for layer in discriminator.modules() if isinstance(layer, NORMS)]


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_patchgan_receptive_field(layers: int, field: int) -> None:
    """A logit changes with pixels inside its patch and with none outside (pix2pix, section 3.2.2)."""
    torch.manual_seed(0)
    network = PatchGAN(1, 4, layers, norm="none").double()
    picture = torch.zeros(1, 1, 160, 160, dtype=torch.double, requires_grad=True)
    logits = network(picture)
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    assert picture.grad is not None
    rows = torch.nonzero(picture.grad[0, 0].abs().sum(1))[:, 0]
    assert int(rows.max() - rows.min()) + 1 == field


def test_patchgan_norms() -> None:
    for norm, count in {"batch": 3, "instance": 3, "spectral": 0, "none": 0}.items():
        layers = list(PatchGAN(3, 8, 3, norm).modules())
        assert sum(isinstance(layer, (nn.BatchNorm2d, nn.InstanceNorm2d)) for layer in layers) == count


def test_spectral_norm_bounds_the_weights() -> None:
    network = PaperDiscriminator(64, 8, spectral=True)
    for _ in range(30):
        network(torch.randn(2, 3, 64, 64))
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.1
