"""Calls timed in turn, so that what else the machine does falls on all alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median


def seconds(*calls: Callable[[], object], runs: int = 15) -> list[float]:
    """Median time of each call, taken in turn after a warm-up."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(runs + 2):
        for call, times in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            if turn >= 2:
                times.append(time.perf_counter() - start)
    return [median(times) for times in taken]


def machine() -> str:
    """What the milliseconds belong to."""
    from likeness.engine.graph import threads

    return f"{threads()} threads, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
