"""What post-training quantisation measures on examples: the ranges of convolutions' inputs and outputs, and their mean errors.

A range leaves out the few numbers that would make all others coarse. What the roundings of a convolution's inputs and weights
change in its outputs *on average* is taken off its bias (Nagel et al. 2019, section 4.2): where much of a picture is even, as
round the parts of an average-face picture, the roundings of neighbours do not cancel, and without the correction they are what is
seen most.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likeness.engine.graph import Array

KEPT, LEARNED = 99.999, 99.99
"""The percentile of a tensor's numbers at which its range ends; what lies beyond is clipped. Of a network that learned in 8-bit
numbers it is the second, which it learned with (:mod:`likeness.nn.rounding`)."""
SAMPLE = 8000
"""Numbers of each tensor and example that percentiles are taken of."""
WEIGHT = 64
"""The largest 8-bit weight: 7 bits, so that sums of two products fit 16 bits, which is what older processors add them in."""
CORRECTION = 32
"""Examples that mean errors are measured on."""


@dataclass(frozen=True)
class Range:
    """Numbers ``low`` … ``high`` (which hold 0) as 0 … 255."""

    low: float
    high: float

    @property
    def step(self) -> np.float32:
        """What one step of the 8-bit number means."""
        return np.float32(max(self.high - self.low, 1e-8) / 255)

    @property
    def zero(self) -> np.uint8:
        """The 8-bit number that stands for 0."""
        return np.uint8(np.clip(round(-self.low / float(self.step)), 0, 255))

    def rounded(self, values: Array) -> Array:
        """Values as they are after a passage through 8 bits."""
        levels = np.clip(np.rint(values / self.step) + np.float32(self.zero), 0, 255)
        return np.asarray((levels - np.float32(self.zero)) * self.step, np.float32)


def weight_steps(weight: Array) -> Array:
    """One step for each output channel of a convolution's weight O × I × h × w, so that the largest is :data:`WEIGHT` steps."""
    return np.asarray(np.maximum(np.abs(weight).max((1, 2, 3)) / WEIGHT, 1e-12), np.float32)


def rounded_weight(weight: Array) -> Array:
    """A weight O × I × h × w as it is in 8 bits."""
    steps = weight_steps(weight).reshape(-1, 1, 1, 1)
    return np.asarray(np.rint(weight / steps) * steps, np.float32)


def ranges(model: Any, tensors: Sequence[str], feeds: Sequence[Mapping[str, Array]], kept: float = KEPT) -> dict[str, Range]:
    """The ranges of some of a model's tensors over examples, by name; they end at the percentile ``kept``."""
    chance, some = np.random.default_rng(0), dict[str, list[Array]]()
    for values in _values(model, tensors, feeds):
        for name, value in values.items():
            flat = value.ravel()
            some.setdefault(name, []).append(chance.choice(flat, SAMPLE, replace=False) if flat.size > SAMPLE else flat)
    found = {}
    for name, parts in some.items():
        low, high = np.percentile(np.concatenate(parts), [100 - kept, kept])
        found[name] = Range(min(float(low), 0.0), max(float(high), 0.0))
    return found


def mean_errors(
    model: Any, inputs: Mapping[str, tuple[str, Array]], known: Mapping[str, Range], feeds: Sequence[Mapping[str, Array]]
) -> dict[str, Array]:
    """By how much 8 bits raise each output channel of convolutions on average.

    Σ_c [ Σ_k Ŵ_ock · E[x̂_c] − Σ_k W_ock · E[x_c] ] with x an input, W the weight, x̂ and Ŵ the same in 8 bits; the picture's
    border counts as its inside.

    Args:
        model: in float32.
        inputs: for each convolution its input tensor and its weight O × I × h × w.
        known: the ranges of the input tensors.
        feeds: examples, of which at most :data:`CORRECTION` are used, evenly chosen.
    """
    chosen = [feeds[i] for i in np.linspace(0, len(feeds) - 1, min(len(feeds), CORRECTION)).astype(int)]
    tensors = list(dict.fromkeys(tensor for tensor, _ in inputs.values()))
    means = {name: np.zeros((2, 1), np.float64) for name in tensors}
    for values in _values(model, tensors, chosen):
        for name, value in values.items():
            pair = [each.mean((0, 2, 3), dtype=np.float64) for each in (value, known[name].rounded(value))]
            means[name] = means[name] + np.stack(pair) / len(chosen)
    found = {}
    for name, (tensor, weight) in inputs.items():
        before, after = means[tensor]
        found[name] = np.asarray(rounded_weight(weight).sum((2, 3)) @ after - weight.sum((2, 3)) @ before, np.float32)
    return found


def _values(model: Any, tensors: Sequence[str], feeds: Sequence[Mapping[str, Array]]) -> Iterator[dict[str, Array]]:
    """The values of some of a model's tensors in each example."""
    import onnxruntime
    from onnx import TensorProto, helper

    shown = copy.deepcopy(model)
    fed = {one.name for one in shown.graph.input}
    inner = [name for name in tensors if name not in fed]
    del shown.graph.output[:]
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inner or tensors[:1])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, ["CPUExecutionProvider"])
    for feed in feeds:
        values = dict(zip(inner, session.run(inner, dict(feed)), strict=True)) if inner else {}
        yield {name: values[name] if name in values else feed[name] for name in tensors}
