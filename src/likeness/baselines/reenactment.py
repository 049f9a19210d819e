"""What a target's face can be made of without training: its own frames, chosen or warped by landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.solid import pose
from likeness.records import Image, Points


def normalise_shape(landmarks: Points) -> NDArray[np.float64]:
    """Landmarks 68 × 2 about their middle, their root mean square distance from it 1: a face's shape and turn, not its place."""
    centred = landmarks.astype(np.float64) - landmarks.mean(0)
    return np.asarray(centred / max(float(np.sqrt(np.square(centred).sum(1).mean())), 1e-6))


class NearestFrame:
    """The frame of a target whose landmarks are nearest, once both are normalise_shape."""

    title = "nearest frame"

    def __init__(self, frames: FaceStore) -> None:
        if len(frames) == 0:
            raise LikenessError(f"{frames.path}: holds no frames of the target")
        self.faces = list(frames)
        self._known = np.stack([normalise_shape(face.landmarks) for face in self.faces])

    def draw(self, conditions: Sequence[Points]) -> Image:
        """A frame S × S × 3 for each set of landmarks."""
        found = []
        for points in conditions:
            apart = np.square(self._known - normalise_shape(points)).sum((1, 2))
            found.append(self.faces[int(apart.argmin())].image)
        return np.stack(found)


class WarpedFrame:
    """One frame of a target, looking ahead, warped by a thin-plate spline so that its landmarks come to where they are wanted."""

    title = "a frame, warped"

    def __init__(self, frames: FaceStore) -> None:
        faces = list(frames)
        if not faces:
            raise LikenessError(f"{frames.path}: holds no frames of the target")
        ahead = min(faces, key=lambda face: sum(abs(angle) for angle in pose(face.landmarks).angles))
        self.image, self.landmarks = ahead.image, ahead.landmarks

    def draw(self, conditions: Sequence[Points]) -> Image:
        """The frame warped to each set of landmarks; its corners stay."""
        return np.stack([warped(self.image, self.landmarks, points) for points in conditions])


def warped(picture: Image, landmarks: Points, wanted: Points) -> Image:
    """A picture S × S × 3 in which what is at ``landmarks`` comes to lie at ``wanted`` (N × 2 each); edges stay where they are.

    A thin-plate spline (Bookstein 1989) says, for each pixel of the result, where it comes from.
    """
    size = picture.shape[0]
    edge = np.linspace(0, size - 1, 5)
    border = np.array([(x, y) for x in edge for y in edge if x in edge[[0, -1]] or y in edge[[0, -1]]])
    here = np.concatenate([wanted.astype(np.float64), border])
    there = np.concatenate([landmarks.astype(np.float64), border])
    rows, columns = np.mgrid[:size, :size]
    grid = np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float64)
    found = spline(here, there, grid).astype(np.float32).reshape(size, size, 2)
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
