"""The seam: a synthesizer is a trained system as its users see it. Conditions in, pictures out.

Commands, studio and batch tools know nothing else of a system: its declared conditions and options, ``prepare`` and ``make``. No
torch is needed here.
"""

from __future__ import annotations

import dataclasses
import difflib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likeness import provenance
from likeness.engine import Weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, paste_back
from likeness.faces.donors import Donor, donor
from likeness.faces.inspection import remarks
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.image import picture_of
from likeness.records import Image

KINDS = ("photo", "parts", "drawing", "parsing", "mask", "landmarks", "identity", "noise", "target")
"""What a condition can be."""


@dataclass(frozen=True)
class Condition:
    """Something that a face is made from.

    ``name`` is the keyword of a request and the word of the commands, ``kind`` one of :data:`KINDS`, ``words`` what to tell a
    person. A ``needed`` condition cannot be left out.
    """

    name: str
    kind: str
    needed: bool
    words: str


@dataclass(frozen=True)
class Option:
    """How a face is made, where there is a choice: a keyword of a request with its ``default``.

    ``kind`` is ``"photo"`` where the value is a picture, in any form in which a condition of that kind is, ``"noise"`` where it
    belongs to the chance, and else empty.
    """

    name: str
    default: Any
    words: str
    kind: str = ""


@dataclass(frozen=True)
class Place:
    """Where a result belongs: in ``photo``, moved there from its framing by the inverse of ``transform``.

    ``area`` is S × S in [0, 1], None for all of it; ``feather`` is the share of the side over which the frame's edge fades.
    ``file`` is the photo's, where it is one: its ICC profile is kept (:func:`likeness.image.as_the_photo`).
    """

    photo: Image
    transform: Similarity
    area: NDArray[np.float32] | None = None
    feather: float = 0.12
    file: str = ""


@dataclass(frozen=True)
class Prepared:
    """A request that :meth:`Synthesizer.make` can take: its arrays, and what a result says of itself.

    ``arrays`` have no batch axis, so that requests can be stacked. ``pictures`` are intermediates that are there before anything
    is made, by name. ``made`` holds plain JSON values. ``notes`` are one-line remarks for a person.
    """

    arrays: Mapping[str, NDArray[Any]]
    pictures: Mapping[str, Image] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A picture that was made.

    ``picture`` is S × S × 3; ``intermediates`` are what it was made from or by way of, by name; ``made`` says how, in plain JSON
    values: system, recipe, weights, engine, conditions and options; ``place`` is where it belongs in a photo, and ``photo`` the
    file of the photo that it has been put back into, or empty. ``source_type`` is IPTC's for the mark of provenance: a parsing
    or a photo with dots in it is not a face that was made.
    """

    picture: Image
    intermediates: Mapping[str, Image]
    made: Mapping[str, Any]
    place: Place | None = None
    notes: tuple[str, ...] = ()
    photo: str = ""
    source_type: str = provenance.SOURCE_TYPE

    @property
    def tool(self) -> str:
        """The name of what made it, as provenance gives it."""
        return provenance.software(str(self.made["system"]), str(self.made["recipe"]))

    def save(self, path: str | Path) -> Path:
        """Write the picture with its mark of provenance; the suffix chooses the format.

        It is sRGB; put back into a photo, it keeps the photo's ICC profile.
        """
        return provenance.write(path, self.picture, self.tool, self.source_type, photo=self.photo or None)

    def encoded(self, suffix: str = ".png") -> bytes:
        """What :meth:`save` would write into a file with this suffix, mark of provenance and all."""
        return provenance.encoded(self.picture, suffix, self.tool, self.source_type, self.photo or None)

    def pasted(self) -> Result:
        """The same in the photo that it belongs to; outside its area the photo stays untouched.

        Raises:
            LikenessError: it was not made from a photo.
        """
        if self.place is None:
            raise LikenessError("there is no photo to put the face back into")
        place = self.place
        picture = paste_back(self.picture, place.photo, place.transform, place.area, place.feather)
        return dataclasses.replace(self, picture=picture, place=None, photo=place.file)


class Synthesizer(ABC):
    """A trained system.

    >>> face = likeness.load("parts")(photo="ann.jpg", mouth="bo.jpg")  # doctest: +SKIP
    >>> face.save("face.png")  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]]
    options: ClassVar[tuple[Option, ...]] = ()
    batch: ClassVar[int] = 32
    """Requests that the graphs take at a time, so that memory stays bounded."""
    stands_in: ClassVar[tuple[str, ...]] = ()
    """Systems whose requests these weights can take, too."""
    framing: Framing

    def __init__(self, weights: Weights) -> None:
        self.weights, self.card = weights, weights.card
        self._reader: FaceReader | None = None

    @property
    def reader(self) -> FaceReader:
        """What finds faces in photos; opened when it is first needed."""
        self._reader = self._reader or FaceReader()
        return self._reader

    @abstractmethod
    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """Read a request: conditions and options by name.

        Pictures are paths, PIL pictures or uint8 arrays H × W × 3; a photo may also be a
        :class:`likeness.faces.reader.PhotoFace` that has been read before.

        Raises:
            LikenessError: names the condition that is missing, unknown or cannot be used.
        """

    def standing_in(self, system: str) -> Synthesizer:
        """These weights behind the conditions and options of another system, one of :attr:`stands_in`, for its commands."""
        raise NotImplementedError

    def with_chance(self, prepared: Prepared, request: Mapping[str, Any]) -> Prepared:
        """:meth:`prepare` of a request that differs from that of ``prepared`` in conditions and options of the kind noise alone.

        Systems whose conditions take long to read need not read them again.
        """
        return self.prepare(request)

    @abstractmethod
    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """Make a picture of each prepared request, in batches."""

    def __call__(self, **request: Any) -> Result:
        """Prepare and make one."""
        return self.make([self.prepare(request)])[0]

    def varied(self, request: Mapping[str, Any], what: Sequence[str], seed: int) -> dict[str, Any]:
        """The request with other chance in ``what``, by words of :attr:`varying`; the rest of the chance stays as it is.

        Raises:
            LikenessError: there is no chance in this system, or not in that.
        """
        if unknown := [word for word in what if word not in self.varying]:
            there = ", ".join(self.varying) or "nothing"
            raise LikenessError(f"vary {unknown[0]!r}: {there} can be varied in {self.card.system}")
        return {**request, "noise": seed}

    @property
    def varying(self) -> Mapping[str, tuple[str, ...]]:
        """What chance decides: ``all``, and where a system knows them, pieces of it; each with the codes that are varied.

        Codes are names of the system's option ``hold``; none where the chance is of one piece.
        """
        return {"all": ()} if any(one.kind == "noise" for one in self.conditions) else {}

    def chosen(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A request's conditions (those that are given) and its options (all, with their defaults).

        Raises:
            LikenessError: an unknown name, or a needed condition is missing.
        """
        known = {one.name: one for one in self.conditions}
        defaults = {one.name: one.default for one in self.options}
        for name in request:
            if name not in known and name not in defaults:
                near = difflib.get_close_matches(name, [*known, *defaults], 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join([*known, *defaults])}"
                raise LikenessError(f"{self.card.system}: {name!r} is no condition or option; {hint}")
        given = {name: request[name] for name in known if request.get(name) is not None}
        if missing := [one for one in self.conditions if one.needed and one.name not in given]:
            raise LikenessError(f"{self.card.system}: {missing[0].name} is needed: {missing[0].words}")
        return given, defaults | {name: value for name, value in request.items() if name in defaults and value is not None}

    def face_of(self, value: Any, condition: str, number: int = 1) -> PhotoFace:
        """Face ``number`` of a photo in any form that :meth:`prepare` takes."""
        if isinstance(value, PhotoFace):
            return value
        photo, name = picture_of(value, condition)
        return self.reader.read(photo, name, number)

    def face_and_remarks(self, value: Any, condition: str, number: int = 1) -> tuple[PhotoFace, tuple[str, ...]]:
        """:meth:`face_of`, and what makes the photo a poor one of the person, in one line each: it is searched for all faces.

        The face is the one of :meth:`face_of` to the last digit: a photo, and the same that was read before, give one picture.
        """
        found, count = self.face_of(value, condition, number), 1
        if not isinstance(value, PhotoFace):
            count = max(len(self.reader.faces(found.photo)), 1)
        return found, tuple(f"{found.name}: {note}" for note in remarks(found.landmarks, count, number))

    def prepare_framed(self, request: Mapping[str, Any], framing: Framing) -> Prepared:
        """:meth:`prepare` of a system that reads one framed face: its ``picture`` S × S × 3 and ``transform`` 2 × 3."""
        given, options = self.chosen(request)
        found = self.face_of(given["photo"], "the photo", int(options["face"]))
        framed, _, transform = found.framed(framing)
        made = self.said(conditions={"photo": describe(given["photo"])}, face=found.number)
        return Prepared({"picture": framed, "transform": transform.matrix}, {"photo": found.photo}, made)

    def said(self, **more: Any) -> dict[str, Any]:
        """What every result of this synthesizer says of its making, and ``more``."""
        weights, card = self.weights, self.card
        return {
            "system": card.system,
            "recipe": str(card.recipe.get("name", "")),
            "step": card.step,
            "weights": weights.digest[:16],
            "engine": weights.engine,
            **more,
        }


def describe(value: Any) -> Any:
    """What a result says of a condition's value: the path of a file, or what kind of thing it was."""
    if isinstance(value, str | Path):
        return str(value)
    return str(getattr(value, "name", "")) or type(value).__name__


def plain(value: Any) -> Any:
    """An option's value in plain JSON values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def stacked(requests: Sequence[Prepared], name: str) -> NDArray[Any]:
    """An array of all requests with a batch axis."""
    return np.stack([request.arrays[name] for request in requests])


class FromParts(Synthesizer):
    """What makes faces of facial parts; ``widths`` are the mean widths of parts in pixels of the ``framing``."""

    framing: Framing
    widths: NDArray[np.float32]

    def donor(self, value: Any, word: str) -> Donor:
        """The parts a user calls ``word`` in a picture; see :func:`likeness.faces.donors.donor`."""
        return donor(value, word, self.reader, self.framing, self.widths)
