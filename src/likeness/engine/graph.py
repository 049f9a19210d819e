"""A graph: a network with named, typed ports."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError

Array = NDArray[Any]


@dataclass(frozen=True)
class Port:
    """What goes into a graph or comes out of it.

    ``shape`` holds numbers, and names for sizes that may vary; the first size of every port is ``"batch"``. ``low`` and ``high``
    are the range of its values.
    """

    name: str
    shape: tuple[int | str, ...]
    low: float = -1.0
    high: float = 1.0
    what: str = ""

    def check(self, value: Array, sizes: dict[str, int]) -> Array:
        """The value as float32, if its shape is this port's; ``sizes`` collects what the named sizes are."""
        shape = np.shape(value)
        for expected, got in zip(self.shape, shape, strict=False):
            if isinstance(expected, str):
                expected = sizes.setdefault(expected, got)
            if expected != got:
                break
        else:
            if len(shape) == len(self.shape):
                return np.ascontiguousarray(value, np.float32)
        wanted = " × ".join(str(size) for size in self.shape)
        raise LikenessError(f"{self.name}: {wanted} was expected, got {' × '.join(map(str, shape))}")


class Graph(ABC):
    """A network that takes arrays by name and gives arrays by name; float32 throughout."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __call__(self, **arrays: Array) -> dict[str, Array]:
        """Run it.

        Raises:
            LikenessError: an input is missing, unknown or of another shape.
        """
        known = [port.name for port in self.inputs]
        if odd := sorted(set(arrays) ^ set(known)):
            raise LikenessError(f"{self.name}: {odd[0]!r} is missing or unknown; the inputs are {', '.join(known)}")
        sizes: dict[str, int] = {}
        feeds = {port.name: port.check(arrays[port.name], sizes) for port in self.inputs}
        return dict(zip((port.name for port in self.outputs), self.compute(feeds), strict=True))

    @abstractmethod
    def compute(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """The outputs in order of :attr:`outputs`."""


def in_batches(graph: Graph, most: int, **arrays: Array) -> dict[str, Array]:
    """The same as calling ``graph``, at most ``most`` items at a time, so that memory stays bounded."""
    count = len(next(iter(arrays.values())))
    if count <= most:
        return graph(**arrays)
    made = [graph(**{name: value[i : i + most] for name, value in arrays.items()}) for i in range(0, count, most)]
    return {name: np.concatenate([one[name] for one in made]) for name in made[0]}


def threads() -> int:
    """How many threads a graph may use: ``LIKENESS_THREADS`` or ``OMP_NUM_THREADS`` where set, else the cores of this process."""
    for name in ("LIKENESS_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
