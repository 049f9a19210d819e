"""How many times as long convolutions of the sizes that train here take in bfloat16 as in float32, forward and backward.

    OMP_NUM_THREADS=1 python benchmarks/precision.py

Over 1, float32 is quicker: then :func:`likeness.train.precision.multiplies_bfloat16` should say so.
"""

from __future__ import annotations

import time

import torch

from likeness.train.precision import multiplies_bfloat16

SIZES = ((48, 64), (96, 32), (192, 16), (256, 8))
"""Channels and side of the maps."""
BATCH = 16
CALLS = 8


def seconds(channels: int, side: int, kind: torch.dtype) -> float:
    """Processor seconds of the quickest of some calls."""
    layer = torch.nn.Conv2d(channels, channels, 3, 1, 1).to(kind).to(memory_format=torch.channels_last)
    given = torch.randn(BATCH, channels, side, side).to(kind).to(memory_format=torch.channels_last).requires_grad_()
    spent = []
    for _ in range(CALLS):
        began = time.process_time()
        layer(given).sum().backward()
        spent.append(time.process_time() - began)
    return min(spent)


def main() -> None:
    """A line a size, and what trainings do on this processor."""
    for channels, side in SIZES:
        ratio = seconds(channels, side, torch.bfloat16) / seconds(channels, side, torch.float32)
        print(f"{channels} channels, {side} × {side}: bfloat16 takes {ratio:.2f} times as long as float32")
    print("recipes with bf16 multiply in", "bfloat16" if multiplies_bfloat16(torch.device("cpu")) else "float32", "here")


if __name__ == "__main__":
    main()
