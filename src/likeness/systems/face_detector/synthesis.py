"""The trained face detector: a photo in, squares round its faces out. For the network alone: faces/face_detector.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from likeness import provenance
from likeness.engine import Weights
from likeness.faces.face_detector import FaceDetector, drawn
from likeness.faces.landmark_detector import framing_of
from likeness.faces.reader import PhotoFace
from likeness.image import picture_of
from likeness.synthesizer import Condition, Prepared, Result, Synthesizer, describe


class FaceDetectorSynthesizer(Synthesizer):
    """Tells where faces are.

    A result's picture is the photo with a square round each face; ``made["faces"]`` has x and y of its middle, its side in pixels
    of the photo, and the score, the surest first. None is no error.
    """

    conditions: ClassVar[tuple[Condition, ...]] = (Condition("photo", "photo", True, "a photo of any size"),)

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.detector, self.framing = FaceDetector(weights), framing_of(weights)

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        given, _ = self.chosen(request)
        value = given["photo"]
        photo = value.photo if isinstance(value, PhotoFace) else picture_of(value, "the photo")[0]
        return Prepared({}, {"photo": photo}, self.said(conditions={"photo": describe(value)}))

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """The photos with squares round their faces; photos are of different sizes, so each is looked at by itself."""
        results = []
        for request in requests:
            squares = self.detector.squares(request.pictures["photo"])
            faces = [[round(float(value), 3) for value in square] for square in squares]
            picture = drawn(request.pictures["photo"], squares)
            results.append(Result(picture, request.pictures, {**request.made, "faces": faces}, source_type=provenance.ENHANCED))
        return results
