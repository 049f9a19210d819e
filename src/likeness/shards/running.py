"""Pieces done by one of the engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from likeness.errors import LikenessError
from likeness.shards import on_ray, pool
from likeness.shards.job import Job, Line

ENGINES = ("pool", "ray")


@dataclass(frozen=True)
class Crew:
    """Who works: ``engine``, one of :data:`ENGINES`; how many ``workers``, by default one a core; Ray's ``address``."""

    engine: str = ENGINES[0]
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise LikenessError(f"--engine {self.engine}: there are {', '.join(ENGINES)}")
        if self.workers is not None and self.workers < 1:
            raise LikenessError(f"--processes {self.workers}: at least one is needed")

    def run(self, job: Job, numbers: Iterable[int]) -> Iterator[tuple[int, Line]]:
        """Do the pieces of these numbers; yields each number with what is said of it, as they come to their ends."""
        if self.engine == "ray":
            return on_ray.run(job, numbers, self.workers, self.address)
        return pool.run(job, numbers, self.workers)
