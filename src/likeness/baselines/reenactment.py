"""What a target's face can be made of without training: its own frames, chosen or warped by landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.solid import pose
from likeness.faces.warp import warped
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
