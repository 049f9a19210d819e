"""dlib's 128-number face descriptor: are two faces one person's? It needs no instrument, it comes with dlib's models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.reader import model_file
from likeness.records import Image, Points

STRANGER = 0.6
"""The distance of two descriptors beyond which two faces are two people."""


class FaceDescriptor:
    """The published ResNet: faces of one person are nearer than 0.6 to each other, those of two people farther.

    A caveat: it was taught mostly with adults' photos; children and siblings are often nearer than 0.6.
    """

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError:
            raise LikenessError("faces are told apart with dlib, which is not installed: pip install 'likeness[dlib]'") from None
        self._network: Any = dlib.face_recognition_model_v1(str(model_file("dlib_face_recognition_resnet_model_v1.dat")))
        self._shape: Any = dlib.full_object_detection
        self._points: Any = dlib.points
        self._point: Any = dlib.point
        self._rectangle: Any = dlib.rectangle

    def of(self, photo: Image, landmarks: Points) -> NDArray[np.float64]:
        """The descriptor (128) of the face of 68 ``landmarks`` in a photo."""
        points = self._points()
        for x, y in np.round(landmarks).astype(int).tolist():
            points.append(self._point(x, y))
        left, top = np.floor(landmarks.min(0)).astype(int).tolist()
        right, bottom = np.ceil(landmarks.max(0)).astype(int).tolist()
        shape = self._shape(self._rectangle(left, top, right, bottom), points)
        return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(photo), shape), np.float64)


def strangers(descriptors: NDArray[np.float64]) -> tuple[int, NDArray[np.float64], NDArray[np.bool_]]:
    """Who of several faces is the person, and who is somebody else.

    The person is whose face is within :data:`STRANGER` of the most others, of several the one that is nearest to those; a face
    farther than that from it is somebody else's.

    Args:
        descriptors: N × 128.

    Returns:
        The person's number, each face's distance from it, and which are somebody else's.
    """
    apart = np.linalg.norm(descriptors[:, None] - descriptors[None], axis=2)
    alike = apart <= STRANGER
    person = max(range(len(descriptors)), key=lambda i: (int(alike[i].sum()), -float(apart[i][alike[i]].mean())))
    return person, apart[person], ~alike[person]
