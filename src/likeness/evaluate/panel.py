"""Who judges faces that were made of photos: networks of the house's instruments, and such as anybody can have.

A network that is not to be had here is left out, with the columns that it fills and a line that says so; ``docs/measuring.md``
lists which column needs what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.dlib_identity import descriptors
from likeness.evaluate.features import LiteFeatures, Recogniser, SqueezeFeatures, face_crop
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.lpips import LPIPS
from likeness.image import to_tensor
from likeness.records import Image, Points

Features = NDArray[np.floating[Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What recognisers see in N pictures: the ``landmarks`` found in each, ``identity`` N × 128 by mobilefacenet_b where it is
    here, dlib's ``descriptors`` N × 128, not numbers where no face is found.
    """

    landmarks: list[Points | None]
    identity: Features | None
    descriptors: Features

    @property
    def found(self) -> NDArray[np.bool_]:
        """In which of them there is a face."""
        return np.array([points is not None for points in self.landmarks], np.bool_)


@dataclass(frozen=True)
class Verdict:
    """``each``: metric → its value face by face; ``sets``: metric → a distance of both sets; ``undetected``: faces not found.

    ``identity`` is the cosine of mobilefacenet_b's features of face and photo, 0 where no face is found. ``dlib_distance`` is the
    distance of dlib's descriptors, not a number where none is found; one person's are nearer than 0.6 by dlib's documentation.
    ``lpips`` is the LPIPS distance on SqueezeNet.
    """

    each: dict[str, list[float]]
    sets: dict[str, float]
    undetected: int


class Panel:
    """The judges, opened once; ``notes`` has a line for each that is left out."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.reader = judging_reader()
        self.recogniser = self._had("identity and frechet_mobilefacenet_b", Recogniser)
        self.squeeze = self._had("frechet_squeezenet", SqueezeFeatures)
        self.lpips = self._had("lpips", partial(LPIPS, "squeeze"))
        self.lite = self._had("frechet_efficientnet_lite0 and kernel_efficientnet_lite0", LiteFeatures)

    def _had(self, columns: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except LikenessError as problem:
            self.notes.append(f"without {columns}: {problem}")
            return None

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names in :data:`likeness.assets.INSTRUMENTS`."""
        used = {"mobilefacenet_b": self.recogniser, "squeezenet": self.squeeze or self.lpips, "lpips_heads": self.lpips}
        return tuple(name for name, judge in used.items() if judge is not None and assets.available(name))

    def see(self, pictures: Image, instead: Sequence[Points], own: bool = True) -> Seen:
        """Recognisers' view of pictures N × S × S × 3.

        Args:
            pictures: uint8.
            instead: landmarks by which a face is cut out for mobilefacenet_b where none is found.
            own: find landmarks in the pictures; else ``instead`` are theirs.
        """
        some = [self.reader.faces(picture) for picture in pictures] if own else []
        landmarks: list[Points | None] = [faces[0].landmarks if faces else None for faces in some] if own else [*instead]
        crops = [
            face_crop(picture, other if points is None else points)
            for picture, points, other in zip(pictures, landmarks, instead, strict=True)
        ]
        identity = self.recogniser.embed(crops) if self.recogniser else None
        return Seen(landmarks, identity, descriptors(list(pictures), landmarks))

    def judge(self, made: Image, photos: Image, face: Seen, photo: Seen) -> Verdict:
        """Made faces against photos, N × S × S × 3 each, whose recognisers' views are ``face`` and ``photo``."""
        each: dict[str, list[float]] = {}
        if self.lpips:
            each["lpips"] = self.lpips(to_tensor(made), to_tensor(photos)).tolist()
        if face.identity is not None and photo.identity is not None:
            each["identity"] = ((face.identity * photo.identity).sum(1) * face.found).astype(float).tolist()
        each["dlib_distance"] = np.linalg.norm(face.descriptors - photo.descriptors, axis=1).tolist()
        sets: dict[str, float] = {}
        if self.squeeze:
            sets["frechet_squeezenet"] = frechet_distance(self.squeeze.of_images(made), self.squeeze.of_images(photos))
        if face.identity is not None and photo.identity is not None:
            sets["frechet_mobilefacenet_b"] = frechet_distance(face.identity, photo.identity)
        if self.lite:
            one, other = self.lite.of_images(made), self.lite.of_images(photos)
            sets["frechet_efficientnet_lite0"] = frechet_distance(one, other)
            sets["kernel_efficientnet_lite0"] = kernel_distance(one, other)[0]
        return Verdict(each, sets, int((~face.found).sum()))


def spread(values: Sequence[float] | Features) -> tuple[float, float]:
    """Mean and standard deviation of numbers, over those that are numbers.

    >>> spread([1.0, float("nan"), 3.0])
    (2.0, 1.0)
    """
    array = np.asarray(values, np.float64)
    known = array[~np.isnan(array)]
    if not len(known):
        return float("nan"), float("nan")
    if np.isinf(known).all():  # PSNR of equal pictures
        return float(known[0]), 0.0
    return float(known.mean()), float(known.std())


def whole(pictures: Image) -> Image:
    """Pictures N × H × W × 3 whose sides are multiples of 32, by repeating the last rows and columns."""
    high, wide = (-side % 32 for side in pictures.shape[1:3])
    return np.pad(pictures, ((0, 0), (0, high), (0, wide), (0, 0)), mode="edge")
