"""Is one method better than another on the same faces? Paired bootstrap intervals (Efron & Tibshirani 1993)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError


@dataclass(frozen=True)
class Difference:
    """``mean`` of first − second over ``count`` pairs, with the interval [``low``, ``high``] of ``level`` confidence."""

    count: int
    mean: float
    low: float
    high: float
    level: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def paired_difference(
    first: NDArray[np.floating], second: NDArray[np.floating], level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Difference:
    """Percentile bootstrap of the mean difference of paired scores; ``seed`` is the chance in the draws.

    A caveat: it tells how sure the difference is on such faces, not how it would be for another training of the same recipe.

    >>> import numpy as np
    >>> paired_difference(np.arange(10.0) + 1, np.arange(10.0)).clear
    True
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        raise LikenessError(
            f"a paired comparison needs two equally long lists of at least 2 scores, got {one.shape} and {other.shape}"
        )
    apart = one - other
    chance = np.random.default_rng(seed)
    means = np.concatenate([apart[chance.integers(0, len(apart), (500, len(apart)))].mean(1) for _ in range(-(-draws // 500))])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Difference(len(apart), float(apart.mean()), float(low), float(high), level)
