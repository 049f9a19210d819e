"""The trained landmark detector: a photo in, the landmarks of its face out. The network alone: faces/landmark_detector.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from likeness import provenance
from likeness.engine import Weights
from likeness.faces.align import Similarity
from likeness.faces.landmark_detector import LandmarkDetector, dotted
from likeness.faces.landmarks import eye_distance
from likeness.synthesizer import Condition, Option, Prepared, Result, Synthesizer


class LandmarkDetectorSynthesizer(Synthesizer):
    """Tells where the 68 landmarks of a face are.

    The shipped networks find the face; this one looks at it once, framed as it learned. A result's picture is the photo with the
    landmarks as dots, ``made["landmarks"]`` has them as (x, y) in the photo's pixels, 68 × 2.
    """

    conditions: ClassVar[tuple[Condition, ...]] = (Condition("photo", "photo", True, "a photo with a face"),)
    options: ClassVar[tuple[Option, ...]] = (Option("face", 1, "which face of the photo; 1 is the largest"),)

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.detector = LandmarkDetector(weights)
        self.framing = self.detector.framing

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        return self.prepare_framed(request, self.framing)

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """The photos with their landmarks."""
        if not requests:
            return []
        found = self.detector.framed([request.arrays["picture"] for request in requests])
        results = []
        for points, request in zip(found, requests, strict=True):
            landmarks = Similarity(request.arrays["transform"]).inverse.apply(points)
            picture = dotted(request.pictures["photo"], landmarks, radius=max(1, round(eye_distance(landmarks) / 40)))
            said = [[round(float(x), 2), round(float(y), 2)] for x, y in landmarks]
            results.append(
                Result(picture, request.pictures, {**request.made, "landmarks": said}, source_type=provenance.ENHANCED)
            )
        return results
