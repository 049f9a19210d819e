"""One photo of a person as the target of a reenactment.

The photo is bent to the driver's landmarks by a thin-plate spline. Its mouth, which may have to open, is left out and made by the
joint model of the rest of the bent photo, the landmarks, the identity and the look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.effects import erased_region
from likeness.faces.landmarks import COUNT
from likeness.faces.morphable import POSE
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.faces.warp import warped
from likeness.image import from_planes
from likeness.records import Image, Points
from likeness.systems.joint import maps
from likeness.systems.joint.maps import FLAGS, MAPS
from likeness.systems.joint.recipes import CODES
from likeness.systems.joint.synthesis import JointSynthesizer

WIDEST = 35.0
"""Degrees of yaw away from the camera, or from where the photo looks, beyond which a bent photo is no face any more."""
MADE = ("mouth",)
"""Features that are made anew; the others are bent."""
STEP = 4
"""One pixel in so many each way is bent exactly."""


class PhotoTarget:
    """What :func:`likeness.systems.landmark.reenact.reenact` drives, made of one photo.

    A driver's landmarks are given the person's shape by a morphable model: its identity modes are the person's, expression and
    pose the driver's; what the model cannot say of the person's own landmarks is added again.

    Args:
        system: the trained joint model.
        photo: of the person, as :meth:`JointSynthesizer.prepare` takes it.
        number: which face of the photo; 1 is the largest.

    ``remarks`` are what makes the photo a poor one, in one line each.

    Raises:
        LikenessError: the photo cannot be read, or shows no such face.
    """

    def __init__(self, system: JointSynthesizer, photo: Any, number: int = 1) -> None:
        self.system, self.card, self.framing = system, system.card, system.framing
        face, self.remarks = system.face_and_remarks(photo, "like", number)
        self.photo, landmarks, _ = face.framed(self.framing)
        self.identity = system.identity(face)
        self.noise = system.noise(0)
        self.noise[CODES["shape"] :] = system.look(self.photo[None])[0]
        self.model = open_tool(FaceRecogniser).morphable()
        self.person = self.model.fit(landmarks[None])[0]
        self.landmarks = landmarks
        self.away = landmarks - self.model.project(self.person[None])[0]

    def draw(self, conditions: Sequence[Points], *, target: str | None = None, convert: bool = True) -> Image:
        """The person's face for each set of landmarks 68 × 2 in pixels of the framing: uint8 B × S × S × 3.

        Args:
            conditions: the landmarks.
            target: not looked at; there is one person.
            convert: give the landmarks the person's shape first.

        Raises:
            LikenessError: no landmarks, or not 68 finite points.
        """
        points = checked(conditions)
        points = self.converted(points) if convert else points
        count, size = len(points), self.framing.size
        spatial = np.zeros((count, MAPS, size, size), np.float32)
        bent = np.stack([warped(self.photo, self.landmarks, some, STEP) for some in points])
        told = np.stack([~erased_region((size, size), some, MADE) for some in points])
        for one, some, picture, where in zip(spatial, points, bent, told, strict=True):
            one[maps.channels("landmarks")] = maps.landmark_maps(some, size)
            one[maps.channels("known")] = maps.known_maps(picture, where)
        flags = np.array([float(name in ("landmarks", "known", "identity")) for name in FLAGS], np.float32)
        vectors = {"noise": self.noise, "identity": self.identity, "flags": flags}
        repeated = {name: np.repeat(vector[None], count, 0) for name, vector in vectors.items()}
        made = from_planes(self.system.paint({"maps": spatial, **repeated}))
        share = np.stack([_soft(where) for where in told])[..., None]
        return np.asarray((bent * share + made * (1 - share)).round(), np.uint8)

    def converted(self, landmarks: Points) -> Points:
        """Landmarks N × 68 × 2 with the person's shape, the driver's expression and pose."""
        own, scale = len(self.model.identity), len(self.model.modes) + POSE.index("scale")
        numbers = self.model.fit(landmarks)
        numbers[:, :own] = self.person[:own]
        larger = numbers[:, scale] / self.person[scale]
        return np.asarray(self.model.project(numbers) + larger[:, None, None] * self.away, np.float32)

    def ood_scores(self, landmarks: Sequence[Points], target: str | None = None, convert: bool = True) -> NDArray[np.float32]:
        """How far each head is turned, from the camera or from the photo's, over :data:`WIDEST`; over 1 is too far."""
        place = len(self.model.modes) + POSE.index("yaw")
        yaw = self.model.fit(checked(landmarks))[:, place]
        return np.asarray(np.maximum(np.abs(yaw), np.abs(yaw - self.person[place])) / WIDEST, np.float32)


def _soft(where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Pixels S × S that are kept as they are, with a soft edge inside of them."""
    size = where.shape[0]
    inner = cv2.erode(where.astype(np.float32), np.ones((max(size // 25, 1),) * 2))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), size / 85), np.float32)


def checked(landmarks: Sequence[Points]) -> Points:
    """Several sets of landmarks as one array N × 68 × 2.

    Raises:
        LikenessError: there are none, or they are not 68 finite points each.
    """
    if not len(landmarks):
        raise LikenessError("no landmarks were given")
    points = np.asarray(landmarks, np.float32)
    if points.shape[1:] != (COUNT, 2) or not np.isfinite(points).all():
        raise LikenessError(f"landmarks are {COUNT} finite points (x, y), got {points.shape[1:]}")
    return points
