"""Things of all sessions, each session's apart, with a bound on all of them."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from likeness.studio.errors import missing

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things by session and id. Any thread may use it.

    Where a session has too many, it loses what it has not used for longest; where all together have too many bytes, the session
    that holds most does.

    Args:
        what: what a thing is called in messages.
        most: things of a session.
        most_bytes: bytes of a session.
        all_bytes: bytes of all sessions together.
    """

    def __init__(self, what: str, most: int, most_bytes: int, all_bytes: int) -> None:
        self._what, self._most, self._most_bytes, self._all_bytes = what, most, most_bytes, all_bytes
        self._lock = threading.RLock()
        self._of: dict[str, OrderedDict[str, tuple[T, int, int]]] = {}  # thing, size, which it is in the order of coming
        self._numbers = itertools.count()
        self._bytes: dict[str, int] = {}

    def add(self, client: str, id: str, thing: T, size: int) -> None:
        """Keep a thing of ``size`` bytes; older ones make room."""
        with self._lock:
            own = self._of.setdefault(client, OrderedDict())
            if id in own:
                self._drop(client, id)
            own = self._of.setdefault(client, OrderedDict())
            own[id] = (thing, size, next(self._numbers))
            self._bytes[client] = self._bytes.get(client, 0) + size
            while len(own) > 1 and (len(own) > self._most or self._bytes[client] > self._most_bytes):
                self._drop(client, next(iter(own)))
            while sum(self._bytes.values()) > self._all_bytes:
                fullest = max(self._bytes, key=lambda one: self._bytes[one])
                self._drop(fullest, next(iter(self._of[fullest])))

    def get(self, client: str, id: str) -> T:
        """A session's thing.

        Raises:
            StudioError: there is none of that id in this session.
        """
        with self._lock:
            own = self._of.get(client)
            if own is None or id not in own:
                raise missing(self._what)
            own.move_to_end(id)
            return own[id][0]

    def all(self, client: str) -> list[T]:
        """A session's things, in the order in which they were added."""
        with self._lock:
            return [thing for thing, _, _ in sorted(self._of.get(client, {}).values(), key=lambda one: one[2])]

    def remove(self, client: str, id: str) -> None:
        """Forget a thing.

        Raises:
            StudioError: there is none of that id in this session.
        """
        with self._lock:
            if id not in self._of.get(client, {}):
                raise missing(self._what)
            self._drop(client, id)

    def clear(self, client: str) -> None:
        """Forget all of a session."""
        with self._lock:
            for id in list(self._of.get(client, {})):
                self._drop(client, id)

    def sessions(self) -> set[str]:
        """The sessions that have something here."""
        with self._lock:
            return set(self._of)

    @property
    def bytes(self) -> int:
        """What all of it takes."""
        with self._lock:
            return sum(self._bytes.values())

    def _drop(self, client: str, id: str) -> None:
        _, size, _ = self._of[client].pop(id)
        self._bytes[client] -= size
        if not self._of[client]:
            del self._of[client], self._bytes[client]
        self.dropped(client, id)

    def dropped(self, client: str, id: str) -> None:
        """Called for each thing that is not here any more; the lock is held."""
