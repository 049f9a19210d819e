"""One photo of a person as the target of a reenactment: who it is and its look from the photo, the pose from landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT
from likeness.faces.morphable import POSE
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.image import from_planes
from likeness.records import Image, Points
from likeness.systems.joint import maps
from likeness.systems.joint.maps import FLAGS, MAPS
from likeness.systems.joint.recipes import CODES
from likeness.systems.joint.synthesis import JointSynthesizer

WIDEST = 35.0
"""Degrees of yaw either way beyond which few training faces look."""


class PhotoTarget:
    """What :func:`likeness.systems.landmark.reenact.reenact` drives, made of one photo.

    A driver's landmarks are given the person's shape by a morphable model: its identity modes are the person's, expression and
    pose the driver's; what the model cannot say of the person's own landmarks is added again.

    Args:
        system: the trained joint model.
        photo: of the person, as :meth:`JointSynthesizer.prepare` takes it.
        number: which face of the photo; 1 is the largest.

    Raises:
        LikenessError: the photo cannot be read, or shows no such face.
    """

    def __init__(self, system: JointSynthesizer, photo: Any, number: int = 1) -> None:
        self.system, self.card, self.framing = system, system.card, system.framing
        face = system.face_of(photo, "like", number)
        framed, landmarks, _ = face.framed(self.framing)
        self.identity = system.identity(face)
        self.noise = system.noise(0)
        self.noise[CODES["shape"] :] = system.look(framed[None])[0]
        self.model = open_tool(FaceRecogniser).morphable()
        self.person = self.model.fit(landmarks[None])[0]
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
        for one, some in zip(spatial, points, strict=True):
            one[maps.channels("landmarks")] = maps.landmark_maps(some, size)
        flags = np.array([float(name in ("landmarks", "identity")) for name in FLAGS], np.float32)
        vectors = {"noise": self.noise, "identity": self.identity, "flags": flags}
        repeated = {name: np.repeat(vector[None], count, 0) for name, vector in vectors.items()}
        return from_planes(self.system.paint({"maps": spatial, **repeated}))

    def converted(self, landmarks: Points) -> Points:
        """Landmarks N × 68 × 2 with the person's shape, the driver's expression and pose."""
        own, scale = len(self.model.identity), len(self.model.modes) + POSE.index("scale")
        numbers = self.model.fit(landmarks)
        numbers[:, :own] = self.person[:own]
        larger = numbers[:, scale] / self.person[scale]
        return np.asarray(self.model.project(numbers) + larger[:, None, None] * self.away, np.float32)

    def ood_scores(self, landmarks: Sequence[Points], target: str | None = None, convert: bool = True) -> NDArray[np.float32]:
        """How far each head is turned, over :data:`WIDEST`; over 1 is outside of what was learned."""
        numbers = self.model.fit(checked(landmarks))
        return np.asarray(np.abs(numbers[:, len(self.model.modes) + POSE.index("yaw")]) / WIDEST, np.float32)


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
