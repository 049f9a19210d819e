"""Which rows a step learns from, and where they come from: a table in memory, or shards read ahead by a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor

from likeness.data.store import FaceStore
from likeness.data.stream import StreamedStore
from likeness.errors import LikenessError
from likeness.recipe import Training
from likeness.system import STATISTICS_ROWS, System, Table

WINDOW = 4
"""Shards whose rows are mixed. Two windows are in memory: the one that is read, and the next."""


def row_numbers(seed: int, step: int, batch: int, count: int) -> Tensor:
    """The rows of step ``step``: epochs are seeded permutations, read in order. A pure function, so resuming needs no state."""
    epoch_length = max(count // batch, 1)
    epoch, place = divmod(step, epoch_length)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    rows = order[place * batch : (place + 1) * batch]
    return rows if len(rows) == batch else order[torch.arange(batch) % count]


def windows(seed: int, epoch: int, count: int, shard: int) -> list[Tensor]:
    """The shards of an epoch in seeded order, :data:`WINDOW` at a time; shard k is the rows from k·shard on."""
    order = torch.randperm(-(-count // shard), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    return list(order.split(WINDOW))


def sharded_rows(seed: int, step: int, batch: int, count: int, shard: int) -> Tensor:
    """As :func:`row_numbers`, but rows are mixed within windows of shards, so that few shards are needed at a time.

    Also a pure function. ``count`` is at least ``batch``.
    """
    epoch, place = divmod(step, max(count // batch, 1))
    found, begin = [], 0
    for number, members in enumerate(windows(seed, epoch, count, shard)):
        size = int((torch.clamp((members + 1) * shard, max=count) - members * shard).sum())
        low, high = max(place * batch - begin, 0), min((place + 1) * batch - begin, size)
        if low < high:
            rows = torch.cat([torch.arange(int(one) * shard, min((int(one) + 1) * shard, count)) for one in members])
            chance = torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 4099 + number)
            found.append(rows[torch.randperm(size, generator=chance)][low:high])
        begin += size
    return torch.cat(found)


def one_thread(name: str, cast: AbstractContextManager[object]) -> ThreadPoolExecutor:
    """A thread that is within ``cast`` as long as it lives.

    Leaving an autocast empties the cache of weights that all threads share. If another thread did that in the middle of a step,
    weights would be cast twice, and their gradients rounded otherwise: a resumed training would not be bit-exact.
    """

    def begin() -> None:
        cast.__enter__()

    return ThreadPoolExecutor(1, name, begin)


class Rows(Protocol):
    """Where a step's rows come from."""

    def __call__(self, step: int) -> Table:
        """The columns of the rows of a step: on the device, or on the processor where the system makes its batches there."""
        ...

    def close(self) -> None:
        """Nothing more is asked for."""
        ...


class HeldRows:
    """The whole table in memory, where the system makes its batches."""

    def __init__(self, table: Table, plan: Training, batch: int) -> None:
        self.table, self.plan, self.batch = table, plan, batch
        self.count = len(next(iter(table.values())))

    def __call__(self, step: int) -> Table:
        """See :class:`Rows`."""
        rows = numbers(self.plan, self.batch, self.count)(step)
        return {key: column[rows.to(column.device)] for key, column in self.table.items()}

    def close(self) -> None:
        """See :class:`Rows`."""


class StreamedRows:
    """Two windows of shards in memory; a thread reads and decodes the next while the present one is learned from.

    Rows are handed over on ``device``.
    """

    def __init__(self, system: System, faces: StreamedStore, plan: Training, batch: int, device: torch.device) -> None:
        self.system, self.faces, self.plan, self.batch, self.device = system, faces, plan, batch, device
        self.count = len(faces)
        self._numbers = numbers(plan, batch, self.count)
        self._thread = one_thread("rows", torch.autocast(device.type, torch.bfloat16, enabled=False))
        self._shards: dict[int, Future[Table]] = {}
        self._order: tuple[int, list[Tensor]] = (-1, [])

    def __call__(self, step: int) -> Table:
        """See :class:`Rows`."""
        rows = self._numbers(step)
        shards = rows // self.plan.shard
        self._ahead(step, {int(one) for one in shards.unique()})
        found: Table = {}
        for one in shards.unique().tolist():
            there = shards == one
            for key, column in self._shards[one].result().items():
                value = found.setdefault(key, column.new_empty(len(rows), *column.shape[1:]))
                value[there] = column[rows[there] - one * self.plan.shard]
        return {key: value.to(self.device, non_blocking=True) for key, value in found.items()}

    def _ahead(self, step: int, needed: set[int]) -> None:
        """Have the windows of this step read, and the one after them; let others go."""
        epoch = step // max(self.count // self.batch, 1)
        if self._order[0] != epoch:
            later = [windows(self.plan.seed, epoch + i, self.count, self.plan.shard) for i in range(2)]
            self._order = (epoch, [*later[0], later[1][0]])
        order = [[int(one) for one in members] for members in self._order[1]]
        here = [number for number, members in enumerate(order[:-1]) if needed & set(members)]
        wanted = [one for members in order[here[0] : here[-1] + 2] for one in members]
        for one in set(self._shards) - set(wanted):
            self._shards.pop(one).cancel()
        for one in wanted:
            if one not in self._shards:
                self._shards[one] = self._thread.submit(self._read, one)

    def _read(self, shard: int) -> Table:
        begin = shard * self.plan.shard
        return self.system.table(self.faces.take(list(range(begin, min(begin + self.plan.shard, self.count)))))

    def close(self) -> None:
        """See :class:`Rows`."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def numbers(plan: Training, batch: int, count: int) -> Callable[[int], Tensor]:
    """Step → its rows, as the plan has them mixed."""
    if plan.shard and count >= batch:
        return lambda step: sharded_rows(plan.seed, step, batch, count, plan.shard)
    return lambda step: row_numbers(plan.seed, step, batch, count)


def rows_of(system: System, faces: FaceStore, plan: Training, batch: int, device: torch.device) -> Rows:
    """Where rows come from; the system's statistics are fitted on the way.

    Raises:
        LikenessError: faces are streamed, but the plan mixes all of them, or they are fewer than a batch.
    """
    if not isinstance(faces, StreamedStore):
        table = system.table(faces)
        there = {key: column.to(device) for key, column in table.items()}
        system.fit_statistics(there)
        return HeldRows(table if system.on_host else there, plan, batch)
    if not plan.shard or len(faces) < batch:
        raise LikenessError(f"training.shard={plan.shard}: faces are streamed in shards, 1000 rows each for example")
    pieces = (faces.take(list(range(i, min(i + STATISTICS_ROWS, len(faces))))) for i in range(0, len(faces), STATISTICS_ROWS))
    system.fit_tables({key: column.to(device) for key, column in system.table(piece).items()} for piece in pieces)
    return StreamedRows(system, faces, plan, batch, torch.device("cpu") if system.on_host else device)
