"""The trained system: one photo of a person in, as many new photos of that person out as are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import Array, in_batches
from likeness.errors import LikenessError
from likeness.image import from_planes, to_planes
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Condition, Option, Prepared, Result, Synthesizer, describe, stacked
from likeness.systems.facefeat import people
from likeness.systems.facefeat.directions import Direction
from likeness.systems.facefeat.recipes import FaceFeatRecipe, feature_rows

KEPT = ("pose", "expression", "rest")
"""What of the photo can be kept while the remainder is drawn anew."""
KEEPS = 0.3
"""Likeness (:meth:`FaceFeatSynthesizer.likeness`) under which a result says that the person may not be recognised, where no
``people.safetensors`` lies beside the weights."""
WIDEST = 60.0
"""Degrees of yaw that may be asked for."""


@dataclass(frozen=True)
class Person:
    """A photo that was read once: f_id, f_1 and f_2 of its face, the framed ``picture``, what to call it, and remarks on it."""

    name: str
    picture: Image
    identity: Array
    pose: Array
    general: Array
    notes: tuple[str, ...] = ()


class FaceFeatSynthesizer(Synthesizer):
    """Many faces of one person.

    Without ``keep`` pose, expression and the rest (light, hair, ground) are drawn by chance; ``noise`` is the seed.

    >>> likeness.load("facefeat")(photo="ann.jpg", noise=3).save("ann-3.png")  # doctest: +SKIP
    >>> likeness.load("facefeat")(photo="ann.jpg", keep=("rest",), yaw=0, neutral=True)  # doctest: +SKIP
    >>> smile = directions.read("smile.json")  # doctest: +SKIP
    >>> likeness.load("facefeat")(photo="ann.jpg", directions=[(smile, 2.0)])  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition("photo", "photo", True, "a photo of the person"),
        Condition("identity", "identity", False, "who it is in place of the photo's person: another photo, or numbers (f_id)"),
        Condition("noise", "noise", False, "a seed: chance in pose, expression and the rest; without it 0"),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("keep", (), "what stays as in the photo: pose, expression, rest"),
        Option("yaw", None, "turn the head to these degrees; positive: towards the right of the picture"),
        Option("neutral", False, "the mean expression"),
        Option("expression", None, "a photo whose expression is taken", "photo"),
        Option("face", 1, "which face of the photo; 1 is the largest"),
        Option("directions", (), "places along directions in the noise: pairs of a Direction and deviations from the middle"),
        Option("blend", 1.0, "how far the person goes from the photo's to that of identity: from 0 to 1"),
    )
    batch: ClassVar[int] = 16
    recipe_class: ClassVar[type[FaceFeatRecipe]] = FaceFeatRecipe

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.recipe = thaw(self.recipe_class, self.card.recipe)
        self.framing = self.recipe.framing
        if "decoder" not in weights.graphs:
            raise LikenessError(f"{weights.path}: has E_id and E_1 and no painter yet; train facefeat:lite from it")
        row = feature_rows(self.recipe)[-1]
        self.middle, self.spread = (float(weights.tensor(f"morphable.{name}")[row]) for name in ("middle", "spread"))

    def person(self, value: Any, condition: str = "photo", number: int = 1) -> Person:
        """Read a photo once, for several requests: a :class:`Person` is taken wherever a photo is.

        Raises:
            LikenessError: the photo cannot be read, or shows no such face.
        """
        if isinstance(value, Person):
            return value
        found, notes = self.face_and_remarks(value, condition, number)
        return self.person_of(found.framed(self.framing)[0], found.name, notes)

    def person_of(self, picture: Image, name: str, notes: tuple[str, ...] = ()) -> Person:
        """The person in a face that is framed already, S × S × 3."""
        identity, pose, general = self.features(picture[None])
        return Person(name, picture, identity[0], pose[0], general[0], notes)

    def identities(self, pictures: Image) -> Array:
        """f_id of framed faces, uint8 N × S × S × 3."""
        return in_batches(self.weights.graphs["identity"], self.batch, picture=to_planes(pictures))["f_id"]

    @cached_property
    def people(self) -> people.People | None:
        """What lies beside the weights about training people and how people are kept; None where nothing does."""
        return people.read(self.weights.path, self.weights.digest)

    def features(self, pictures: Image) -> tuple[Array, Array, Array]:
        """f_id, f_1 and f_2 of framed faces, uint8 N × S × S × 3."""
        planes = to_planes(pictures)
        graphs = {"identity": "f_id", "pose": "f_1", "general": "f_2"}
        one, two, three = (
            in_batches(self.weights.graphs[name], self.batch, picture=planes)[port] for name, port in graphs.items()
        )
        return one, two, three

    def noise_of(self, seed: int) -> Array:
        """z_1 and z_2 of a seed, 2 × n.

        Raises:
            LikenessError: the seed is not a number from 0.
        """
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
            raise LikenessError(f"noise={seed!r}: a seed from 0 to {2**31 - 1} is needed")
        return np.random.default_rng(seed).uniform(-1, 1, (2, self.recipe.noise)).astype(np.float32)

    def drawn(self, seed: int, directions: Sequence[tuple[Direction, float]] = ()) -> tuple[Array, Array]:
        """f_1^s and f_2^s of a seed, its noise moved to places along directions.

        Raises:
            LikenessError: the seed is not a number from 0, or a direction belongs to other weights.
        """
        noise = self.noise_of(seed)
        for direction, amount in directions:
            if direction.weights != self.weights.digest[:16]:
                raise LikenessError(f"the direction {direction.attribute} was learned with other weights; learn it with these")
            noise[direction.number - 1] = direction.moved(noise[direction.number - 1], amount)
        return self.pose_of(noise[:1])[0], self.general_of(noise[1:])[0]

    def pose_of(self, noise: Array) -> Array:
        """G_1^f: z_1, N × n in [-1, 1], to f_1^s."""
        return self.weights.graphs["generator1"](noise=noise)["f_1"]

    def general_of(self, noise: Array) -> Array:
        """G_2^f: z_2, N × n in [-1, 1], to f_2^s."""
        return self.weights.graphs["generator2"](noise=noise)["f_2"]

    def paint(self, identity: Array, pose: Array, general: Array) -> Array:
        """G^I: features, N of each, to faces N × 3 × S × S in [-1, 1]."""
        return in_batches(self.weights.graphs["decoder"], self.batch, f_id=identity, f_1=pose, f_2=general)["face"]

    def faces(self, identity: Array, pose: Array, general: Array) -> Image:
        """The same as pictures, uint8 N × S × S × 3."""
        return from_planes(self.paint(identity, pose, general))

    def yaw_number(self, degrees: float) -> float:
        """The last number of f_1 for a yaw in degrees.

        Raises:
            LikenessError: the head cannot be turned that far.
        """
        if not -WIDEST <= degrees <= WIDEST:
            raise LikenessError(f"yaw={degrees}: degrees from {-WIDEST:g} to {WIDEST:g} are needed")
        return (degrees - self.middle) / self.spread

    def likeness(self, identity: Array, pictures: Image) -> Array:
        """How alike E_id finds made faces and f_id: cosines, 1 is the same.

        It is our own E_id's word, which taught G^I what to paint; an independent recogniser is stricter.
        """
        found = self.identities(pictures)
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(identity, axis=1)
        return np.asarray((found * identity).sum(1) / np.maximum(lengths, 1e-9))

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`; a photo may also be a :class:`Person`."""
        given, options = self.chosen(request)
        keep = (options["keep"],) if isinstance(options["keep"], str) else tuple(options["keep"])
        if odd := [name for name in keep if name not in KEPT]:
            raise LikenessError(f"keep={odd[0]!r}: there are {', '.join(KEPT)}")
        if options["expression"] is not None and (options["neutral"] or "expression" in keep):
            raise LikenessError("expression, neutral and keep='expression' exclude each other")
        share = float(options["blend"])
        if not 0 <= share <= 1:
            raise LikenessError(f"blend={share:g}: a number from 0 to 1 is needed")
        person = self.person(given["photo"], "photo", int(options["face"]))
        seed = given.get("noise", 0)
        pose, general = self.drawn(seed, _pairs(options["directions"]))
        pose = pose.copy()
        if "pose" in keep:
            pose[-1] = person.pose[-1]
        if "expression" in keep:
            pose[:-1] = person.pose[:-1]
        if options["expression"] is not None:
            pose[:-1] = self.person(options["expression"], "expression").pose[:-1]
        if options["neutral"]:
            pose[:-1] = 0  # the mean over the training faces
        if options["yaw"] is not None:
            pose[-1] = self.yaw_number(float(options["yaw"]))
        if "rest" in keep:
            general = person.general
        identity = person.identity
        if "identity" in given:
            other = self._identity(given["identity"], len(identity))
            identity = other if share == 1 else along(identity, other, np.array([share]))[0]
        made = self.said(
            conditions={name: one if name == "noise" else describe(one) for name, one in given.items()},
            noise=seed,
            keep=list(keep),
            yaw=options["yaw"],
            neutral=bool(options["neutral"]),
            expression=None if options["expression"] is None else describe(options["expression"]),
            directions={direction.attribute: amount for direction, amount in _pairs(options["directions"])},
        )
        arrays = {"identity": identity, "pose": pose, "general": general}
        return Prepared(arrays, {"photo": person.picture}, made, notes=person.notes)

    def _identity(self, value: Any, count: int) -> Array:
        """The f_id of another person: of a photo in any form, or ``count`` numbers."""
        if not isinstance(value, list | tuple) and np.ndim(value) != 1:
            return self.person(value, "identity").identity
        try:
            numbers = np.asarray(value, np.float32)
        except (TypeError, ValueError):
            numbers = np.zeros(0, np.float32)
        if numbers.shape != (count,) or not np.isfinite(numbers).all():
            raise LikenessError(f"identity: a photo, or {count} finite numbers are needed")
        return numbers

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A face for each request.

        ``made["likeness"]`` is how alike E_id finds it, and ``made["expected_similarity"]``, where the weights say, how alike an
        independent recogniser is expected to find it. A note says so where that is little.
        """
        if not requests:
            return []
        identity = stacked(requests, "identity")
        faces = self.faces(identity, stacked(requests, "pose"), stacked(requests, "general"))
        results = []
        for face, request, alike in zip(faces, requests, self.likeness(identity, faces).tolist(), strict=True):
            said = {**request.made, "likeness": round(alike, 4)}
            if self.people is not None:
                said["expected_similarity"] = round(self.people.kept.expected(alike), 4)
            notes = (*request.notes, *self.not_kept(alike))
            results.append(Result(face, request.pictures, said, None, notes))
        return results

    def blend(self, first: Prepared, last: Prepared, steps: int) -> list[Result]:
        """``steps`` faces from one request to another, both ends included (figure 4 b where only f_id differs).

        f_id and f_2 go along the great circle (:func:`between`), f_1 along the straight line.

        Raises:
            LikenessError: fewer than two steps.
        """
        one, other = first.arrays, last.arrays
        ways = {name: between(one[name], other[name], steps) for name in ("identity", "general")}
        shares = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        ways["pose"] = one["pose"] + shares * (other["pose"] - one["pose"])
        arrays = ({name: way[number] for name, way in ways.items()} for number in range(steps))
        return self.make([replace(first, arrays=some, made={**first.made, "step": n}) for n, some in enumerate(arrays)])

    def not_kept(self, likeness: float) -> tuple[str, ...]:
        """A remark where a made face of this likeness may not be recognised."""
        words = "the person may not be recognised in it"
        if self.people is None:
            return (f"{words} (likeness {likeness:.2f}, under {KEEPS:.2f})",) if likeness < KEEPS else ()
        expected, least = self.people.kept.expected(likeness), self.people.kept.threshold
        return (f"{words} (expected similarity {expected:.2f}, under {least:.2f})",) if expected < least else ()


def _pairs(value: Any) -> tuple[tuple[Direction, float], ...]:
    """Directions and amounts, checked."""
    try:
        pairs = tuple((direction, float(amount)) for direction, amount in value)
    except (TypeError, ValueError):
        pairs = ((None, 0.0),)
    if not all(isinstance(direction, Direction) for direction, _ in pairs):
        raise LikenessError("directions: pairs of a Direction (see likeness.systems.facefeat.directions) and a number are needed")
    return pairs


def between(first: Array, second: Array, steps: int) -> Array:
    """``steps`` features from one to the other, both included, of their common length: along the great circle.

    Raises:
        LikenessError: fewer than two steps.
    """
    if steps < 2:
        raise LikenessError(f"steps={steps}: 2 or more are needed")
    return along(first, second, np.linspace(0, 1, steps))


def along(first: Array, second: Array, shares: NDArray[np.float64]) -> Array:
    """Features from one to the other, one for each of ``shares`` in [0, 1], of their common length: along the great circle."""
    length = (np.linalg.norm(first) + np.linalg.norm(second)) / 2
    one, other = first / max(np.linalg.norm(first), 1e-9), second / max(np.linalg.norm(second), 1e-9)
    angle = float(np.arccos(np.clip(one @ other, -1, 1)))
    shares = shares[:, None]
    if angle < 1e-4:
        mixed = one + shares * (other - one)
    else:
        mixed = (np.sin((1 - shares) * angle) * one + np.sin(shares * angle) * other) / np.sin(angle)
    return np.asarray(length * mixed, np.float32)
