"""In which precision networks multiply while they train."""

from __future__ import annotations

from typing import Any

import torch

from likeness.recipe import Training


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has units for matrices of bfloat16, so that these are quicker than float32: any but an x86 processor
    without AMX.

    There a convolution in bfloat16 takes about twice as long as in float32 (``python benchmarks/precision.py`` prints both),
    though there may be instructions for it (AVX-512 BF16).
    """
    if device.type != "cpu":
        return True
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not say: then as ever
    return known.get("architecture") != "x86_64" or bool(known["amx_bf16"])


def casting(plan: Training, device: torch.device) -> torch.autocast:
    """The context of a training's forward passes: bfloat16 where the recipe wants it and the device has units for it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=plan.bf16 and multiplies_bfloat16(device))
