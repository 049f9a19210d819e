"""The trained parser: a photo or a drawing of a face in, what each of its pixels is out. The network alone: faces/parser.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from likeness import provenance
from likeness.engine import Weights
from likeness.faces.align import Similarity
from likeness.faces.labels import CLASSES, coloured
from likeness.faces.parser import FaceParser, likeliest
from likeness.synthesizer import Condition, Option, Prepared, Result, Synthesizer


class ParserSynthesizer(Synthesizer):
    """Tells what each pixel of a face is.

    A result's picture has the photo's size and the colours of :data:`likeness.faces.labels.CLASSES`
    (:func:`likeness.faces.labels.read_off` gives the classes back); its intermediates are the ``photo`` and the ``overlay`` of
    both; ``made["shares"]`` has each class's share of the picture, in [0, 1].
    """

    conditions: ClassVar[tuple[Condition, ...]] = (Condition("photo", "photo", True, "a photo or a drawing with a face"),)
    options: ClassVar[tuple[Option, ...]] = (Option("face", 1, "which face of the photo; 1 is the largest"),)
    batch: ClassVar[int] = 16

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.parser = FaceParser(weights)
        self.framing = self.parser.framing

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        return self.prepare_framed(request, self.framing)

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A coloured parsing of each photo."""
        results = []
        for start in range(0, len(requests), self.batch):
            some = requests[start : start + self.batch]
            maps = self.parser.framed([request.arrays["picture"] for request in some])
            for one, request in zip(maps, some, strict=True):
                photo = request.pictures["photo"]
                classes = likeliest(one, Similarity(request.arrays["transform"]), *photo.shape[:2])
                picture = coloured(classes)
                overlay = np.asarray(cv2.addWeighted(photo, 0.45, picture, 0.55, 0), np.uint8)
                shares = {name: round(float((classes == number).mean()), 6) for number, name in enumerate(CLASSES)}
                results.append(
                    Result(
                        picture,
                        {"photo": photo, "overlay": overlay},
                        {**request.made, "shares": shares},
                        source_type=provenance.ENHANCED,
                    )
                )
        return results
