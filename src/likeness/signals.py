"""Stopping cleanly when the user or the system asks to."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """Within, the first SIGINT or SIGTERM is written into this list instead of ending the program; a second one ends it."""
    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        restore()
        os.write(2, b"likeness: stopping; once more ends at once\n")  # a print could meet itself in a signal handler

    for number in before:
        signal.signal(number, stop)
    try:
        yield asked
    finally:
        restore()
