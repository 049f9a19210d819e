"""It once it has learned; no torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.faces.align import Framing
from likeness.image import from_planes, to_planes
from likeness.records import Image
from likeness.synthesizer import Condition, Option, Prepared, Result, Synthesizer, describe, stacked


class ColouristSynthesizer(Synthesizer):
    """Colours for a grey photo."""

    conditions: ClassVar[tuple[Condition, ...]] = (Condition("photo", "photo", True, "a photo"),)
    options: ClassVar[tuple[Option, ...]] = (Option("face", 1, "which face"),)

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = Framing(**self.card.recipe["framing"])

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See the base."""
        given, options = self.chosen(request)
        picture, _, _ = self.face_of(given["photo"], "photo", int(options["face"])).framed(self.framing)
        grey = to_planes(picture[None]).mean(1)
        return Prepared({"grey": grey}, {"photo": picture}, self.said(conditions={"photo": describe(given["photo"])}))

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A photo in colours for each."""
        pictures = from_planes(in_batches(self.weights.graphs["colourer"], self.batch, grey=stacked(requests, "grey"))["photo"])
        return [Result(one, request.pictures, request.made) for one, request in zip(pictures, requests, strict=True)]

    def colour(self, photos: Image) -> Image:
        """Framed photos N × S × S × 3, greyed and coloured."""
        grey = to_planes(photos).mean(1, keepdims=True)
        return from_planes(in_batches(self.weights.graphs["colourer"], self.batch, grey=grey)["photo"])
