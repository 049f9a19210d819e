"""One opener for the networks that read a face: face detector, landmark detector and parser."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from likeness import assets
from likeness.engine import Weights, open_weights


class Tool:
    """A trained network that reads pictures.

    ``system`` is what trained it; ``folder`` is where its weights ship, empty where it is called like the system.
    """

    system: ClassVar[str]
    folder: ClassVar[str] = ""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights


T = TypeVar("T", bound=Tool)


@cache
def open_tool(kind: type[T], weights: str | Path = "", engine: str = "auto", device: str = "auto") -> T:
    """The tool of a kind with the weights that ship, or with those of a file or run directory; made once a process.

    Raises:
        LikenessError: no such weights, damaged ones, or another system's.
    """
    path = Path(weights) if weights else assets.WEIGHTS / (kind.folder or kind.system)
    file = path / "weights.safetensors" if path.is_dir() else path
    return kind(open_weights(file, engine, device, kind.system))
