"""What the portrait report's experiments are measured by: made photos against the photos that their drawings were made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.evaluate.features import Recogniser, face_crop
from likeness.evaluate.landmark_error import normalised_error
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.panel import Panel, Seen, spread
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
    """Photos made from drawings of ``count`` people, against their photos: ``psnr`` in dB and ``ssim``, as (mean, deviation).

    ``judged`` has what judges say, as far as they are here: metric → (mean, deviation) or a distance of both sets, see
    :class:`likeness.evaluate.panel.Verdict`. ``undetected`` counts made photos in which no face is found, ``landmarks`` are those
    that are found. ``each`` has figures face by face.
    """

    count: int
    psnr: tuple[float, float]
    ssim: tuple[float, float]
    judged: dict[str, Any]
    undetected: int
    each: dict[str, list[float]] = field(default_factory=dict)
    landmarks: list[Points | None] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """Columns of a table's row."""
        figures = {"count": self.count, "psnr": self.psnr, "ssim": self.ssim}
        return {**figures, **self.judged, "undetected": self.undetected, "each": self.each}


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
T = TypeVar("T")
Found = tuple[NDArray[np.float32], "list[Points | None]"]
"""Features of N pictures, N × 128, and the landmarks of the face in each, None where none was found."""


class Ruler:
    """The judges, opened once; what needs one that is not here raises its line."""

    def __init__(self) -> None:
        self.panel = Panel()

    @property
    def recogniser(self) -> Recogniser:
        """mobilefacenet_b."""
        return self._here(self.panel.recogniser)

    @property
    def distance(self) -> LPIPS:
        """LPIPS on SqueezeNet."""
        return self._here(self.panel.lpips)

    def _here(self, judge: T | None) -> T:
        if judge is None:
            raise LikenessError("; ".join(self.panel.notes))
        return judge

    def person(self, faces: Sequence[AlignedFace]) -> NDArray[np.float32]:
        """What a person looks like: the mean of the features of photos, of length 1."""
        mean = self.recogniser.embed([face_crop(face.image, face.landmarks) for face in faces]).mean(0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def features(self, made: Image, faces: Sequence[AlignedFace]) -> Found:
        """Of N pictures: features N × 128, cut out by their own landmarks or else by the photo's; and the landmarks found."""
        seen = [self.panel.reader.faces(picture) for picture in made]
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

    def seen(self, faces: Sequence[AlignedFace]) -> Seen:
        """What judges see in photos: for :meth:`fidelity` of several methods on the same ones."""
        return self.panel.see([face.image for face in faces], [face.landmarks for face in faces])

    def fidelity(self, made: Image, faces: Sequence[AlignedFace], photo: Seen | None = None) -> Fidelity:
        """Made photos N × S × S × 3 against the photos of ``faces``, each with its own, of which ``photo`` was :meth:`seen`."""
        photos = np.stack([face.image for face in faces])
        face = self.panel.see(made, instead=[face.landmarks for face in faces])
        verdict = self.panel.judge(made, photos, face, photo or self.seen(faces))
        one, other = to_tensor(made), to_tensor(photos)
        each = {"psnr": psnr(one, other).tolist(), "ssim": ssim(one, other).tolist(), **verdict.each}
        judged = {metric: spread(values) for metric, values in verdict.each.items()} | verdict.sets
        means = spread(each["psnr"]), spread(each["ssim"])
        return Fidelity(len(made), *means, judged, verdict.undetected, each, face.landmarks)

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
