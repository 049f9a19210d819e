"""The trained parts system: facial parts in, a face out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from likeness.engine import Weights
from likeness.engine.graph import Array, in_batches
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing, face_area
from likeness.faces.parts import Laying, Patch
from likeness.faces.reader import PhotoFace
from likeness.image import from_planes, opaque_picture_of
from likeness.records import Image
from likeness.synthesizer import Condition, Option, Place, Prepared, Result, Synthesizer, describe, plain, stacked

Placing: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]


@dataclass(frozen=True)
class Donor:
    """Parts that were read once, to be used in several requests: ``patches`` by name, and what to call the picture they are from.

    ``loose`` tells that no face was found in it, so that it was taken for a picture of just this part.
    """

    name: str
    patches: Mapping[str, Patch]
    loose: bool = False


class PartsSynthesizer(Synthesizer):
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

    def donor(self, value: Any, word: str) -> Donor:
        """The parts a user calls ``word`` (such as ``eyes``) from a photo, or from a loose picture of just that part.

        Args:
            value: a picture as :meth:`prepare` takes it, a face that was read before, or a donor.
            word: one of :data:`likeness.faces.parts.ALIASES`.

        Raises:
            LikenessError: the picture cannot be read or is too small.
        """
        names = parts.named([word])
        if isinstance(value, Donor):
            return value
        if isinstance(value, PhotoFace):
            return self._cut(value, names)
        picture, opaque, name = opaque_picture_of(value, word)
        if found := self.reader.largest(picture):
            return self._cut(PhotoFace(name, picture, found.landmarks), names)
        if min(picture.shape[:2]) < 4:
            raise LikenessError(f"{name}: is only {picture.shape[1]}×{picture.shape[0]}, too small for a facial part")
        if len(names) > 1:
            picture, opaque = parts.trim(word, picture, opaque)
        halves = np.array_split(np.arange(picture.shape[1]), len(names))
        patches = {}
        for part, columns in zip(names, halves, strict=True):
            width = float(self.widths[parts.NAMES.index(part)])
            patches[part] = parts.loose(part, picture[:, columns], opaque[:, columns], width, self.framing.size)
        return Donor(name, patches, True)

    def _cut(self, face: PhotoFace, names: Sequence[str]) -> Donor:
        picture, landmarks, _ = face.framed(self.framing)
        return Donor(face.name, parts.cut(picture, landmarks, names))


LARGEST = 8.0
"""The largest factor, and displacement in eye distances, that a part is laid with."""


def layings(shift: Placing, scale: Placing, tint: Placing, unit: float) -> dict[str, Laying]:
    """How parts are laid, by name, from a request's options.

    Args:
        shift: a user's word for a part → (right, down); a mapping or pairs.
        scale: word → factor.
        tint: word → three factors.
        unit: pixels that a displacement of 1 means.

    Raises:
        LikenessError: no such part, or what cannot be done with it.
    """
    found: dict[str, Laying] = {}
    for option, given, count in (("shift", shift, 2), ("scale", scale, 1), ("tint", tint, 3)):
        try:
            pairs = dict(given)
        except (TypeError, ValueError):
            raise LikenessError(f"{option}: part → value was expected, got {given!r:.60}") from None
        for word, value in pairs.items():
            numbers = _numbers(option, word, value, count)
            for name in parts.named([word]):
                now = found.get(name, Laying())
                if option == "shift":
                    now = replace(now, right=numbers[0] * unit, down=numbers[1] * unit)
                elif option == "scale":
                    now = replace(now, scale=numbers[0])
                else:
                    now = replace(now, tint=(numbers[0], numbers[1], numbers[2]))
                found[name] = now
    return found


def _numbers(option: str, word: Any, value: Any, count: int) -> list[float]:
    """An option's value for one part as ``count`` numbers."""
    least = -LARGEST if option == "shift" else 0.0
    try:
        numbers = [float(one) for one in (value if count > 1 else (value,))]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not all(least <= one <= LARGEST for one in numbers) or (option == "scale" and not numbers[0]):
        kind = {1: "a factor", 2: "two numbers, right and down", 3: "three factors"}[count]
        raise LikenessError(f"{option} of {word}: {kind} of at most {LARGEST:g} were expected, got {value!r:.60}")
    return numbers
