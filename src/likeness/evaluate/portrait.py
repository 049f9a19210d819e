"""What the portrait report's experiments are measured by: made photos against the photos that their drawings were made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from likeness.evaluate.features import Recogniser, face_crop
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.landmark_error import normalised_error
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.pixels import psnr, ssim
from likeness.image import to_tensor
from likeness.records import AlignedFace, Image, Points

INSTRUMENTS = ("mobilefacenet_b", "squeezenet", "lpips_heads")


@dataclass(frozen=True)
class Score:
    """Means over ``count`` pictures.

    ``absolute`` is the mean |difference| from the photo with levels in [0, 1] (in the erased region, where one was given),
    ``lpips`` the LPIPS distance on SqueezeNet. ``identity`` is the cosine of mobilefacenet_b's features to the person's other
    photos, see :meth:`Ruler.person`; a picture in which no face is found counts 0. ``landmarks`` is the landmarks' distance from
    those of the photo in per cent of the eye distance, over the faces that were found; ``undetected`` counts the others.
    """

    count: int
    absolute: float
    lpips: float
    identity: float
    landmarks: float
    undetected: int


@dataclass(frozen=True)
class Fidelity:
    """Photos made from drawings of many people, against the photos: (mean, deviation) over ``count``.

    ``psnr`` in dB and ``ssim`` see pixels, ``lpips`` is the LPIPS distance on SqueezeNet, ``identity`` the cosine of
    mobilefacenet_b's features of the made photo and the photo, 0 where no face is found; ``undetected`` counts these.
    ``each`` has all four face by face.
    """

    count: int
    psnr: tuple[float, float]
    ssim: tuple[float, float]
    lpips: tuple[float, float]
    identity: tuple[float, float]
    undetected: int
    each: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Drift:
    """Drawings of other people through a person's model: means over ``count`` pictures.

    ``to_model`` is the cosine to the model's person, ``to_drawn`` to the person who was drawn (0 where no face is found, see
    ``undetected``). ``tone`` is how far the skin has gone from the drawn person's tone (0) to the model's person's (1), the
    mean over people whose tones are apart: of ITA, medians over photos; NaN where there are none.
    """

    count: int
    to_model: float
    to_drawn: float
    tone: float
    undetected: int


@dataclass(frozen=True)
class Imitation:
    """Made drawings against an effect's: mean |difference| with levels in [0, 1], and the LPIPS distance."""

    count: int
    absolute: float
    lpips: float


S = TypeVar("S", Score, Drift, Imitation)
Seen = tuple[NDArray[np.float32], "list[Points | None]"]
"""Features of N pictures, N × 128, and the landmarks of the face in each, None where none was found."""


class Ruler:
    """The instruments, opened once."""

    def __init__(self) -> None:
        self.distance, self.recogniser, self.reader = LPIPS("squeeze"), Recogniser(), judging_reader()

    def person(self, faces: Sequence[AlignedFace]) -> NDArray[np.float32]:
        """What a person looks like: the mean of the features of photos, of length 1."""
        mean = self.recogniser.embed([face_crop(face.image, face.landmarks) for face in faces]).mean(0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def features(self, made: Image, faces: Sequence[AlignedFace]) -> Seen:
        """Of N pictures: features N × 128, cut out by their own landmarks or else by the photo's; and the landmarks found."""
        seen = [self.reader.faces(picture) for picture in made]
        found = [some[0].landmarks if some else None for some in seen]
        crops = [
            face_crop(picture, face.landmarks if points is None else points)
            for picture, face, points in zip(made, faces, found, strict=True)
        ]
        return self.recogniser.embed(crops), found

    def measure(
        self,
        made: Image,
        faces: Sequence[AlignedFace],
        like: NDArray[np.float32],
        regions: Sequence[NDArray[np.bool_]] | None = None,
    ) -> Score:
        """Made photos N × S × S × 3 against those of ``faces``.

        Args:
            made: uint8.
            faces: whose photos were drawn.
            like: features of the person to be like, 128 or (each picture its own) N × 128.
            regions: where ``absolute`` looks, S × S each.
        """
        features, found = self.features(made, faces)
        here = np.array([points is not None for points in found])
        errors = [
            normalised_error(points, face.landmarks) for points, face in zip(found, faces, strict=True) if points is not None
        ]
        return Score(
            len(made),
            absolute_error(made, np.stack([face.image for face in faces]), regions),
            self.lpips(made, np.stack([face.image for face in faces])),
            float(((features * like).sum(1) * here).mean()),
            float(np.mean(errors)) if errors else float("nan"),
            int((~here).sum()),
        )

    def fidelity(self, made: Image, faces: Sequence[AlignedFace], seen: Seen | None = None) -> Fidelity:
        """Made photos N × S × S × 3 against the photos of ``faces``, each with its own.

        ``seen`` is what :meth:`features` says of them, where it has been asked already.
        """
        features, found = seen or self.features(made, faces)
        here = np.array([points is not None for points in found])
        own = self.recogniser.embed([face_crop(face.image, face.landmarks) for face in faces])
        one, other = to_tensor(made), to_tensor(np.stack([face.image for face in faces]))
        each = {
            "psnr": psnr(one, other),
            "ssim": ssim(one, other),
            "lpips": self.distance(one, other),
            "identity": (features * own).sum(1) * here,
        }
        spread = {name: _spread(values) for name, values in each.items()}
        listed = {name: np.asarray(values, np.float64).tolist() for name, values in each.items()}
        return Fidelity(len(made), undetected=int((~here).sum()), each=listed, **spread)

    def lpips(self, made: Image, wanted: Image) -> float:
        """Mean LPIPS distance of pictures N × S × S × 3."""
        return float(self.distance(to_tensor(made), to_tensor(wanted)).mean())

    def distances(self, made: Image, wanted: Image) -> list[float]:
        """The LPIPS distance of each picture of N × S × S × 3."""
        return [float(one) for one in self.distance(to_tensor(made), to_tensor(wanted))]


def absolute_error(made: Image, wanted: Image, regions: Sequence[NDArray[np.bool_]] | None = None) -> float:
    """Mean |difference| of pictures N × S × S × 3, levels in [0, 1]; within ``regions`` S × S where given, each picture alike."""
    apart = _apart(made, wanted)
    if regions is None:
        return float(apart.mean())
    return float(np.mean([one[where].mean() for one, where in zip(apart, regions, strict=True)]))


def absolute_errors(made: Image, wanted: Image) -> list[float]:
    """Mean |difference| of each picture of N × S × S × 3, levels in [0, 1]."""
    return [float(one.mean()) for one in _apart(made, wanted)]


def _apart(made: Image, wanted: Image) -> NDArray[np.float32]:
    """|difference|, N × S × S, levels in [0, 1]."""
    return np.asarray(np.abs(made.astype(np.float32) - wanted.astype(np.float32)).mean(-1) / 255, np.float32)


def mean_of(scores: Sequence[S]) -> S:
    """The mean of people's means, each person alike; integers are added; what is NaN for one does not count."""
    figures: dict[str, Any] = {}
    for one in fields(scores[0]):
        values = [getattr(score, one.name) for score in scores]
        if isinstance(values[0], int):
            figures[one.name] = sum(values)
        else:
            known = [value for value in values if not np.isnan(value)]
            figures[one.name] = float(np.mean(known)) if known else float("nan")
    return replace(scores[0], **figures)


def _spread(values: Tensor | NDArray[np.floating]) -> tuple[float, float]:
    array = np.asarray(values, np.float64)
    return float(array.mean()), float(array.std())
