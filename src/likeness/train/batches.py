"""The batches of the steps: a thread makes the next one while the present one is learned from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from likeness.losses.chance import chance_of
from likeness.recipe import Training
from likeness.shards.pool import cores
from likeness.system import System
from likeness.train.precision import casting
from likeness.train.rows import Rows, one_thread


class Batches:
    """Step → its batch, this process's rows of it, on the device.

    A batch is a pure function of seed and step, so it is the same whoever makes it and when: a training is the same to the last
    bit with ``ahead`` and without. Leave with ``with``.

    Args:
        system: makes the batches (:meth:`likeness.system.System.batch`).
        source: where rows come from.
        plan: the recipe's training.
        device: what is learned on.
        last: the step after the last.
        rank, world: this process's number, and how many there are.
        ahead: whether a thread makes them; None: where that does not take from the learning (:func:`room_for_a_thread`).
    """

    def __init__(
        self,
        system: System,
        source: Rows,
        plan: Training,
        device: torch.device,
        last: int,
        rank: int = 0,
        world: int = 1,
        ahead: bool | None = None,
    ) -> None:
        self.system, self.source, self.plan, self.device = system, source, plan, device
        self.last, self.rank, self.world = last, rank, world
        wanted = room_for_a_thread(device) if ahead is None else ahead
        self._cast = casting(plan, device)
        self._thread = one_thread("batches", self._cast) if wanted else None
        self._next: tuple[int, Future[Any]] | None = None

    def __call__(self, step: int) -> Any:
        """The batch of a step; the next one is begun."""
        if self._thread is None:
            with self._cast:
                return self._made(step)
        begun = self._next if self._next and self._next[0] == step else (step, self._thread.submit(self._made, step))
        batch = begun[1].result()
        self._next = (step + 1, self._thread.submit(self._made, step + 1)) if step + 1 < self.last else None
        return batch

    def _made(self, step: int) -> Any:
        plan, rows = self.plan, self.source(step)
        chance = chance_of((plan.seed * 1_000_003 + step) * 64, self.rank, self.world)
        batch = self.system.batch(rows, chance, augment=True)
        return on_device(own_rows(batch, self.rank, self.world, plan.batch * self.world), self.device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self.source.close()


def room_for_a_thread(device: torch.device) -> bool:
    """Whether a thread that makes batches has cores of its own: a GPU learns, or torch uses at most half of the cores."""
    return device.type != "cpu" or 2 * torch.get_num_threads() <= cores()


def mapped(batch: Any, tensor: Callable[[Tensor], Tensor], items: Callable[[list[Any]], list[Any]] = list) -> Any:
    """A batch with its tensors and lists replaced.

    A batch is a tensor, a list with an item a row, a dict, tuple or dataclass of batches, or what has no rows and stays as it is.
    """
    if isinstance(batch, Tensor):
        return tensor(batch)
    if isinstance(batch, list):
        return items(batch)
    if isinstance(batch, Mapping):
        return {name: mapped(value, tensor, items) for name, value in batch.items()}
    if isinstance(batch, tuple):
        return tuple(mapped(value, tensor, items) for value in batch)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        names = [one.name for one in dataclasses.fields(batch)]
        return dataclasses.replace(batch, **{name: mapped(getattr(batch, name), tensor, items) for name in names})
    return batch


def own_rows(batch: Any, rank: int, world: int, count: int) -> Any:
    """A process's rows of a batch (:func:`mapped`) of ``count``: every ``world``-th from ``rank`` on."""
    if world == 1:
        return batch
    return mapped(
        batch,
        lambda tensor: tensor[rank::world] if tensor.ndim and len(tensor) == count else tensor,
        lambda items: items[rank::world] if len(items) == count else items,
    )


def on_device(batch: Any, device: torch.device) -> Any:
    """A batch (:func:`mapped`) on a device; to a GPU by pinned memory, so that nobody waits for the copy."""

    def moved(tensor: Tensor) -> Tensor:
        if device.type == "cuda" and tensor.device.type == "cpu":
            tensor = tensor.pin_memory()
        return tensor.to(device, non_blocking=True)

    return batch if device.type == "cpu" else mapped(batch, moved)
