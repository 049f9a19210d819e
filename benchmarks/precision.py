"""How many times as long convolutions of the sizes that train here take in bfloat16 as in float32, forward and backward.

    OMP_NUM_THREADS=1 python benchmarks/precision.py

Over 1, float32 is quicker: then :func:`likeness.train.precision.multiplies_bfloat16` should say so. The same is printed of the
strided depthwise convolutions of EfficientNet-Lite1, through which a projected discriminator's gradients go, and of its ReLU6 how
many times as long it takes as ``clamp``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6

from likeness.train.precision import multiplies_bfloat16

SIZES = ((48, 64), (96, 32), (192, 16), (256, 8))
"""Channels and side of the maps."""
STRIDED = ((96, 65, 3), (144, 35, 5), (240, 17, 3), (672, 11, 5))
"""Channels, side and kernel of EfficientNet-Lite1's depthwise convolutions of stride 2."""
BATCH = 16
CALLS = 8


def seconds(layer: Callable[[Tensor], Tensor], channels: int, side: int, kind: torch.dtype) -> float:
    """Processor seconds of the quickest of some calls of a layer and their backward passes, on maps of so many channels."""
    given = torch.randn(BATCH, channels, side, side).to(kind).to(memory_format=torch.channels_last).requires_grad_()
    spent = []
    for _ in range(CALLS):
        began = time.process_time()
        layer(given).sum().backward()
        spent.append(time.process_time() - began)
    return min(spent)


def convolution(channels: int, kernel: int, kind: torch.dtype, strided: bool = False) -> nn.Module:
    """One that learns, or a frozen depthwise one of stride 2."""
    layer = nn.Conv2d(channels, channels, kernel, 2, groups=channels) if strided else nn.Conv2d(channels, channels, kernel, 1, 1)
    return layer.to(kind).to(memory_format=torch.channels_last).requires_grad_(not strided)


def main() -> None:
    """A line a size, and what trainings do on this processor."""
    sizes = [(channels, side, 3, False) for channels, side in SIZES] + [(*one, True) for one in STRIDED]
    kinds = (torch.bfloat16, torch.float32)
    for channels, side, kernel, strided in sizes:
        half, full = (seconds(convolution(channels, kernel, kind, strided), channels, side, kind) for kind in kinds)
        what = f"depthwise {kernel} × {kernel} of stride 2, " if strided else ""
        print(f"{what}{channels} channels, {side} × {side}: bfloat16 takes {half / full:.2f} times as long as float32")
    for kind, name in zip(kinds, ("bfloat16", "float32"), strict=True):
        clamped, whole = (seconds(layer, 144, 32, kind) for layer in (lambda maps: maps.clamp(0, 6), relu6))
        print(f"{name}, 144 channels, 32 × 32: clamp(0, 6) takes {clamped / whole:.2f} times as long as relu6")
    print("recipes with bf16 multiply in", "bfloat16" if multiplies_bfloat16(torch.device("cpu")) else "float32", "here")


if __name__ == "__main__":
    main()
