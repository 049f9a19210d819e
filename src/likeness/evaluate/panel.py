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
    """What judges see in N pictures.

    ``landmarks`` of the face in each, None where none is found; ``identity`` N × 128 by mobilefacenet_b, None where it is not
    here; dlib's ``descriptors`` N × 128, not numbers where no face is found; ``features`` N × D of each network in
    :attr:`Panel.networks`, by its name.
    """

    landmarks: list[Points | None]
    identity: Features | None
    descriptors: Features
    features: dict[str, Features]

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

    @property
    def networks(self) -> dict[str, SqueezeFeatures | LiteFeatures]:
        """What sets of pictures are compared by: name → network, of those that are here."""
        known = {"squeezenet": self.squeeze, "efficientnet_lite0": self.lite}
        return {name: network for name, network in known.items() if network is not None}

    def see(
        self,
        pictures: Sequence[Image] | Image,
        landmarks: Sequence[Points] | None = None,
        instead: Sequence[Points] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Seen:
        """What the judges see in N pictures, whose sizes may differ.

        Args:
            pictures: uint8 H × W × 3 each.
            landmarks: of their faces, where they are known; else dlib finds them.
            instead: by which a face is cut out for mobilefacenet_b where none is found; without, its numbers are 0 there.
            progress: told how many pictures have been searched.
        """
        pictures = list(pictures)
        found: list[Points | None] = [*landmarks] if landmarks is not None else []
        for number, picture in enumerate(pictures if landmarks is None else (), 1):
            faces = self.reader.faces(picture)
            found.append(faces[0].landmarks if faces else None)
            progress(number)
        identity = None
        if self.recogniser is not None:
            points = [one if one is not None or instead is None else instead[i] for i, one in enumerate(found)]
            crops = [face_crop(picture, one) for picture, one in zip(pictures, points, strict=True) if one is not None]
            embedded = self.recogniser.embed(crops) if crops else np.zeros((0, 128), np.float32)
            identity = np.zeros((len(found), embedded.shape[1]), np.float32)
            identity[[one is not None for one in points]] = embedded
        features = {name: _features(network, pictures) for name, network in self.networks.items()}
        return Seen(found, identity, descriptors(pictures, found), features)

    def judge(self, made: Image, photos: Image, face: Seen, photo: Seen) -> Verdict:
        """Made faces against photos, N × S × S × 3 each, and what was seen in them."""
        each: dict[str, list[float]] = {}
        if self.lpips:
            each["lpips"] = self.lpips(to_tensor(made), to_tensor(photos)).tolist()
        if face.identity is not None and photo.identity is not None:
            each["identity"] = ((face.identity * photo.identity).sum(1) * face.found).astype(float).tolist()
        each["dlib_distance"] = np.linalg.norm(face.descriptors - photo.descriptors, axis=1).tolist()
        sets = distances(face, photo)
        sets.pop("kernel_squeezenet", None)
        if face.identity is not None and photo.identity is not None:
            sets["frechet_mobilefacenet_b"] = frechet_distance(face.identity, photo.identity)
        return Verdict(each, sets, int((~face.found).sum()))


def distances(made: Seen, photos: Seen) -> dict[str, float]:
    """Fréchet and kernel distances of two sets of pictures on each network that has seen both."""
    sets: dict[str, float] = {}
    for name, features in made.features.items():
        sets[f"frechet_{name}"] = frechet_distance(features, photos.features[name])
        sets[f"kernel_{name}"] = kernel_distance(features, photos.features[name])[0]
    return sets


def _features(network: SqueezeFeatures | LiteFeatures, pictures: Sequence[Image]) -> Features:
    """Features N × D, all at once where sizes agree."""
    ready = whole if isinstance(network, LiteFeatures) else np.asarray
    if len({picture.shape for picture in pictures}) == 1:
        return network.of_images(ready(np.stack(pictures)))
    return np.concatenate([network.of_images(ready(picture[None])) for picture in pictures])


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
