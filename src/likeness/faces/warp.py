"""A picture bent by a thin-plate spline, so that landmarks come to lie elsewhere (Bookstein 1989)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.records import Image, Points


def warped(picture: Image, landmarks: Points, wanted: Points, step: int = 1) -> Image:
    """A picture S × S × 3 in which what is at ``landmarks`` comes to lie at ``wanted`` (N × 2 each); edges stay where they are.

    A thin-plate spline says, for each pixel of the result, where it comes from; with a ``step`` of n for one pixel in n × n, and
    the others take what lies between: much faster, and nearly the same.
    """
    size = picture.shape[0]
    edge = np.linspace(0, size - 1, 5)
    border = np.array([(x, y) for x in edge for y in edge if x in edge[[0, -1]] or y in edge[[0, -1]]])
    here = np.concatenate([wanted.astype(np.float64), border])
    there = np.concatenate([landmarks.astype(np.float64), border])
    count = -(-size // step)
    rows, columns = np.mgrid[:count, :count] * float(step) + (step - 1) / 2
    grid = np.stack([columns.ravel(), rows.ravel()], 1)
    found: NDArray[np.float32] = spline(here, there, grid).astype(np.float32).reshape(count, count, 2)
    if step > 1:  # the middle of each block of pixels, as cv2 enlarges pictures; at the border the field goes on as it is
        away = found - np.stack([columns, rows], -1).astype(np.float32)
        large = cv2.resize(away, (count * step, count * step), interpolation=cv2.INTER_CUBIC)[:size, :size]
        found = np.asarray(large + np.stack(np.meshgrid(*[np.arange(size)] * 2), -1), np.float32)
    made = cv2.remap(picture, found[..., 0], found[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.uint8)


def spline(
    points: NDArray[np.float64], values: NDArray[np.float64], asked: NDArray[np.float64], stiff: float = 1e-3
) -> NDArray[np.float64]:
    """The thin-plate spline through ``values`` N × 2 at ``points`` N × 2, at ``asked`` M × 2; ``stiff`` evens it out."""
    scale = max(float(np.ptp(points)), 1e-9)
    points, asked = points / scale, asked / scale

    def bend(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        square = np.maximum(np.square(a[:, None] - b[None]).sum(-1), 1e-18)
        return np.asarray(square * np.log(square) / 2)

    count = len(points)
    flat = np.hstack([np.ones((count, 1)), points])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = bend(points, points) + stiff * np.eye(count) / count
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.lstsq(system, np.concatenate([values, np.zeros((3, values.shape[1]))]), rcond=None)[0]
    return np.asarray(bend(asked, points) @ weights[:count] + np.hstack([np.ones((len(asked), 1)), asked]) @ weights[count:])
