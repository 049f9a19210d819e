"""Networks that learn with 8-bit numbers, so that they compute well in them (quantisation-aware training, Jacob et al. 2018).

While such a network trains, its inner convolutions and residual blocks read inputs that went through 8 bits, and so do weights;
gradients pass the rounding as if it were not there (Bengio et al. 2013), and end where a value was clipped. In evaluation mode it
is the network that it was: its weights are float32 and can be exported either way. The graph that computes in 8 bits is
:mod:`likeness.export.int8`'s.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from likeness.export.calibration import LEARNED, WEIGHT
from likeness.nn.residual import ResidualBlock

SAMPLE = 65536
"""Numbers of each tensor that a range is taken of, evenly chosen."""


class _Rounded(torch.autograd.Function):
    """What torch.fake_quantize_per_tensor_affine does, three times as quickly on a processor, and of bfloat16 too."""

    @staticmethod
    def forward(context: Any, values: Tensor, low: Tensor, high: Tensor) -> Tensor:
        step = ((high - low) / 255).clamp(min=1e-8)
        zero = (-low / step).round()
        levels = (values.float() / step).round_()
        kept = torch.minimum(torch.maximum(levels, -zero), 255 - zero)
        context.save_for_backward(levels == kept)
        return kept.mul_(step).to(values.dtype)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = context.saved_tensors
        return gradient * inside, None, None


def rounded(values: Tensor) -> Tensor:
    """A tensor through 8 bits: 256 even steps over the range of nearly all of its numbers, which holds 0 exactly.

    Few large values are clipped: the range ends at the percentile :data:`~likeness.export.calibration.LEARNED`, as in graphs.
    """
    flat = values.detach().movedim(1, -1).reshape(-1)  # no copy where channels come last
    some = flat[:: values.numel() // SAMPLE | 1].float()  # an odd stride comes by all channels
    beyond = max(round((1 - LEARNED / 100) * some.numel()), 1)
    high = some.topk(beyond).values[-1].clamp(min=0)
    low = -(-some).topk(beyond).values[-1].clamp(min=0)
    made: Tensor = _Rounded.apply(values, low, high)  # type: ignore[no-untyped-call]
    return made


def rounded_weight(weight: Tensor) -> Tensor:
    """A convolution's weight O × I × h × w through 8 bits: one step an output channel, the largest is
    :data:`~likeness.export.calibration.WEIGHT` steps.
    """
    still = weight.detach()
    steps = (still.abs().amax((1, 2, 3), keepdim=True) / WEIGHT).clamp(min=1e-12)
    made: Tensor = weight + ((still / steps).round_() * steps - still)
    return made


class WeightRoundedConv2d(nn.Conv2d):
    """A convolution that trains on 8-bit weights, whose inputs are rounded already."""

    def forward(self, features: Tensor) -> Tensor:
        """As :class:`torch.nn.Conv2d`."""
        weight = rounded_weight(self.weight) if self.training else self.weight
        made: Tensor = self._conv_forward(features, weight, self.bias)
        return made


class RoundedConv2d(nn.Conv2d):
    """A convolution that trains on 8-bit inputs and weights; with a bias there is no norm behind it, and its outputs are, too."""

    def forward(self, features: Tensor) -> Tensor:
        """As :class:`torch.nn.Conv2d`."""
        if not self.training:
            return super().forward(features)
        made = self._conv_forward(rounded(features), rounded_weight(self.weight), self.bias)
        return made if self.bias is None else rounded(made)


class RoundedBlock(ResidualBlock):
    """A residual block that trains on 8-bit inputs, which its first convolution reads as they are, and adds 8-bit numbers."""

    def forward(self, features: Tensor) -> Tensor:
        """As :class:`likeness.nn.residual.ResidualBlock`."""
        if not self.training:
            return super().forward(features)
        features = rounded(features)
        result: Tensor = features + rounded(self.body(features))
        return result


def round_inside(network: nn.Module) -> None:
    """Let a network train in 8 bits, but for its first and its last convolution. Its state keeps its names."""
    inner = [one for one in network.modules() if type(one) is nn.Conv2d][1:-1]
    blocks = [one for one in network.modules() if type(one) is ResidualBlock]
    for convolution in inner:
        convolution.__class__ = RoundedConv2d
    for block in blocks:
        block.__class__ = RoundedBlock
        block.body[0].__class__ = WeightRoundedConv2d
