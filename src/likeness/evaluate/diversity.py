"""How much the pictures made from one condition differ (FaceFeat-GAN, section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def diversity(generated: Sequence[NDArray[np.floating]], real: Sequence[NDArray[np.floating]]) -> float:
    """Mean variance of feature entries within a person's generated pictures, relative to that of real photos (1).

    Args:
        generated, real: for each person features n × D of that person's pictures, at least two.

    A caveat: noise is diverse too; read it beside an identity score.

    >>> import numpy as np
    >>> real = [np.array([[0.0, 0.0], [2.0, 2.0]])]
    >>> diversity([np.array([[0.0, 0.0], [1.0, 1.0]])], real)  # half the spread, a quarter of the variance
    0.25
    """

    def spread(groups: Sequence[NDArray[np.floating]]) -> float:
        return float(np.mean([np.asarray(group, np.float64).var(0, ddof=1).mean() for group in groups]))

    return spread(generated) / max(spread(real), 1e-12)
