"""Where facial parts come from: photos, and loose pictures of a single part; and how a request says where they are laid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing
from likeness.faces.parts import Laying, Patch
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.image import opaque_picture_of

Placing: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]


@dataclass(frozen=True)
class Donor:
    """Parts that were read once, to be used in several requests: ``patches`` by name, and what to call the picture they are from.

    ``loose`` tells that no face was found in it, so that it was taken for a picture of just this part.
    """

    name: str
    patches: Mapping[str, Patch]
    loose: bool = False


def donor(value: Any, word: str, reader: FaceReader, framing: Framing, widths: NDArray[np.float32]) -> Donor:
    """The parts a user calls ``word`` (such as ``eyes``) from a photo, or from a loose picture of just that part.

    Args:
        value: a path, PIL picture or uint8 array, a face that was read before, or a donor.
        word: one of :data:`likeness.faces.parts.ALIASES`.
        reader: what finds the face.
        framing: in which the parts are cut.
        widths: mean width of each part in pixels, in the order of :data:`likeness.faces.parts.NAMES`.

    Raises:
        LikenessError: the picture cannot be read or is too small.
    """
    names = parts.named([word])
    if isinstance(value, Donor):
        return value
    if isinstance(value, PhotoFace):
        return _cut(value, names, framing)
    picture, opaque, name = opaque_picture_of(value, word)
    if found := reader.largest(picture):
        return _cut(PhotoFace(name, picture, found.landmarks), names, framing)
    if min(picture.shape[:2]) < 4:
        raise LikenessError(f"{name}: is only {picture.shape[1]}×{picture.shape[0]}, too small for a facial part")
    if len(names) > 1:
        picture, opaque = parts.trim(word, picture, opaque)
    halves = np.array_split(np.arange(picture.shape[1]), len(names))
    patches = {}
    for part, columns in zip(names, halves, strict=True):
        width = float(widths[parts.NAMES.index(part)])
        patches[part] = parts.loose(part, picture[:, columns], opaque[:, columns], width, framing.size)
    return Donor(name, patches, True)


def _cut(face: PhotoFace, names: Sequence[str], framing: Framing) -> Donor:
    picture, landmarks, _ = face.framed(framing)
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
