"""A pool of processes on one machine: a worker that dies is replaced, and its piece goes to another."""

from __future__ import annotations

import os
import signal
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from likeness.errors import LikenessError
from likeness.shards.job import Job, Line, one_thread

MOST_DEATHS = 50
"""Workers that may die over one piece, or before they have opened the job, until the run ends."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(job: Job, numbers: Iterable[int], processes: int | None = None) -> Iterator[tuple[int, Line]]:
    """Do the pieces of these numbers; yields each number with what is said of it, as they come to their ends.

    One process works here, more are started (spawn), on one thread each. ``numbers`` is read as workers become free, and a
    worker holds one piece. If the caller stops, the workers are ended at once: no piece is spoilt by that.

    Args:
        job: the work.
        numbers: of the pieces that are to be done.
        processes: how many; by default one a core.

    Raises:
        LikenessError: the job's own, or workers keep dying.
    """
    count = processes or cores()
    if count == 1:
        with one_thread():
            do = job.open()
            for number in numbers:
                yield number, do(number)
        return
    yield from _Pool(job, iter(numbers), count)


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    number: int | None = None
    ready: bool = False


class _Pool:
    """The driver's side. Pieces of workers that died come before new ones."""

    def __init__(self, job: Job, numbers: Iterator[int], count: int) -> None:
        self.job, self.numbers, self.count = job, numbers, count
        self.workers: list[_Worker] = []
        self.again: list[int] = []
        self.deaths: Counter[int | None] = Counter()

    def __iter__(self) -> Iterator[tuple[int, Line]]:
        waiting = self._next()
        try:
            while waiting is not None or any(worker.number is not None for worker in self.workers):
                while waiting is not None and len(self.workers) < self.count:
                    self._start()
                    waiting = self._give(self.workers[-1], waiting)
                for pipe in wait([worker.pipe for worker in self.workers]):
                    worker = next(one for one in self.workers if one.pipe is pipe)
                    said = self._heard(worker)
                    if said is None:
                        waiting = self._next() if waiting is None else waiting
                    elif said != "ready":
                        number, worker.number = worker.number, None
                        assert number is not None
                        if waiting is not None:
                            waiting = self._give(worker, waiting)
                        yield number, said
        finally:
            self._end()

    def _next(self) -> int | None:
        return self.again.pop() if self.again else next(self.numbers, None)

    def _start(self) -> None:
        here, there = get_context("spawn").Pipe()
        with one_thread():  # numpy reads the environment when it is imported, which is while the job is read
            process = get_context("spawn").Process(target=_serve, args=(there, self.job), daemon=True)
            process.start()
        there.close()
        self.workers.append(_Worker(process, here))

    def _give(self, worker: _Worker, number: int) -> int | None:
        """Give a worker a piece; the piece that waits then. A worker that is dead is found out by its pipe's end."""
        worker.number = number
        with suppress(OSError):
            worker.pipe.send(number)
        return self._next()

    def _heard(self, worker: _Worker) -> Any:
        """What a worker says: ``"ready"``, or of a piece; None where it is dead, and its piece waits again."""
        try:
            kind, said = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return None
        if kind == "refused":
            raise LikenessError(said)
        if kind == "broken":
            raise RuntimeError(f"a worker process failed:\n{said}")
        worker.ready = True
        return said

    def _bury(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        about = worker.number if worker.ready else None
        self.deaths[about] += 1
        if self.deaths[about] >= MOST_DEATHS:
            raise LikenessError(
                "worker processes end without a word, often for want of memory: try fewer processes; the same command goes on"
            )
        if worker.number is not None:
            self.again.append(worker.number)

    def _end(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()


def _serve(pipe: Connection, job: Job) -> None:
    """A worker. It ends when its driver does; an interruption is the driver's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with one_thread():
            do = job.open()
            pipe.send(("ready", "ready"))
            while True:
                number = pipe.recv()
                pipe.send(("done", do(number)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except LikenessError as problem:
        answer = ("refused", str(problem))
    except Exception:
        answer = ("broken", traceback.format_exc())
    with suppress(OSError):
        pipe.send(answer)
