"""Fair turns: a few threads do the work of all sessions, one piece of each session's after the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from likeness.studio.errors import StudioError

T = TypeVar("T")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Turns:
    """Threads that take work from the sessions in turn. A session has one piece in work at a time, so that its order is kept.

    Args:
        threads: how many; by default one a core.
        waiting: pieces that a session may have waiting.
    """

    def __init__(self, threads: int = 0, waiting: int = 32) -> None:
        self._waiting = waiting
        self._queues: dict[str, deque[Callable[[], None]]] = {}
        self._order: deque[str] = deque()
        self._busy: set[str] = set()
        self._ready = threading.Condition()
        self._open = True
        self._threads = [threading.Thread(target=self._work, name=f"studio-{n}", daemon=True) for n in range(threads or cores())]
        for thread in self._threads:
            thread.start()

    def add(self, client: str, work: Callable[[], None]) -> None:
        """Put a piece of work, which raises nothing, at the end of a session's queue.

        Raises:
            StudioError: the session has too many waiting already, or the server is closing.
        """
        with self._ready:
            if not self._open:
                raise StudioError("the studio is closing", 503)
            queue = self._queues.setdefault(client, deque())
            if len(queue) >= self._waiting:
                raise StudioError("too many requests of this session are waiting", 429, 1)
            queue.append(work)
            if client not in self._busy and len(queue) == 1:
                self._order.append(client)
                self._ready.notify()

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """What ``work`` gives, done at the session's turn. Where the one who waits has gone away before, it is not done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def tell(found: Any, problem: BaseException | None) -> None:
            if future.cancelled():
                return
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(found)

        def piece() -> None:
            if future.cancelled():
                return
            found: Any = None
            problem: BaseException | None = None
            try:
                found = work()
            except BaseException as error:
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(tell, found, problem)

        self.add(client, piece)
        return await future

    def close(self) -> None:
        """Take no more work, and wait for what is being done."""
        with self._ready:
            self._open = False
            self._order.clear()
            self._queues.clear()
            self._ready.notify_all()
        for thread in self._threads:
            thread.join(timeout=30)

    def _work(self) -> None:
        while True:
            with self._ready:
                while self._open and not self._order:
                    self._ready.wait()
                if not self._open:
                    return
                client = self._order.popleft()
                piece = self._queues[client].popleft()
                self._busy.add(client)
            try:
                piece()
            finally:
                with self._ready:
                    self._busy.discard(client)
                    if self._queues.get(client):
                        self._order.append(client)
                        self._ready.notify()
                    else:
                        self._queues.pop(client, None)
                del piece
