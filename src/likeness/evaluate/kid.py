"""Kernel distance between two sets of features (Bińkowski et al. 2018); called KID only when the features are Inception-v3's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError


def kernel_distance(
    first: NDArray[np.floating], second: NDArray[np.floating], subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The unbiased squared MMD under k(x, y) = (x·y / D + 1)³, as (mean, standard deviation) over random subsets.

    Args:
        first, second: features N × D and M × D.
        subsets: how many subsets; ``size`` of each, at most as many as there are.
        seed: the chance in choosing them.

    Unlike a Fréchet distance it is unbiased, so sets of different sizes may be compared. A caveat: being unbiased it can be
    slightly below 0 for sets from one source.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(300, 4))
    >>> mean, _ = kernel_distance(x[:150], x[150:], subsets=20)
    >>> abs(mean) < 0.05
    True
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or min(len(one), len(other)) < 2:
        raise LikenessError(
            f"a kernel distance needs two sets of at least 2 features of one length, got {one.shape} and {other.shape}"
        )
    count = min(size, len(one), len(other))
    chance = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        x = one[chance.choice(len(one), count, replace=False)]
        y = other[chance.choice(len(other), count, replace=False)]
        values.append(_mmd(x, y))
    return float(np.mean(values)), float(np.std(values))


def _mmd(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Unbiased squared maximum mean discrepancy of equally many features."""
    count, length = x.shape
    within_x, within_y, between = ((a @ b.T / length + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    pairs = count * (count - 1)
    same = (within_x.sum() - np.trace(within_x) + within_y.sum() - np.trace(within_y)) / pairs
    return float(same - 2 * between.mean())
