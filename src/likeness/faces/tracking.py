"""One face through the frames of a clip: followed from frame to frame, and its landmarks made steady."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.records import Face, Image, Points

LOOKED_AT, CLOSER = 320, 480
"""The longest side, in pixels, at which frames are searched for faces, and at which a face's surroundings are looked at again."""
PATIENCE = 25
"""Frames without the face after which it may be anywhere."""


def follow(
    frames: Iterable[Image], reader: FaceReader, last: Points | None = None, missed: int = 0
) -> Iterator[tuple[Image, Points | None]]:
    """Each frame with the landmarks, 68 × 2 in its pixels, of the face that was there before; the first time, of the largest.

    A face that was found in the frame before is looked for where it was; only where it is not there any more the whole frame is
    searched. None where no face is found, or only faces elsewhere (further off than one eye distance and a half); after
    :data:`PATIENCE` such frames the largest face is taken again.

    Args:
        frames: in order.
        reader: finds the faces; large frames are searched small, and the face is looked at again more closely.
        last: where the face was before the first frame, if that is known.
        missed: how many frames it had been gone for by then.
    """
    last = last if missed < PATIENCE else None
    for frame in frames:
        face = reader.still(frame, last) if last is not None and not missed else None
        points = _nearest([face.landmarks], last) if face is not None else None
        if points is None:
            points = _nearest([face.landmarks for face in _small(frame, reader, LOOKED_AT)], last)
            if points is not None and max(frame.shape[:2]) > LOOKED_AT:
                points = _closely(frame, reader, points)
        missed = 0 if points is not None else missed + 1
        last = points if points is not None else last if missed < PATIENCE else None
        yield frame, points


def _small(picture: Image, reader: FaceReader, longest: int) -> list[Face]:
    """Faces of a picture that is looked at no larger than ``longest``, with landmarks in its own pixels."""
    ratio = min(1.0, longest / max(picture.shape[:2]))
    small = picture
    if ratio < 1:
        size = (max(round(picture.shape[1] * ratio), 1), max(round(picture.shape[0] * ratio), 1))
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return [replace(face, landmarks=np.asarray((face.landmarks + 0.5) / ratio - 0.5, np.float32)) for face in reader.faces(small)]


def _nearest(found: list[Points], last: Points | None) -> Points | None:
    """The landmarks nearest to the last, if they are near; without any, the first, which are the largest face's."""
    if last is None or not found:
        return found[0] if found else None
    middle, reach = last.mean(0), 1.5 * eye_distance(last)
    near = min(found, key=lambda points: float(np.linalg.norm(points.mean(0) - middle)))
    return near if float(np.linalg.norm(near.mean(0) - middle)) <= reach else None


def _closely(frame: Image, reader: FaceReader, points: Points) -> Points:
    """The same landmarks, from the frame's own pixels round the face; as they are where nothing is seen there."""
    low, high = points.min(0), points.max(0)
    middle, half = (low + high) / 2, float((high - low).max())
    left, top = (max(int(edge), 0) for edge in middle - half)
    right, bottom = (int(edge) + 1 for edge in middle + half)
    crop = np.ascontiguousarray(frame[top:bottom, left:right])
    if min(crop.shape[:2]) == 0:
        return points
    found = [face.landmarks + np.array([left, top], np.float32) for face in _small(crop, reader, CLOSER)]
    near = _nearest(found, points)
    return points if near is None else np.asarray(near, np.float32)


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
