"""Fréchet distance between two sets of features (Heusel et al. 2017, eq. 6), in float64.

It is called FID only when the features are Inception-v3's; here a table always names the network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError

Array = NDArray[np.float64]


def frechet_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2·(C₁C₂)^½) of features N × D and M × D; 0 for equal sets, lower is nearer.

    The root's trace is Σ√λ over the eigenvalues λ of C₁^½ C₂ C₁^½, which are real and not negative.

    Caveats: it is biased upwards for small N (compare only at one N), and with N ≤ D the covariances are singular.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(500, 3))
    >>> round(frechet_distance(x, x), 6), round(frechet_distance(x, x + 2), 6)
    (0.0, 12.0)
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or min(len(one), len(other)) < 2:
        raise LikenessError(
            f"a Fréchet distance needs two sets of at least 2 features of one length, got {one.shape} and {other.shape}"
        )
    shift = one.mean(0) - other.mean(0)
    c1, c2 = np.atleast_2d(np.cov(one, rowvar=False)), np.atleast_2d(np.cov(other, rowvar=False))
    values, vectors = np.linalg.eigh(c1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    product = np.linalg.eigvalsh(root @ c2 @ root)
    trace = float(np.trace(c1) + np.trace(c2) - 2 * np.sqrt(np.clip(product, 0, None)).sum())
    return max(float(shift @ shift) + trace, 0.0)
