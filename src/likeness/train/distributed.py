"""Several processes started by torchrun: who am I, the mean of everybody's gradients, and stopping together.

Each process plays its own rows; gradients are averaged, so the weights stay equal. BatchNorm's running statistics are each
process's own; those of the first are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import distributed, nn


def join() -> tuple[int, int]:
    """(rank, world size) of this process; joins the others when torchrun started it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return (distributed.get_rank(), world) if world > 1 else (0, 1)


def local_device(name: str | None) -> str:
    """The device of this process: ``name``, or its own GPU, or the processor."""
    if name is not None or not torch.cuda.is_available():
        return name or "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def together(wish: bool, device: torch.device) -> bool:
    """Whether any process wishes it, so that all stop at the same step."""
    if not distributed.is_initialized():
        return wish
    vote = torch.tensor(float(wish), device=device)
    distributed.all_reduce(vote)
    return bool(vote > 0)


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Replace each gradient by its mean over the processes, in one exchange; one that a process has not counts as 0 there."""
    if world == 1:
        return
    gradients = []
    for weight in parameters:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        gradients.append(weight.grad)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
