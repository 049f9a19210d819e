"""The trained portrait system: a drawing in, a photo out; or a photo in, its drawing (depth, parsing) out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import Array, in_batches
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, check_framed
from likeness.faces.effects import apply
from likeness.faces.framing import framed
from likeness.faces.reader import PhotoFace
from likeness.image import from_planes, picture_of, to_planes
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Condition, Option, Place, Prepared, Result, Synthesizer, describe, stacked
from likeness.systems.portrait.recipes import PortraitRecipe


class PortraitSynthesizer(Synthesizer):
    """Photos from drawings of a person, or of anybody.

    A model that makes photos takes a ``drawing``; a model that makes drawings takes a ``photo``, and has no other condition.

    >>> likeness.load("portrait")(drawing="sketch.png").save("photo.png")  # doctest: +SKIP
    >>> likeness.load("portrait")(drawing="ann.jpg", effect="pencil", noise=3)  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition("drawing", "drawing", True, "a drawing of a face, or with an effect a photo that is drawn first"),
        Condition("photo", "photo", True, "a photo of a face, for models that make drawings"),
        Condition("noise", "noise", False, "a seed: the chance in the picture, and in an effect; without it there is none"),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "frame", "auto", "align by the face, as-is (the middle square), or auto: as it is where that fits or no face is seen"
        ),
        Option("effect", "", "draw the picture, which is a photo, with this effect first"),
    )
    batch: ClassVar[int] = 16

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.recipe = thaw(PortraitRecipe, self.card.recipe)
        self.framing = self.recipe.framing
        self.source = "drawing" if self.recipe.made == "photo" else "photo"
        self.conditions = tuple(  # type: ignore[misc] # what models of this recipe take
            one for one in type(self).conditions if one.name in (self.source, "noise")
        )
        ports = {port.name: port for port in weights.graphs["generator"].inputs}
        self.noise_length = int(ports["mask"].shape[1]) if "mask" in ports else 0

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        given, options = self.chosen(request)
        value, how, effect, seed = given[self.source], options["frame"], options["effect"], given.get("noise")
        if effect and self.source == "photo":
            raise LikenessError("effect: this model takes photos as they are")
        if seed is not None:
            check_seed(seed)
        photo_first = bool(effect) or self.source == "photo"
        face = value if isinstance(value, PhotoFace) else None
        whole, name = (face.photo, face.name) if face else picture_of(value, f"the {self.source}")
        landmarks = face.landmarks if face else None
        picture, transform, moved = self.frame(whole, "align" if how == "auto" and photo_first else how, name, landmarks)
        pictures = {"photo" if photo_first else "drawing": picture}
        if effect:
            pictures["drawing"] = apply(effect, picture, seed or 0)
        notes = () if moved or how != "auto" else (f"{name}: taken as framed already (--frame align would align it by its face)",)
        arrays = {"source": to_planes(self._greyed(pictures[self.source][None]))[0]}
        if self.noise_length:
            arrays["mask"] = noise_mask(self.noise_length, seed)
        if self.recipe.made == "photo":
            place = Place(whole, transform, file=name)
        else:  # a drawing stands on white paper
            place = Place(np.full_like(whole, 255), transform, None, 0.0)
        made = self.said(
            conditions={key: one if key == "noise" else describe(one) for key, one in given.items()},
            frame=how,
            effect=effect or None,
            moved=moved,
        )
        return Prepared(arrays, pictures, made, place, notes)

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A photo for each drawing (or the other way round); the intermediates are what it was framed to and drawn as."""
        if not requests:
            return []
        inputs = {name: stacked(requests, name) for name in requests[0].arrays}
        return [
            Result(picture, request.pictures, request.made, request.place, request.notes)
            for picture, request in zip(from_planes(self._generate(inputs)), requests, strict=True)
        ]

    def draw(self, pictures: Sequence[Image], noise: int | None = None) -> Image:
        """What is made of pictures that are framed already, S × S × 3 each: uint8 N × S × S × 3.

        Args:
            pictures: drawings, or photos for a model that makes drawings.
            noise: a seed; all get the same noise.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        inputs = {"source": to_planes(self._greyed(check_framed(pictures, self.framing, self.source)))}
        if self.noise_length:
            inputs["mask"] = np.repeat(noise_mask(self.noise_length, noise)[None], len(pictures), 0)
        return from_planes(self._generate(inputs))

    def _generate(self, inputs: Mapping[str, Array]) -> Array:
        return in_batches(self.weights.graphs["generator"], self.batch, **inputs)["made"]

    def _greyed(self, pictures: Image) -> Image:
        """Pictures N × S × S × 3, whose colours are taken for their greys where the model learned from effects."""
        if self.recipe.made != "photo" or self.recipe.drawing.source != "effects":
            return pictures
        greys = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) for picture in pictures]
        return np.repeat(np.stack(greys)[..., None], 3, 3)

    def frame(
        self, picture: Image, how: str = "auto", name: str = "the picture", landmarks: Points | None = None
    ) -> tuple[Image, Similarity, bool]:
        """A picture framed as the model wants it; see :func:`likeness.faces.framing.framed`."""
        return framed(picture, self.framing, self.reader, how, name, landmarks)


def check_seed(seed: Any) -> None:
    """Refuse what is no seed."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**31:
        raise LikenessError(f"noise {seed!r}: a seed is a whole number from 0 to {2**31 - 1}")


def noise_mask(length: int, seed: int | None) -> NDArray[np.float32]:
    """What the generator's noisy layers are multiplied by: 1 without a seed, else 0 or 2 with equal chance (dropout of a half).

    The chance is that of ``torch.rand`` with a generator of this seed, so that a seed means the same noise with and without
    torch: the lowest 24 bits of the Mersenne Twister's 32-bit numbers as a fraction, of which halves and more are kept.
    """
    if seed is None:
        return np.ones(length, np.float32)
    bits = np.frombuffer(np.random.RandomState(seed).bytes(4 * length), "<u4") & 0xFFFFFF
    return np.where(bits >= 1 << 23, np.float32(2), np.float32(0))


def open_portrait(weights: str | Path) -> PortraitSynthesizer:
    """A portrait synthesizer from a weights file or run directory."""
    from likeness.systems import load

    system = load(weights, "portrait")
    assert isinstance(system, PortraitSynthesizer)
    return system
