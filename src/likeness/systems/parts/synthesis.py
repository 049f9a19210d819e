"""The trained parts system: facial parts in, a face out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from likeness.engine import Weights
from likeness.engine.graph import Array, in_batches
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing, face_area
from likeness.faces.donors import layings
from likeness.faces.parts import Patch
from likeness.image import from_planes
from likeness.records import Image
from likeness.synthesizer import Condition, FromParts, Option, Place, Prepared, Result, describe, plain, stacked


class PartsSynthesizer(FromParts):
    """Whole faces from facial parts of one person or several.

    >>> face = likeness.load("parts")(photo="ann.jpg", mouth="bo.jpg")  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition("photo", "photo", False, "a photo, whose parts are used where no other is named"),
        *(
            Condition(word, "parts", False, f"a photo, or a loose picture of just this part: the {word.replace('_', ' ')}")
            for word in parts.ALIASES
        ),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("only", ("eyes", "nose", "mouth"), "which parts of the photo are used"),
        Option("face", 1, "which face of the photo; 1 is the largest"),
        Option("shift", (), "part → (right, down) in eye distances: where parts lie besides their mean places"),
        Option("scale", (), "part → factor: parts made larger or smaller about their middles"),
        Option("tint", (), "part → factors on red, green and blue"),
    )
    batch: ClassVar[int] = 64

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = Framing(**self.card.recipe["framing"])
        self.anchors, self.widths = weights.tensor("anchors.mean"), weights.tensor("anchors.width")
        (canvas,) = weights.graphs["generator"].inputs
        self.with_cover = canvas.shape[1] == 4

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`; a part may also be a :class:`Donor`."""
        given, options = self.chosen(request)
        if not given:
            raise LikenessError(f"no part was given; name a photo, or at least one of {', '.join(parts.ALIASES)}")
        patches: dict[str, Patch] = {}
        pictures: dict[str, Image] = {}
        notes: list[str] = []
        place = None
        if "photo" in given:
            found = self.face_of(given["photo"], "photo", int(options["face"]))
            picture, landmarks, moved = found.framed(self.framing)
            patches |= parts.cut(picture, landmarks, parts.named(options["only"]))
            pictures["photo"] = picture
            place = Place(found.photo, moved, face_area(landmarks, self.framing.size), file=found.name)
        for word in parts.ALIASES:
            if word in given:
                donor = self.donor(given[word], word)
                patches |= donor.patches
                if donor.loose:
                    notes.append(f"no face in {donor.name}: taken as a loose picture of the {word.replace('_', ' ')}")
        how = layings(options["shift"], options["scale"], options["tint"], self.framing.eye_distance * self.framing.size)
        colours, cover = parts.lay(patches, self.anchors, how)
        canvas = np.concatenate([colours, 2 * cover - 1]) if self.with_cover else colours
        pictures["parts"] = from_planes(colours[None])[0]
        made = self.said(
            conditions={name: describe(value) for name, value in given.items()},
            parts=[name for name in parts.NAMES if name in patches],
            face=options["face"],
            **{name: plain(options[name]) for name in ("shift", "scale", "tint") if options[name]},
        )
        return Prepared({"canvas": canvas}, pictures, made, place, tuple(notes))

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A face for each request; intermediates are ``parts`` and, where there was one, the framed ``photo``."""
        if not requests:
            return []
        faces = from_planes(self.paint(stacked(requests, "canvas")))
        return [
            Result(face, request.pictures, request.made, request.place, request.notes)
            for face, request in zip(faces, requests, strict=True)
        ]

    def paint(self, canvas: Array) -> Array:
        """G: average-face pictures B × 3 or 4 × S × S in [-1, 1] to faces B × 3 × S × S in [-1, 1]."""
        return in_batches(self.weights.graphs["generator"], self.batch, canvas=canvas)["face"]

    def complete(self, colours: Array, cover: Array) -> Array:
        """Faces round average-face colours B × 3 × S × S and their cover B × 1 × S × S in [0, 1]: in [-1, 1]."""
        return self.paint(np.concatenate([colours, 2 * cover - 1], 1) if self.with_cover else colours)
