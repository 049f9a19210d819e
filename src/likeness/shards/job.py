"""What is done in pieces: a job that travels to workers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

THREADS = ("LIKENESS_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that say how many threads a graph (:func:`likeness.engine.graph.threads`) and numpy may use."""

Line = dict[str, Any]
"""What is said of a piece that is done, in plain JSON values."""


class Job(ABC):
    """Work in numbered pieces. It is sent to workers, so it holds names and numbers, and opens what it needs there.

    A piece that is done has its result on the disk under a name of its own, put there by one rename. So a piece that was cut
    off leaves nothing that counts, and one that is done twice leaves one result.
    """

    @abstractmethod
    def open(self) -> Callable[[int], Line]:
        """Open what the work needs, once in each worker; what comes back does the piece of a number.

        Raises:
            LikenessError: it cannot be opened; the whole run ends with this line.
        """


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, OpenCV, the graphs that are opened and the processes that are started use one thread; then all is as before."""
    import cv2

    threads, named = cv2.getNumThreads(), {name: os.environ.get(name) for name in THREADS}
    cv2.setNumThreads(1)
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        for name, value in named.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
