"""VGG-19 as a source of features (Simonyan & Zisserman 2015): relu1_1, relu2_1, relu3_1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, pad, relu

from likeness.errors import LikenessError

CONVOLUTIONS = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
TORCHVISION = dict(zip(CONVOLUTIONS, ("features.0", "features.2", "features.5", "features.7", "features.10"), strict=True))
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGG19(nn.Module):
    """Frozen. Pictures B × 3 × H × W in [-1, 1] → relu1_1 (64, H), relu2_1 (128, H/2), relu3_1 (256, H/4).

    The first layer, conv0, is a 1 × 1 convolution that turns RGB in [0, 1] into what the net was trained on. Padding is by
    reflection, so that the border of a crop does not look like an edge.
    """

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        for name in ("conv0", *CONVOLUTIONS):
            for kind in ("weight", "bias"):
                if f"{name}.{kind}" not in state:
                    raise LikenessError(f"these VGG-19 weights lack {name}.{kind}")
                self.register_buffer(f"{name}_{kind}", state[f"{name}.{kind}"].clone())

    @classmethod
    def from_torchvision(cls, state: dict[str, Tensor]) -> VGG19:
        """From torchvision's published state: its input normalisation (x − mean) / deviation becomes conv0."""
        made = {
            f"{ours}.{kind}": state[f"{theirs}.{kind}"] for ours, theirs in TORCHVISION.items() for kind in ("weight", "bias")
        }
        deviation = torch.tensor(_DEVIATION)
        made["conv0.weight"] = torch.diag(1 / deviation)[:, :, None, None]
        made["conv0.bias"] = -torch.tensor(_MEAN) / deviation
        return cls(made)

    def _convolve(self, name: str, features: Tensor) -> Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        return relu(conv2d(pad(features, (1, 1, 1, 1), mode="reflect"), weight, bias))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, finest first."""
        features = conv2d((images + 1) / 2, self.conv0_weight, self.conv0_bias)  # type: ignore[arg-type]
        first = self._convolve("conv1_1", features)
        second = self._convolve("conv2_1", max_pool2d(self._convolve("conv1_2", first), 2))
        third = self._convolve("conv3_1", max_pool2d(self._convolve("conv2_2", second), 2))
        return [first, second, third]
