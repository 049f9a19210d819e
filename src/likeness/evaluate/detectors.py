"""What landmark detectors are measured by: photos with known landmarks, errors by how far heads are turned, faces not found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.card import Card
from likeness.data.folder import photos_in
from likeness.data.points import landmarks_in
from likeness.errors import LikenessError
from likeness.evaluate.landmark_error import area_under_curve, failure_rate, interocular_error
from likeness.evaluate.people import digests, of_model
from likeness.experiment import option
from likeness.faces.landmarks import COUNT
from likeness.faces.reader import FaceReader
from likeness.faces.solid import pose
from likeness.image import read
from likeness.records import Image, Points

TURNS = ((0, 15), (15, 30), (30, 90))
"""Classes of yaw, in degrees to either side."""


@dataclass(frozen=True, kw_only=True)
class Photos:
    """Which photos with known landmarks detectors are measured on."""

    real: str = option("a folder of photos; a sub-folder is a person", metavar="DIR")
    landmarks: str = option("the photos' true landmarks", metavar="FILE.csv")
    split: str = option("which side", "test", choices=("test", "validation"))
    limit: int | None = option("only the first N photos", None, metavar="N")

    def faces(self) -> tuple[list[str], list[tuple[Image, Points]]]:
        """The photos' names, and each photo with its face's landmarks.

        Raises:
            LikenessError: fewer than 2 such photos.
        """
        known = landmarks_in(self.landmarks)
        chosen = [photo for photo in photos_in(self.real) if photo.side == self.split and photo.name in known]
        chosen = chosen[: self.limit] if self.limit else chosen
        if len(chosen) < 2:
            raise LikenessError(f"{self.real}: holds fewer than 2 photos of {self.split} people with a line in {self.landmarks}")
        return [photo.name for photo in chosen], [(read(photo.path), known[photo.name]) for photo in chosen]

    def about(self, card: Card, count: int, instruments: Sequence[str] = ()) -> dict[str, Any]:
        """What an outcome says of the model that is measured, of ``count`` photos, and of the instruments."""
        whose = f"{Path(self.real).name} {self.split} people's photos with landmarks"
        return {**of_model(card), "faces_of": whose, "data": whose, "faces": count, "instruments": digests(*instruments)}


class Detector(Protocol):
    """What is measured: a photo and about where the face is, to landmarks, or None where none is found."""

    def __call__(self, photo: Image, truth: Points) -> Points | None:
        """68 × 2 in the photo's pixels; of ``truth`` only the face's place may be used."""
        ...


@dataclass(frozen=True)
class Score:
    """Errors over ``count`` faces in per cent of the distance between the outer corners of the eyes ("inter-ocular" NME).

    ``error`` and ``median`` are over faces that were found; ``failed`` is the share over 8 %, faces not found among them;
    ``auc`` the area under the curve of errors to 8 %. ``by_yaw`` has the mean error of each of :data:`TURNS`, not a number where
    there is none. ``undetected`` counts faces that were not found. ``each`` has the errors face by face, not a
    number where none was found.
    """

    method: str
    count: int
    error: float
    median: float
    failed: float
    auc: float
    undetected: int
    by_yaw: tuple[float, ...]
    each: dict[str, list[float]] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """A row of the table."""
        turns = {f"yaw {low} to {high}": f"{value:.2f}" for (low, high), value in zip(TURNS, self.by_yaw, strict=True)}
        return {
            "method": self.method,
            "count": self.count,
            "nme": f"{self.error:.2f}",
            "median": f"{self.median:.2f}",
            "failed": f"{100 * self.failed:.1f}",
            "auc": f"{self.auc:.3f}",
            "undetected": self.undetected,
            **turns,
            "each": self.each,
        }


def score(method: str, detector: Detector, faces: Sequence[tuple[Image, Points]], progress: Callable[[int], None]) -> Score:
    """Measure a detector on photos with true landmarks."""
    errors, yaws = [], []
    for number, (photo, truth) in enumerate(faces):
        found = detector(photo, truth)
        errors.append(float("nan") if found is None else interocular_error(found, truth))
        yaws.append(abs(pose(truth).angles[0]))
        progress(number + 1)
    values: NDArray[np.float64] = np.array(errors)
    turned, seen = np.array(yaws), ~np.isnan(values)
    if not seen.any():
        raise LikenessError(f"{method}: found no face at all")
    by_yaw = []
    for low, high in TURNS:
        some = values[seen & (turned >= low) & (turned < high)]
        by_yaw.append(float(some.mean()) if len(some) else float("nan"))
    known = values[seen]
    return Score(
        method,
        len(values),
        float(known.mean()),
        float(np.median(known)),
        failure_rate(values),
        area_under_curve(values),
        int((~seen).sum()),
        tuple(by_yaw),
        {"nme": errors},
    )


def of_reader(reader: FaceReader) -> Detector:
    """A backend as it is used: of the faces that it finds the one nearest to the true one, if their middles are near."""

    def detect(photo: Image, truth: Points) -> Points | None:
        middle, reach = truth.mean(0), float(np.linalg.norm(truth[36] - truth[45]))
        found = [face.landmarks for face in reader.faces(photo)]
        near = min(found, key=lambda points: float(np.linalg.norm(points.mean(0) - middle)), default=None)
        return near if near is not None and float(np.linalg.norm(near.mean(0) - middle)) <= reach else None

    return detect


def pfld() -> Detector:
    """The instrument pfld68, given the true face's box and a tenth more: a detector that need not find faces."""
    try:
        import onnxruntime
    except ImportError:
        raise LikenessError("pfld68 needs onnxruntime: pip install 'likeness[evaluate]'") from None
    session: Any = onnxruntime.InferenceSession(str(assets.instrument("pfld68")), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def detect(photo: Image, truth: Points) -> Points | None:
        low, high = truth.min(0), truth.max(0)
        middle, side = (low + high) / 2, float((high - low).max()) * 1.1
        ratio = 112 / side
        matrix = np.array([[ratio, 0, 56 - middle[0] * ratio], [0, ratio, 56 - middle[1] * ratio]])
        crop = cv2.warpAffine(photo, matrix, (112, 112), flags=cv2.INTER_LINEAR).astype(np.float32) / 255
        outputs = session.run(None, {name: crop.transpose(2, 0, 1)[None]})
        points = next(one for one in outputs if one.size == 2 * COUNT).reshape(COUNT, 2) * side
        return np.asarray(points + (middle - side / 2), np.float32)

    return detect
