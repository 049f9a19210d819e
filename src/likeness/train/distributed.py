"""Several processes started by torchrun: who am I, which rows are mine, the mean of everybody's gradients, and stopping together.

P processes with a batch of B are one with a batch of P·B, to float noise: every process makes the batch of all from the same
numbers and keeps every P-th row (:func:`own_rows`), later chance is shared too (:mod:`likeness.losses.chance`), and gradients of
means over the rows are averaged. That costs each process the making of all rows. It does not hold where rows of a batch meet:

* BatchNorm takes each process's own mean and variance, and the first's running ones are kept. It is in parts' generators, in
  portrait's critic and by its recipe in its U-Net, in parser, landmark_detector and face_detector, and in the baselines pix2pix
  (its critic) and Context Encoder.
* LandmarkGAN lets each face drive another of the same batch, which is one of the same process, and takes means by target.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn


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


def own_rows(batch: Any, rank: int, world: int, count: int) -> Any:
    """A process's rows of a batch of ``count``: every ``world``-th from ``rank`` on.

    A batch is a tensor, a list with an item a row, a dict, tuple or dataclass of batches, or what has no rows and stays as it is.
    """
    if world == 1:
        return batch
    if isinstance(batch, Tensor):
        return batch[rank::world] if batch.ndim and len(batch) == count else batch
    if isinstance(batch, Mapping):
        return {name: own_rows(value, rank, world, count) for name, value in batch.items()}
    if isinstance(batch, list) and len(batch) == count:
        return batch[rank::world]
    if isinstance(batch, tuple):
        return tuple(own_rows(value, rank, world, count) for value in batch)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        names = [one.name for one in dataclasses.fields(batch)]
        return dataclasses.replace(batch, **{name: own_rows(getattr(batch, name), rank, world, count) for name in names})
    return batch


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
