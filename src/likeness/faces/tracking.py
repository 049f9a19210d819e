"""One face through the frames of a clip: followed from frame to frame, and its landmarks made steady."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.records import Image, Points

LOOKED_AT = 320
"""The longest side, in pixels, at which frames are searched for faces."""


def follow(frames: Iterable[Image], reader: FaceReader) -> Iterator[tuple[Image, Points | None]]:
    """Each frame with the landmarks, 68 × 2 in its pixels, of the face that was there before; the first time, of the largest.

    None where no face is found, or only faces elsewhere (further off than one eye distance and a half).
    """
    last: Points | None = None
    for frame in frames:
        ratio = min(1.0, LOOKED_AT / max(frame.shape[:2]))
        small = frame
        if ratio < 1:
            size = (round(frame.shape[1] * ratio), round(frame.shape[0] * ratio))
            small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        found = [np.asarray((face.landmarks + 0.5) / ratio - 0.5, np.float32) for face in reader.faces(small)]
        if last is not None and found:
            middle, reach = last.mean(0), 1.5 * eye_distance(last)
            near = min(found, key=lambda points: float(np.linalg.norm(points.mean(0) - middle)))
            found = [near] if float(np.linalg.norm(near.mean(0) - middle)) <= reach else []
        points = found[0] if found else None
        last = points if points is not None else last
        yield frame, points


class Steady:
    """The One Euro filter (Casiez, Roussel & Vogel 2012) on landmarks: calm where they rest, quick where they move.

    Args:
        rate: frames a second.
        calm: the cutoff frequency in Hz at rest; lower is calmer.
        quick: how much it rises with speed, measured in eye distances a second.
    """

    def __init__(self, rate: float, calm: float = 1.5, quick: float = 4.0) -> None:
        self.rate, self.calm, self.quick = rate, calm, quick
        self._points: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] = np.zeros(0)

    def share(self, cutoff: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """α of a first-order low-pass filter with this cutoff frequency: 1 / (1 + rate / (2π·cutoff))."""
        return np.asarray(1 / (1 + self.rate / (2 * np.pi * np.asarray(cutoff, np.float64))))

    def __call__(self, points: Points) -> Points:
        """The next frame's landmarks N × 2, made steady."""
        now = points.astype(np.float64)
        if self._points is None or self._points.shape != now.shape:
            self._points, self._speed = now, np.zeros_like(now)
            return points
        scale = eye_distance(points) if len(points) == 68 else 1.0
        speed = (now - self._points) * self.rate / max(scale, 1e-6)
        self._speed = self._speed + self.share(1.0) * (speed - self._speed)
        cutoff = self.calm + self.quick * np.linalg.norm(self._speed, axis=1, keepdims=True)
        self._points = self._points + self.share(cutoff) * (now - self._points)
        return np.asarray(self._points, np.float32)
