"""Are two faces one person's? By dlib's 128-number descriptor where it is installed, else by our own E_id."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.align import align
from likeness.faces.reader import model_file
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.records import Image, Points

STRANGER = 0.6
"""The distance of two of dlib's descriptors beyond which two faces are two people."""
GROUP, OWN_STRANGER = 0.65, 0.55
"""1 less the cosine of two f_id up to which two faces may be one person's; and that of one and the mean of the person's faces
from which it is somebody else's.

``tools/measure_strangers.py`` measures them on validation people."""

Told = tuple[int, NDArray[np.float64], NDArray[np.bool_]]
"""The number of the face that is most the person's, each face's distance, and which are somebody else's."""


class Describer(Protocol):
    """What tells people apart. ``limit`` is the distance below which a face is the person's."""

    limit: float

    def of(self, photo: Image, landmarks: Points) -> NDArray[np.float64]:
        """The numbers of the face of 68 ``landmarks`` in a photo H × W × 3."""
        ...

    def strangers(self, descriptors: NDArray[np.float64]) -> Told:
        """Who of several faces, a row of numbers each, is the person, and who is somebody else."""
        ...


def describer() -> Describer:
    """Dlib's descriptor where it is installed, else our own."""
    return FaceDescriptor() if find_spec("dlib") else OwnDescriptor()


class FaceDescriptor:
    """The published ResNet: faces of one person are nearer than 0.6 to each other, those of two people farther.

    A caveat: it was taught mostly with adults' photos; children and siblings are often nearer than 0.6.
    """

    limit = STRANGER

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

    def strangers(self, descriptors: NDArray[np.float64]) -> Told:
        """See :func:`strangers`."""
        return strangers(descriptors)


class OwnDescriptor:
    """f_id of the E_id that this project trained, of length 1 (:class:`likeness.faces.recogniser.FaceRecogniser`).

    A caveat: it is less sure than dlib's; ``tools/measure_strangers.py`` prints how sure both are.
    """

    limit = OWN_STRANGER

    def __init__(self) -> None:
        self._recogniser = open_tool(FaceRecogniser)

    def of(self, photo: Image, landmarks: Points) -> NDArray[np.float64]:
        """F_id (256) of the face of 68 ``landmarks`` in a photo."""
        picture, _, _ = align(photo, landmarks, self._recogniser.framing)
        found = self._recogniser.framed([picture])[0].astype(np.float64)
        return np.asarray(found / max(float(np.linalg.norm(found)), 1e-9))

    def strangers(self, descriptors: NDArray[np.float64]) -> Told:
        """Faces that are away from the mean of the largest group of like ones by :data:`OWN_STRANGER` or more.

        The group is that of the face with the most others within :data:`GROUP`; distances are 1 less the cosine to its mean.
        """
        person, _, away = strangers(descriptors, GROUP, 1 - descriptors @ descriptors.T)
        mean = descriptors[~away].mean(0)
        apart = 1 - descriptors @ mean / max(float(np.linalg.norm(mean)), 1e-9)
        return person, apart, apart >= OWN_STRANGER


def strangers(descriptors: NDArray[np.float64], limit: float = STRANGER, distances: NDArray[np.float64] | None = None) -> Told:
    """Who of several faces is the person, and who is somebody else.

    The person is whose face is within ``limit`` of the most others, of several the one that is nearest to those; a face
    farther than that from it is somebody else's.

    Args:
        descriptors: N × n.
        limit: the largest distance of two faces of one person.
        distances: of all faces from all, N × N; by default Euclid's.

    Returns:
        The person's number, each face's distance from it, and which are somebody else's.
    """
    apart = np.linalg.norm(descriptors[:, None] - descriptors[None], axis=2) if distances is None else distances
    alike = apart <= limit
    person = max(range(len(descriptors)), key=lambda i: (int(alike[i].sum()), -float(apart[i][alike[i]].mean())))
    return person, apart[person], ~alike[person]
