"""Several processes started by torchrun: who am I, the mean of everybody's gradients, and stopping together.

P processes with a batch of B are one with a batch of P·B, to float noise: every process makes the batch of all from the same
numbers and keeps every P-th row (:func:`likeness.train.batches.own_rows`), later chance is shared too
(:mod:`likeness.losses.chance`), gradients of means over the rows are averaged, and what is divided by a count that depends on the
rows is divided by everybody's (:mod:`likeness.losses.processes`). That costs each process the making of all rows. A process whose
rows give a player no term takes part with zeros. A process that ends ends the others, with a line; all go on from the last saved
state. It does not equal one where the rows of a batch meet:

* BatchNorm takes each process's own mean and variance, and the first's running ones are kept. It is in parts' generators, in
  portrait's critic and by its recipe in its U-Net, in parser, landmark_detector and face_detector, in facefeat's E_id and E_1,
  and in the baselines pix2pix (its critic) and Context Encoder.
* parser's hardest pixels are the hardest of each process.
* landmark, with several targets, draws crops, shakes and a projected critic's augmentation anew in each process.
* joint's identity term is a mean over those rows of each process that tell who it is.
* facefeat, while its feature generators rest, gives faces the features of others of the same process.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import timedelta

import torch
from torch import distributed, nn

from likeness.errors import LikenessError
from likeness.losses.processes import reduced

PATIENCE = timedelta(minutes=30)
"""How long a process waits for others that say nothing, as where a host has lost its power; one that ends is noticed at once."""


def join() -> tuple[int, int]:
    """(rank, world size) of this process; joins the others when torchrun started it.

    Raises:
        LikenessError: they do not come.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not distributed.is_initialized():
        # votes and counts of gradients are exchanged by gloo, so that they wait for no GPU
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        try:
            distributed.init_process_group(backend, timeout=PATIENCE)
        except (RuntimeError, ValueError) as problem:
            first = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise LikenessError(f"the other processes of this training cannot be reached ({first[:150]})") from None
    return (distributed.get_rank(), world) if world > 1 else (0, 1)


def local_device(name: str | None) -> str:
    """The device of this process: ``name``, or its own GPU, or the processor."""
    if name is not None or not torch.cuda.is_available():
        return name or "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def together(wish: bool) -> bool:
    """Whether any process wishes it, so that all stop at the same step."""
    return bool(reduced(torch.tensor(float(wish))) > 0)


def agree(what: str, about: str) -> None:
    """Refuse where the processes do not say the same.

    Args:
        what: what has to be the same.
        about: what it is, in words.

    Raises:
        LikenessError: they differ.
    """
    digest = torch.tensor(list(hashlib.sha256(what.encode()).digest()))
    low, high = reduced(digest.clone(), "MIN"), reduced(digest.clone(), "MAX")
    if not torch.equal(low, high):
        raise LikenessError(f"the processes of this training differ in {about}; all need the same command, data and run folder")


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> bool:
    """Replace each gradient by its mean over the processes; whether there is any.

    A process that has no gradient, or no term at all, counts as 0 where another has one. What no process has stays away, so that
    the optimiser leaves it alone as in one process. Which there are is settled on the processor: no device is waited for.
    """
    weights = list(parameters)
    if world == 1:
        return any(weight.grad is not None for weight in weights)
    there = reduced(torch.tensor([float(weight.grad is not None) for weight in weights])).tolist()
    moved = [weight for weight, count in zip(weights, there, strict=True) if count]
    if not moved:
        return False
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in moved]
    flat = reduced(torch.cat([gradient.flatten() for gradient in gradients])) / world
    start = 0
    for weight, gradient in zip(moved, gradients, strict=True):
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        weight.grad = gradient
        start += gradient.numel()
    return True
