"""How far landmarks are off: normalised mean error, failure rate, and the area under the curve of errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.faces.landmarks import eye_distance
from likeness.records import Points


def normalised_error(found: Points, truth: Points) -> float:
    """Mean distance of 68 points in per cent of the true distance between the eyes' centres ("inter-pupil" NME).

    A caveat: some papers divide by the outer corners' distance, which is about 1.4 times as long.

    >>> import numpy as np
    >>> truth = np.zeros((68, 2), np.float32)
    >>> truth[42:48] = [50, 0]  # the eyes stand 50 pixels apart
    >>> normalised_error(truth + np.float32([3, 4]), truth)
    10.0
    """
    return float(np.linalg.norm(found - truth, axis=1).mean() / eye_distance(truth) * 100)


def interocular_error(found: Points, truth: Points) -> float:
    """Mean distance of 68 points in per cent of the true distance between the outer corners of the eyes ("inter-ocular" NME).

    >>> import numpy as np
    >>> truth = np.zeros((68, 2), np.float32)
    >>> truth[45] = [100, 0]
    >>> interocular_error(truth + np.float32([3, 4]), truth)
    5.0
    """
    across = float(np.linalg.norm(truth[36] - truth[45]))
    return float(np.linalg.norm(found - truth, axis=1).mean() / max(across, 1e-6) * 100)


def failure_rate(errors: NDArray[np.floating], limit: float = 8.0) -> float:
    """Share of faces with an error over ``limit`` per cent; a face that was not found is a NaN and has failed."""
    values = np.asarray(errors, np.float64)
    return float((np.isnan(values) | (values > limit)).mean())


def area_under_curve(errors: NDArray[np.floating], limit: float = 8.0) -> float:
    """Area under the cumulative curve of errors up to ``limit``, as a share of the best: mean of max(0, 1 − error / limit).

    A face that was not found is a NaN and adds nothing.
    """
    values = np.nan_to_num(np.asarray(errors, np.float64), nan=np.inf)
    return float(np.clip(1 - values / limit, 0, None).mean())
