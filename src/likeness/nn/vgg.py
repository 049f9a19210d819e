"""VGG-19 as a source of features (Simonyan & Zisserman 2015), whole or at a quarter of its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, pad, relu

from likeness import assets
from likeness.errors import LikenessError

CONVOLUTIONS = tuple(f"conv{block}_{i}" for block, count in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)) for i in range(1, count + 1))
"""Up to conv5_1; before the first of each block but conv1_1 the maps are halved."""
TORCHVISION = dict(zip(CONVOLUTIONS, (f"features.{n}" for n in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)), strict=True))
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGG19(nn.Module):
    """Frozen. Pictures B × 3 × H × W in [-1, 1] → the ``layers`` after their ReLU, such as conv1_1 (64, H), conv4_1 (512, H/8).

    The first layer, conv0, is a 1 × 1 convolution that turns RGB in [0, 1] into what the net was trained on. Padding is by
    reflection, so that the border of a crop does not look like an edge. Narrow weights bring 1 × 1 maps (``conv1_1_aux`` …) onto
    the true net's features, which are then given.
    """

    def __init__(self, state: dict[str, Tensor], layers: Sequence[str] = ("conv1_1", "conv2_1", "conv3_1")) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.names = CONVOLUTIONS[: max(CONVOLUTIONS.index(name) for name in layers) + 1]
        for name in ("conv0", *self.names):
            for kind in ("weight", "bias"):
                if f"{name}.{kind}" not in state:
                    raise LikenessError(f"these VGG-19 weights lack {name}.{kind}")
                self.register_buffer(f"{name}_{kind}", state[f"{name}.{kind}"].clone())
        self.mapped = any("_aux" in name for name in state)
        for name in self.layers if self.mapped else ():
            if f"{name}_aux.weight" not in state:
                raise LikenessError(f"these VGG-19 weights have no map from their {name} to the true one")
            for kind in ("weight", "bias"):
                self.register_buffer(f"{name}_aux_{kind}", state[f"{name}_aux.{kind}"].clone())

    @classmethod
    def from_torchvision(cls, state: dict[str, Tensor], layers: Sequence[str] = ("conv1_1", "conv2_1", "conv3_1")) -> VGG19:
        """From torchvision's published state: its input normalisation (x − mean) / deviation becomes conv0."""
        made = {
            f"{ours}.{kind}": state[f"{theirs}.{kind}"]
            for ours, theirs in TORCHVISION.items()
            for kind in ("weight", "bias")
            if f"{theirs}.{kind}" in state
        }
        deviation = torch.tensor(_DEVIATION)
        made["conv0.weight"] = torch.diag(1 / deviation)[:, :, None, None]
        made["conv0.bias"] = -torch.tensor(_MEAN) / deviation
        return cls(made, layers)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, in the order of :attr:`layers`."""
        features = conv2d((images + 1) / 2, self.conv0_weight, self.conv0_bias)  # type: ignore[arg-type]
        found: dict[str, Tensor] = {}
        for name in self.names:
            if name.endswith("_1") and name != "conv1_1":
                features = max_pool2d(features, 2)
            weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
            features = found[name] = relu(conv2d(pad(features, (1, 1, 1, 1), mode="reflect"), weight, bias))
        if not self.mapped:
            return [found[name] for name in self.layers]
        return [conv2d(found[n], getattr(self, f"{n}_aux_weight"), getattr(self, f"{n}_aux_bias")) for n in self.layers]


def open_vgg19(layers: Sequence[str] = ("conv1_1", "conv2_1", "conv3_1"), distilled: bool = False) -> VGG19:
    """VGG-19 from the instruments: up to conv3_1 the converted file, beyond it torchvision's own.

    Args:
        layers: of :data:`CONVOLUTIONS`.
        distilled: the one of a quarter of the width instead, which estimates conv1_1, conv2_1, conv3_1, conv4_1 and conv5_1.
    """
    from safetensors.torch import load_file

    if distilled:
        small = load_file(assets.instrument("vgg19_distilled"))
        return VGG19({_named(key): value for key, value in small.items()}, layers)
    if assets.available("vgg19_conv3_1") and all(CONVOLUTIONS.index(name) < 5 for name in layers):
        return VGG19(load_file(assets.instrument("vgg19_conv3_1")), layers)
    whole = torch.load(assets.instrument("vgg19_torchvision"), map_location="cpu", weights_only=True)
    return VGG19.from_torchvision(whole, layers)


def vgg_features(
    layers: Sequence[str] = ("conv1_1", "conv2_1", "conv3_1"), distilled: bool = False
) -> Callable[[Tensor], list[Tensor]]:
    """The same as a plain function, so that a system that keeps it does not take it for a part of itself and save it."""
    network = open_vgg19(layers, distilled)

    def features(images: Tensor) -> list[Tensor]:
        network.to(images.device)
        maps: list[Tensor] = network(images)
        return maps

    return features


def _named(key: str) -> str:
    """``conv34.weight`` → ``conv3_4.weight``, ``conv31_aux.bias`` → ``conv3_1_aux.bias``."""
    return key if key.startswith("conv0") else f"{key[:5]}_{key[5:]}"
