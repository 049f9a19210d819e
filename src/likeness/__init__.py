"""likeness: a face from what you have. See README.md and docs/house.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likeness.errors import LikenessError
from likeness.version import __version__

if TYPE_CHECKING:
    from likeness.faces.reader import FaceReader as FaceReader
    from likeness.synthesizer import Synthesizer as Synthesizer
    from likeness.systems import load as load

__all__ = ["FaceReader", "LikenessError", "Synthesizer", "__version__", "load"]

_LAZY = {
    "FaceReader": "likeness.faces.reader",
    "Synthesizer": "likeness.synthesizer",
    "load": "likeness.systems",
}


def __getattr__(name: str) -> Any:
    """Import the heavy names only when they are asked for, so that ``import likeness`` stays light."""
    if name not in _LAZY:
        raise AttributeError(f"module 'likeness' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
