"""Section 3.3: directions in noise that change one attribute, learned from labelled samples, and their use as sliders.

Faces are made from many draws of z_1 and z_2, each is labelled (by measuring the made face, or by a person), and a linear
regression of the label on the noise gives the direction. z_1 and z_2 are independent, so what hangs on the other stays.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.faces.landmarks import eye_distance
from likeness.faces.solid import pose
from likeness.files import write_content
from likeness.records import Image, Points

if TYPE_CHECKING:
    from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer, Person

Floats = NDArray[np.float64]
Finds = Callable[[Image], Points | None]
"""A made face, S × S × 3, to its 68 landmarks, or None where none is found."""

DEVIATION = 3**-0.5
"""The deviation of U[-1, 1], and so of z along any direction of unit length."""
FARTHEST = 6.0
"""Deviations that a slider may be moved to, either way."""
LEAST = 32
"""Labelled samples from which a direction may be learned."""


def mouth_opening(points: Points) -> float:
    """How far the inner lips are apart, in per cent of the eye distance."""
    return 100 * float(np.linalg.norm(points[62] - points[66])) / eye_distance(points)


def smile(points: Points) -> float:
    """How far the mouth's corners stand above the middle of its outer lips, in per cent of the eye distance."""
    down = points[[36, 39, 42, 45]].mean(0)
    axis = points[[48, 54, 51, 57]].mean(0) - down
    corners, middle = (points[list(some)].mean(0) for some in ((48, 54), (51, 57)))
    return 100 * float((middle - corners) @ axis) / max(float(np.linalg.norm(axis)), 1e-9) / eye_distance(points)


def light(picture: Image) -> float:
    """The mean grey of the face's middle, 0 to 255."""
    size = len(picture)
    return float(picture[size // 4 : -size // 4, size // 4 : -size // 4].mean())


@dataclass(frozen=True)
class Attribute:
    """What can be measured on a made face: which z it is looked for in, its ``unit``, and how it is measured."""

    number: int
    unit: str
    of_points: Callable[[Points], float] | None = None
    of_picture: Callable[[Image], float] | None = None


ATTRIBUTES: dict[str, Attribute] = {
    "yaw": Attribute(1, "degrees", of_points=lambda points: pose(points).angles[0]),
    "mouth": Attribute(1, "% of the eye distance", of_points=mouth_opening),
    "smile": Attribute(1, "% of the eye distance", of_points=smile),
    "light": Attribute(2, "grey levels", of_picture=light),
}


def measured(pictures: Image, find: Finds) -> dict[str, Floats]:
    """Each attribute of each made face, N numbers; not a number where it needs landmarks and no face was found."""
    found = [find(picture) for picture in pictures]
    values: dict[str, Floats] = {}
    for name, one in ATTRIBUTES.items():
        if one.of_picture is not None:
            values[name] = np.array([one.of_picture(picture) for picture in pictures])
        else:
            assert one.of_points is not None
            values[name] = np.array([np.nan if points is None else one.of_points(points) for points in found])
    return values


@dataclass(frozen=True)
class Direction:
    """A direction in z_1 or z_2 (``number``) along which an attribute changes.

    ``vector`` has unit length. ``gain`` is how much the attribute rises, in ``unit``, while z moves by one deviation along it;
    ``spearman`` the rank correlation of the label and the place along it, on ``held_out`` samples that it was not learned from.
    ``others`` are the correlations of the other attributes with that place: 0 is best. ``weights`` begins the hash of the
    weights that it belongs to.
    """

    attribute: str
    number: int
    vector: tuple[float, ...]
    gain: float
    unit: str
    spearman: float
    held_out: int
    samples: int
    weights: str
    others: Mapping[str, float] = field(default_factory=dict)

    def moved(self, noise: Array, amount: float) -> Array:
        """Noise N × n, or n, at the place ``amount`` along the direction, in deviations from the middle; within [-1, 1].

        Raises:
            LikenessError: the place is too far out, or the noise has another length.
        """
        if not -FARTHEST <= amount <= FARTHEST:
            raise LikenessError(f"{self.attribute}={amount:g}: deviations from {-FARTHEST:g} to {FARTHEST:g} are needed")
        vector = np.asarray(self.vector, np.float32)
        if noise.shape[-1:] != vector.shape:
            raise LikenessError(f"the direction {self.attribute} has {len(vector)} numbers, the weights' noise {noise.shape[-1]}")
        away = np.float32(amount * DEVIATION) - noise @ vector
        return np.asarray(np.clip(noise + away[..., None] * vector, -1, 1), np.float32)

    def save(self, path: str | Path) -> Path:
        """Write it as JSON."""
        return write_content(Path(path), json.dumps({"likeness": "direction", **asdict(self)}, indent=2) + "\n")


def read(path: str | Path) -> Direction:
    """A direction that :meth:`Direction.save` wrote.

    Raises:
        LikenessError: no such file, or it holds none.
    """
    try:
        said = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise LikenessError(f"{path}: no such direction; learn one: likeness direction learn") from None
    except (ValueError, RecursionError):
        said = None
    try:
        if said.pop("likeness") != "direction":
            raise ValueError
        numbers = {"gain": float, "spearman": float, "number": int, "held_out": int, "samples": int, "attribute": str}
        values = {name: kind(said[name]) for name, kind in numbers.items()}
        vector = np.asarray(said["vector"], np.float64)
        if vector.ndim != 1 or abs(float(np.linalg.norm(vector)) - 1) > 1e-3 or values["number"] not in (1, 2):
            raise ValueError
        return Direction(**{**said, **values, "vector": tuple(vector.tolist())})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise LikenessError(f"{path}: holds no direction, or a damaged one") from None


@dataclass(frozen=True)
class Samples:
    """Faces made by chance: ``noise`` 2 × N × n (z_1 and z_2), which ``person`` each is of, and what was ``labels`` by name."""

    noise: Array
    person: NDArray[np.integer]
    labels: Mapping[str, Floats]


def sampled(
    system: FaceFeatSynthesizer,
    people: Sequence[Person],
    find: Finds,
    count: int = 2000,
    seed: int = 0,
    progress: Callable[..., None] = lambda done, total, text="": None,
) -> Samples:
    """Make and measure ``count`` faces of some people in turn; 64 are held at a time."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (2, count, system.recipe.noise)).astype(np.float32)
    person = np.arange(count) % len(people)
    identities = np.stack([one.identity for one in people])
    parts: list[dict[str, Floats]] = []
    for start in range(0, count, 64):
        some = slice(start, min(start + 64, count))
        progress(start, count, "making and measuring")
        pose_features, general = system.pose_of(noise[0, some]), system.general_of(noise[1, some])
        faces = system.faces(identities[person[some]], pose_features, general)
        parts.append(measured(faces, find))
    progress(count, count)
    labels = {name: np.concatenate([part[name] for part in parts]) for name in ATTRIBUTES}
    return Samples(noise, person, labels)


def learn(samples: Samples, attribute: str, weights: str, number: int = 0, unit: str = "") -> Direction:
    """The direction of one attribute, by ridge regression of its labels on the noise; a quarter of the samples is held out.

    What a person's own mean is has no part in it.

    Args:
        samples: what was made, with its labels.
        attribute: one of ``samples.labels``.
        weights: the beginning of the weights' hash.
        number: 1 for z_1, 2 for z_2; 0 takes that of :data:`ATTRIBUTES`.
        unit: of the labels, where they are none of :data:`ATTRIBUTES`.

    Raises:
        LikenessError: too few samples have a label, or all have the same.
    """
    known = ATTRIBUTES.get(attribute)
    number, unit = number or (known.number if known else 1), unit or (known.unit if known else "")
    labels = samples.labels[attribute]
    seen = np.flatnonzero(np.isfinite(labels))
    if len(seen) < LEAST:
        raise LikenessError(f"{attribute}: could be measured on {len(seen)} of {len(labels)} made faces; {LEAST} are needed")
    values = centred(labels[seen], samples.person[seen])
    if float(values.std()) < 1e-9:
        raise LikenessError(f"{attribute}: is the same in all {len(seen)} made faces; there is no direction to learn")
    noise = samples.noise[number - 1, seen].astype(np.float64)
    kept = np.arange(len(seen)) % 4 == 3  # held out
    vector = ridge(noise[~kept], values[~kept])
    places = noise @ vector / DEVIATION
    gain = float(places[~kept] @ values[~kept] / (places[~kept] @ places[~kept]))
    others = {}
    for name, other in samples.labels.items():
        both = np.isfinite(other[seen])
        if name != attribute and both.sum() > 2:
            others[name] = round(correlation(centred(other[seen][both], samples.person[seen][both]), places[both]), 4)
    found = spearman(places[kept], values[kept])
    return Direction(attribute, number, tuple(vector.tolist()), gain, unit, found, int(kept.sum()), len(seen), weights, others)


def ridge(noise: Floats, values: Floats) -> Floats:
    """The unit vector along which ``values`` rise, by least squares with a penalty of one sample's weight a number."""
    found = np.linalg.solve(noise.T @ noise + np.eye(noise.shape[1]), noise.T @ values)
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-12))


def centred(values: Floats, person: NDArray[np.integer]) -> Floats:
    """Values less the mean of the same person's."""
    made = np.array(values, np.float64)
    for one in np.unique(person):
        made[person == one] -= made[person == one].mean()
    return made


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation; 0 where one does not vary.

    >>> import numpy as np
    >>> correlation(np.arange(4.0), -np.arange(4.0)), correlation(np.ones(3), np.arange(3.0))
    (-1.0, 0.0)
    """
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / size, 12) if size > 1e-12 else 0.0


def spearman(one: Floats, other: Floats) -> float:
    """The correlation of ranks, equal values having their mean rank; 0 where one does not vary.

    >>> import numpy as np
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 1000.0]))
    1.0
    """
    return correlation(_ranks(one), _ranks(other))


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count - 1) / 2)[place], np.float64)


def read_labels(path: str | Path) -> list[tuple[int, float]]:
    """Somebody's own labels: a CSV file with a seed and a number a line; a first line of words is passed over.

    Raises:
        LikenessError: no such file, or a line that cannot be read.
    """
    try:
        rows = [row for row in csv.reader(Path(path).read_text(encoding="utf-8").splitlines()) if row]
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (UnicodeDecodeError, csv.Error, IsADirectoryError):
        raise LikenessError(f"{path}: is no CSV file of seeds and labels") from None
    found: list[tuple[int, float]] = []
    for number, row in enumerate(rows):
        try:
            seed, value = int(row[0]), float(row[1])
        except (ValueError, IndexError):
            if number == 0:
                continue
            raise LikenessError(f"{path}: line {number + 1} is no seed and number: {','.join(row)[:60]}") from None
        if not np.isfinite(value):
            raise LikenessError(f"{path}: line {number + 1}: a finite number is needed")
        found.append((seed, value))
    return found


def labelled(system: FaceFeatSynthesizer, labels: Sequence[tuple[int, float]], name: str) -> Samples:
    """Samples of somebody's own labels, by the seeds that ``likeness many`` made the faces from."""
    noise = np.stack([system.noise_of(seed) for seed, _ in labels], 1) if labels else np.zeros((2, 0, system.recipe.noise))
    values: dict[str, Any] = {name: np.array([value for _, value in labels], np.float64)}
    return Samples(np.asarray(noise, np.float32), np.zeros(len(labels), np.int64), values)
