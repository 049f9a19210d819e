"""The mean square difference."""

from __future__ import annotations

from torch import Tensor


def difference(made: Tensor, photo: Tensor) -> Tensor:
    """Mean over pictures and numbers."""
    return (made - photo).square().mean()
