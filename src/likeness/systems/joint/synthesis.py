"""The trained joint model: whatever conditions there are in, a face out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import Array, in_batches
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import alignment, face_area
from likeness.faces.donors import donor
from likeness.faces.effects import EFFECTS, apply
from likeness.faces.framing import framed
from likeness.faces.labels import CLASSES, coloured, read_off
from likeness.faces.landmarks import COUNT
from likeness.faces.parser import FaceParser
from likeness.faces.points import read_points
from likeness.faces.reader import PhotoFace
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.image import from_planes, picture_of, to_planes
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Condition, Option, Place, Prepared, Result, Synthesizer, describe, plain, stacked
from likeness.systems.joint import maps
from likeness.systems.joint.chance import Chance, split
from likeness.systems.joint.maps import FLAGS, MAPS
from likeness.systems.joint.recipes import CHANCES, CODES, NOISE, VARYING, JointRecipe

PARTS = tuple(parts.ALIASES)
SEEDS = 2**31
WITHOUT_PLACE = {"like", "look", "noise"}
"""Conditions that tell no place in the face: with these alone the noise gives landmarks."""
WITHOUT_PERSON = {"landmarks", "parsing", "look", "noise"}
"""Conditions that do not tell who it is: with these alone the noise gives a person."""
MASKED = 127
"""A mask's grey value above which a pixel is kept."""


class JointSynthesizer(Synthesizer):
    """Faces from any mix of conditions; from none, somebody.

    Where no condition tells a place, the noise gives landmarks, those of such a person where an identity is given.

    >>> likeness.load("joint")(drawing="sketch.png", like="ann.jpg", noise=3).save("face.png")  # doctest: +SKIP
    >>> likeness.load("joint")(landmarks="bo.jpg", like="ann.jpg", look="ann.jpg")  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition("parts", "parts", False, "a photo whose eyes, nose and mouth are used"),
        *(
            Condition(word, "parts", False, f"a photo, or a loose picture of just this part: the {word.replace('_', ' ')}")
            for word in PARTS
        ),
        Condition("drawing", "drawing", False, "a drawing of a face, or with an effect a photo that is drawn first"),
        Condition("parsing", "parsing", False, "a parsing in its colours, or a photo that is parsed"),
        Condition("landmarks", "landmarks", False, "68 landmarks: a JSON file, an array, or a photo that has them"),
        Condition("keep", "photo", False, "a photo of which some pixels stay as they are, see mask"),
        Condition("mask", "mask", False, "as large as the photo to keep: white stays, black is made anew"),
        Condition("like", "identity", False, "a photo of the person to look like, or several; or the numbers of an identity"),
        Condition("look", "photo", False, "a photo whose ground, hair, skin and light are taken"),
        Condition("noise", "noise", False, "a seed: what no condition tells; without it 0"),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("effect", "", "draw the drawing, which is a photo, with this effect first"),
        Option("frame", "auto", "how a drawing is framed: align by the face, as-is (the middle square), or auto"),
        Option("face", 1, "which face of photos; 1 is the largest"),
        Option("hold", (), f"code → seed: codes of the noise that have a seed of their own: {', '.join(CHANCES)}", "noise"),
    )
    batch: ClassVar[int] = 16
    stands_in: ClassVar[tuple[str, ...]] = ("parts", "portrait")

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.recipe = thaw(JointRecipe, self.card.recipe)
        self.framing = self.recipe.framing
        self.anchors, self.widths = weights.tensor("anchors.mean"), weights.tensor("anchors.width")
        self.chance = Chance.of(weights)
        self._usual = {one.name: one.default for one in self.options}

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        given, options = self.chosen(request)
        size, number = self.framing.size, int(options["face"])
        spatial, pictures = np.zeros((MAPS, size, size), np.float32), dict[str, Image]()
        flags, notes = np.zeros(len(FLAGS), np.float32), list[str]()
        place: Place | None = None

        def lay(name: str, some: Array) -> None:
            spatial[maps.channels(name)] = some
            flags[FLAGS.index(name)] = 1

        if some := [word for word in ("parts", *PARTS) if word in given]:
            patches: dict[str, parts.Patch] = {}
            for word in some:
                words = ("eyes", "nose", "mouth") if word == "parts" else (word,)
                value = self.face_of(given[word], word, number) if word == "parts" else given[word]
                for one in words:
                    found = donor(value, one, self.reader, self.framing, self.widths)
                    patches |= found.patches
                    if found.loose:
                        notes.append(f"no face in {found.name}: taken as a loose picture of the {one.replace('_', ' ')}")
                if isinstance(value, PhotoFace):
                    _, landmarks, moved = value.framed(self.framing)
                    place = Place(value.photo, moved, face_area(landmarks, size), file=value.name)
            colours, cover = parts.lay(patches, self.anchors)
            lay("parts", maps.parts_maps(colours, cover))
            pictures["parts"] = from_planes(colours[None])[0]
        if "drawing" in given:
            drawn, note = self._drawing(given["drawing"], str(options["effect"]), str(options["frame"]), number)
            pictures |= drawn
            notes += note
            lay("drawing", maps.drawing_maps(pictures["drawing"]))
        elif unused := [name for name in ("effect", "frame") if options[name] != self._usual[name]]:
            raise LikenessError(f"{unused[0]}: there is no drawing that it speaks of")
        if "parsing" in given:
            classes = self._parsing(given["parsing"], number)
            pictures["parsing"] = coloured(classes)
            lay("parsing", maps.parsing_maps(classes))
        if "landmarks" in given:
            points, place = self._landmarks(given["landmarks"], number, place)
            lay("landmarks", maps.landmark_maps(points, size))
            pictures["landmarks"] = _drawn(points, size)
        if "keep" in given:
            photo, kept, place = self._kept(given["keep"], given.get("mask"), number)
            lay("known", maps.known_maps(photo, kept))
            pictures["keep"] = np.where(kept[..., None], photo, np.uint8(127))
        elif "mask" in given:
            raise LikenessError("mask: name the photo to keep, too")
        identity = np.zeros(self.recipe.identity, np.float32)
        if "like" in given:
            people = _people(given["like"])
            seen = [self.face_and_remarks(one, "like", number) for one in people or ()]
            notes += [line for _, some in seen for line in some]
            identity = self.identity([face for face, _ in seen] or given["like"], number)
            flags[FLAGS.index("identity")] = 1
        noise = np.zeros(NOISE, np.float32)
        if "look" in given:
            photo = self.face_of(given["look"], "look", number).framed(self.framing)[0]
            noise[CODES["shape"] :] = self.look(photo[None])[0]
            pictures["look"] = photo
        arrays = {"maps": spatial, "noise": noise, "identity": identity, "flags": flags}
        read = Prepared(arrays, pictures, self.said(face=number), place, tuple(notes))
        return self.with_chance(read, request)

    def with_chance(self, prepared: Prepared, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.with_chance`: nothing is read again."""
        given, options = self.chosen(request)
        arrays, pictures = dict(prepared.arrays), dict(prepared.pictures)
        seed, hold = given.get("noise", 0), options["hold"]
        shape, look = split(self.noise(seed, hold))
        if given.keys() <= WITHOUT_PERSON:
            arrays["identity"] = self.chance.person(self.seeded("person", seed, hold))
            arrays["flags"] = _flagged(arrays["flags"], "identity")
        if given.keys() <= WITHOUT_PLACE:
            size = self.framing.size
            points = self.chance.landmarks(shape, size, arrays["identity"])
            arrays["maps"], arrays["flags"] = np.zeros_like(arrays["maps"]), _flagged(arrays["flags"], "landmarks")
            arrays["maps"][maps.channels("landmarks")] = maps.landmark_maps(points, size)
            pictures["landmarks"] = _drawn(points, size)
        look = split(arrays["noise"])[1] if "look" in given else self.chance.look(look)
        arrays["noise"] = np.concatenate([shape, look])
        made = self.said(
            conditions={name: _described(name, value) for name, value in given.items()},
            noise=seed,
            face=prepared.made["face"],
            **{name: plain(options[name]) for name in ("effect", "frame", "hold") if options[name] != self._usual[name]},
        )
        return replace(prepared, arrays=arrays, pictures=pictures, made=made)

    def standing_in(self, system: str) -> Synthesizer:
        """See :meth:`likeness.synthesizer.Synthesizer.standing_in`: for parts and portrait."""
        from likeness.systems.joint.stand_in import stand_in

        return stand_in(self, system)

    @property
    def varying(self) -> Mapping[str, tuple[str, ...]]:
        """See :attr:`likeness.synthesizer.Synthesizer.varying`."""
        return VARYING

    def varied(self, request: Mapping[str, Any], what: Sequence[str], seed: int) -> dict[str, Any]:
        """See :meth:`likeness.synthesizer.Synthesizer.varied`: codes that are not varied are held at the seeds they have."""
        made = super().varied(request, what, seed)
        before, held = request.get("noise") or 0, dict(request.get("hold") or ())
        codes = {code for word in what for code in VARYING[word]}
        return {**made, "hold": {code: held.get(code, before) for code in CHANCES if code not in codes}}

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A face for each request; intermediates are its conditions as the network reads them."""
        if not requests:
            return []
        names = ("maps", "noise", "identity", "flags")
        faces = from_planes(self.paint({name: stacked(requests, name) for name in names}))
        return [
            Result(face, request.pictures, request.made, request.place, request.notes)
            for face, request in zip(faces, requests, strict=True)
        ]

    def paint(self, arrays: Mapping[str, Array]) -> Array:
        """G: maps, noise, identity and flags, N of each, to faces N × 3 × S × S in [-1, 1]."""
        return in_batches(self.weights.graphs["generator"], self.batch, **arrays)["face"]

    def identity(self, value: Any, number: int = 1) -> Array:
        """The numbers of a person, unit variance: the mean of those of one or several photos, or given as they are.

        Raises:
            LikenessError: a photo shows no such face, or the numbers are too few or not finite.
        """
        length, people = self.recipe.identity, _people(value)
        if people is None:
            found = np.asarray(value, np.float32)[None]
        else:
            faces = [self.face_of(one, "like", number) for one in people]
            recogniser = open_tool(FaceRecogniser)
            found = recogniser.framed([face.framed(recogniser.framing)[0] for face in faces])
        if found.shape[1] != length or not np.isfinite(found).all() or not np.linalg.norm(found, axis=1).all():
            raise LikenessError(f"like: {length} finite numbers that are not all 0 are needed, got {found.shape[1]}")
        mean = (found / np.linalg.norm(found, axis=1, keepdims=True)).mean(0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6) * length**0.5, np.float32)

    def noise(self, seed: Any, hold: Any = ()) -> Array:
        """Z of a seed, 128 numbers of N(0, 1); codes in ``hold`` have seeds of their own.

        A code of a seed is the same whatever the others are, so that one can be varied and the rest kept.

        Raises:
            LikenessError: no seed, or no such code.
        """
        return np.concatenate([self.seeded(name, seed, hold) for name in CODES])

    def seeded(self, name: str, seed: Any, hold: Any = ()) -> Array:
        """One piece of chance, numbers of N(0, 1): see :data:`likeness.systems.joint.recipes.CHANCES`.

        Raises:
            LikenessError: no seed, or ``hold`` names no such piece.
        """
        try:
            own = dict(hold)
        except (TypeError, ValueError):
            raise LikenessError(f"hold: code → seed was expected, got {hold!r:.60}") from None
        if unknown := sorted(set(own) - set(CHANCES)):
            raise LikenessError(f"hold: {unknown[0]!r} is no code of the noise; there are {', '.join(CHANCES)}")
        chosen = own.get(name, seed)
        if not isinstance(chosen, int | np.integer) or isinstance(chosen, bool) or not 0 <= chosen < SEEDS:
            raise LikenessError(f"noise={chosen!r}: a seed from 0 to {SEEDS - 1} is needed")
        chance = np.random.default_rng([int(chosen), list(CHANCES).index(name)])
        return chance.standard_normal(CHANCES[name], np.float32)

    def look(self, pictures: Image) -> Array:
        """Codes of ground, hair, skin and the rest, N × 96, of framed photos N × S × S × 3."""
        classes = open_tool(FaceParser).reframed(list(pictures), self.framing)
        hard = np.asarray(np.arange(len(CLASSES))[:, None, None] == classes.argmax(1)[:, None], np.float32)
        return in_batches(self.weights.graphs["look"], self.batch, picture=to_planes(pictures), classes=hard)["look"]

    def shape(self, landmarks: Points) -> Array:
        """The code of the shape, N × 32, of landmarks N × 68 × 2 in pixels of framed faces."""
        points = ((2 * landmarks + 1) / self.framing.size - 1).astype(np.float32)
        return self.weights.graphs["shape"](landmarks=points)["shape"]

    def _drawing(self, value: Any, effect: str, frame: str, number: int) -> tuple[dict[str, Image], list[str]]:
        """A drawing in the framing, with an effect also the photo that was drawn; and what there is to say of that."""
        if effect and effect not in EFFECTS:
            raise LikenessError(f"effect {effect!r}: there are {', '.join(EFFECTS)}")
        if frame == "as-is" or not (effect or isinstance(value, PhotoFace)):
            picture, name = (value.photo, value.name) if isinstance(value, PhotoFace) else picture_of(value, "the drawing")
            picture, _, moved = framed(picture, self.framing, self.reader, frame, name)
            notes = [] if moved or frame == "as-is" else [f"{name}: taken as framed already"]
        else:
            picture, notes = self.face_of(value, "drawing", number).framed(self.framing)[0], []
        return ({"photo": picture, "drawing": apply(effect, picture, 0)} if effect else {"drawing": picture}), notes

    def _parsing(self, value: Any, number: int) -> NDArray[np.uint8]:
        """Classes S × S: read off a picture in a parsing's colours, else of a photo's face."""
        if not isinstance(value, PhotoFace):
            picture, _ = picture_of(value, "the parsing")
            classes = read_off(picture)
            if np.abs(coloured(classes).astype(np.int16) - picture).mean() < 12:
                side = self.framing.size
                return np.asarray(cv2.resize(classes, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8)
        framed = self.face_of(value, "parsing", number).framed(self.framing)[0]
        return np.asarray(open_tool(FaceParser).reframed([framed], self.framing)[0].argmax(0), np.uint8)

    def _landmarks(self, value: Any, number: int, place: Place | None) -> tuple[Points, Place | None]:
        """Landmarks in pixels of the framing; of a photo also where the face belongs."""
        if isinstance(value, str | Path) and str(value).lower().endswith(".json"):
            points = read_points(value)
        elif isinstance(value, np.ndarray) and value.shape == (COUNT, 2):
            points = np.asarray(value, np.float32)
            if not np.isfinite(points).all():
                raise LikenessError("landmarks: a number is not finite")
        else:
            face = self.face_of(value, "landmarks", number)
            _, found, moved = face.framed(self.framing)
            return found, Place(face.photo, moved, face_area(found, self.framing.size), file=face.name)
        return alignment(points, self.framing).apply(points), place

    def _kept(self, value: Any, mask: Any, number: int) -> tuple[Image, NDArray[np.bool_], Place]:
        """The framed photo, which of its pixels stay, and where the rest belongs; without a mask hair and ground stay."""
        face = self.face_of(value, "keep", number)
        size = self.framing.size
        framed, _, moved = face.framed(self.framing)
        if mask is None:
            classes = open_tool(FaceParser).reframed([framed], self.framing)[0].argmax(0)
            kept = np.isin(classes, [list(CLASSES).index(name) for name in ("background", "hair")])
        else:
            picture, name = picture_of(mask, "the mask")
            if picture.shape[:2] != face.photo.shape[:2]:
                high, wide = face.photo.shape[:2]
                raise LikenessError(f"{name}: the mask is {picture.shape[1]}×{picture.shape[0]}, the photo {wide}×{high}")
            kept = moved.warp(picture, size, size).max(-1) > MASKED
        return framed, kept, Place(face.photo, moved, np.asarray(~kept, np.float32), file=face.name)


def _people(value: Any) -> list[Any] | None:
    """The photos of a person, one or several, several paths also between commas; None where numbers of an identity are given."""
    if isinstance(value, list | tuple) and all(isinstance(one, int | float) for one in value):
        return None
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return None
    several = value.split(",") if isinstance(value, str) and not Path(value).exists() else value
    return list(several) if isinstance(several, list | tuple) else [several]


def _flagged(flags: Array, name: str) -> Array:
    """Flags with that of a condition set."""
    made = flags.copy()
    made[FLAGS.index(name)] = 1
    return made


def _drawn(points: Points, size: int) -> Image:
    """Landmarks as white lines."""
    return np.repeat(maps.landmark_lines(points, size).max(0)[..., None], 3, 2)


def _described(name: str, value: Any) -> Any:
    """What a result says of a condition."""
    if name == "noise":
        return plain(value)
    return [describe(one) for one in value] if isinstance(value, list | tuple) else describe(value)
