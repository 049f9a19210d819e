"""What the tables of Shen, Zhou, Luo & Tang 2018 are computed by, for any method that makes faces of a photo's person.

Figures 3 and 4 and section 3.3 are in :mod:`likeness.systems.facefeat.panels`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.features import Recogniser, SqueezeFeatures, face_crop
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.verification import identification, templates, ten_folds, true_accept_rate, unit
from likeness.experiment import Progress, no_progress
from likeness.faces.reader import FaceReader
from likeness.image import to_tensor
from likeness.records import AlignedFace, Image, Points
from likeness.systems.facefeat import directions
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

Floats = NDArray[np.floating]
Line = dict[str, Any]

Method = Callable[[Image, Sequence[int]], Image]
"""What is measured: framed photos N × S × S × 3 and a seed each, to a made face of each one's person."""

INSTRUMENTS = ("mobilefacenet_b", "squeezenet", "lpips_heads")
DRAWS = 10
"""Draws of templates in table 2, as the paper's benchmark has ten splits."""
SHARES = (0, 20, 50, 80, 100)
"""Per cent of a template's photos that are synthetic in table 2."""


@dataclass(frozen=True)
class Seen:
    """What a judge saw in N pictures: unit ``features`` of each, its ``landmarks``, and where a face was ``found``."""

    features: Floats
    landmarks: Sequence[Points | None]
    found: NDArray[np.bool_]

    @property
    def yaw(self) -> Floats:
        """Degrees of yaw; not a number where no face was found."""
        return self.attribute("yaw")

    def attribute(self, name: str) -> Floats:
        """One of :data:`likeness.systems.facefeat.directions.ATTRIBUTES` that is measured on landmarks."""
        of_points = directions.ATTRIBUTES[name].of_points
        assert of_points is not None
        return np.array([np.nan if some is None else of_points(some) for some in self.landmarks])


@dataclass(frozen=True)
class Judge:
    """Who judges: mobilefacenet_b, which taught nobody, and dlib, which finds the made faces."""

    recogniser: Recogniser = field(default_factory=Recogniser)
    reader: FaceReader = field(default_factory=judging_reader)

    @cached_property
    def squeeze(self) -> SqueezeFeatures:
        """What sets of pictures are compared by."""
        return SqueezeFeatures()

    @cached_property
    def lpips(self) -> LPIPS:
        """How different two pictures are."""
        return LPIPS("squeeze")

    def look(self, pictures: Image, usual: Points) -> Seen:
        """Look at made faces; one in which none is found is cropped by the ``usual`` landmarks."""
        faces = [self.reader.largest(picture) for picture in pictures]
        points = [None if face is None else face.landmarks for face in faces]
        crops = [face_crop(one, usual if some is None else some) for one, some in zip(pictures, points, strict=True)]
        return Seen(self.recogniser.embed(crops), points, np.array([some is not None for some in points]))

    def known(self, faces: Sequence[AlignedFace]) -> Seen:
        """The same of photos, by the landmarks that they were framed by."""
        crops = [face_crop(face.image, face.landmarks) for face in faces]
        return Seen(self.recogniser.embed(crops), [face.landmarks for face in faces], np.ones(len(faces), np.bool_))

    def between(self, one: Image, other: Image) -> Floats:
        """LPIPS of pairs of pictures."""
        found: NDArray[np.float64] = self.lpips(to_tensor(one), to_tensor(other)).double().numpy()
        return found


def similarity(one: Seen, other: Seen) -> Floats:
    """The cosine of each pair's features; 0 where a face was not found."""
    return np.asarray((one.features * other.features).sum(1) * one.found * other.found, np.float64)


def usual(faces: Sequence[AlignedFace]) -> Points:
    """Where landmarks stand on average."""
    return np.asarray(np.mean([face.landmarks for face in faces], axis=0), np.float32)


def of(system: FaceFeatSynthesizer) -> Method:
    """A method of facefeat's weights, or of a baseline's: f_id of the photo, all else by chance."""

    def make(photos: Image, seeds: Sequence[int]) -> Image:
        drawn = [system.drawn(seed) for seed in seeds]
        return system.faces(system.identities(photos), np.stack([one for one, _ in drawn]), np.stack([two for _, two in drawn]))

    return make


def rebuilt(system: FaceFeatSynthesizer) -> Method:
    """x^rec: a photo's own features; no chance is in it."""
    return lambda photos, seeds: system.faces(*system.features(photos))


def spread(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation of what is known of it."""
    known = values[np.isfinite(values)]
    return (float(known.mean()), float(known.std())) if len(known) else (float("nan"), float("nan"))


# table 3


def compared(
    faces: Sequence[AlignedFace], methods: Mapping[str, Method], judge: Judge, progress: Progress = no_progress
) -> tuple[list[Line], dict[str, Image]]:
    """Table 3: how alike a photo and the face made of it are, how different two such faces, and how near the set is to photos.

    ``lpips_two_draws`` takes the place of the diversity of generated features where a method has none; a Fréchet and a kernel
    distance take that of the user study, which cannot be repeated.

    Returns:
        A line a method, and the pictures, the photos first.
    """
    photos = np.stack([face.image for face in faces])
    real, where, squeezed = judge.known(faces), usual(faces), judge.squeeze.of_images(photos)
    lines: list[Line] = []
    pictures = {"photo": photos}
    for number, (name, make) in enumerate(methods.items()):
        progress(number, len(methods), name)
        made, again = (make(photos, range(start, start + len(photos))) for start in (0, len(photos)))
        seen, features = judge.look(made, where), judge.squeeze.of_images(made)
        alike, apart = similarity(seen, real), judge.between(made, again)
        lines.append(
            {
                "method": name,
                "count": len(photos),
                "similarity": spread(alike),
                "face_found_percent": 100 * float(seen.found.mean()),
                "lpips_two_draws": spread(apart),
                "frechet_squeezenet": frechet_distance(features, squeezed),
                "kernel_squeezenet": kernel_distance(features, squeezed)[0],
                "frechet_mobilefacenet_b": frechet_distance(seen.features, real.features),
                "each": {
                    "similarity": alike.tolist(),
                    "diversity_lpips": apart.tolist(),
                    "found": seen.found.astype(float).tolist(),
                },
            }
        )
        pictures[name] = made
    progress(len(methods), len(methods), "")
    return lines, pictures


def feature_diversity(system: FaceFeatSynthesizer, photos: Image, count: int = 2000, seed: int = 0) -> list[Line]:
    """Section 4.3: the mean variance of the entries of generated features, each kind and pooled; real photos' beside it.

    A caveat: the score of f_2^s is at most 1 because its norm is fixed, and of the real f_1 it is 1 over the training faces by
    how they are standardised.
    """
    noise = np.random.default_rng(seed).uniform(-1, 1, (2, count, system.recipe.noise)).astype(np.float32)
    _, pose, general = system.features(photos)
    lines = []
    for name, one, two in (("generated", system.pose_of(noise[0]), system.general_of(noise[1])), ("real", pose, general)):
        variances = [some.astype(np.float64).var(0) for some in (one, two)]
        each = [float(some.mean()) for some in variances]
        pooled = float(np.concatenate(variances).mean())
        lines.append({"features": name, "count": len(one), "f_1": each[0], "f_2": each[1], "pooled": pooled})
    return lines


# tables 1 and 2


def own_pairs(
    faces: FaceStore, most: int = 300, folds: int = 10, seed: int = 0
) -> tuple[list[tuple[int, int]], NDArray[np.bool_]]:
    """Pairs of a store's photos, as many of one person as of two, at most ``most`` of each, in equal folds.

    Raises:
        LikenessError: there are not enough people with two photos.
    """
    chance = np.random.default_rng(seed)
    rows = by_person(faces)
    same = [(some[i], some[j]) for some in rows.values() for i in range(len(some)) for j in range(i)]
    count = min(len(same), most) // folds * folds
    if count < folds or len(rows) < 2:
        raise LikenessError(f"{faces.path}: has {len(same)} pairs of one person's photos; {folds} are needed, and two people")
    picked = [same[i] for i in chance.permutation(len(same))[:count]]
    people = list(rows.values())
    different = []
    for _ in range(count):
        one, other = chance.choice(len(people), 2, replace=False)
        different.append(tuple(int(chance.choice(people[i])) for i in (one, other)))
    each = count // folds
    pairs: list[tuple[int, int]] = []
    for fold in range(folds):
        pairs += picked[fold * each : (fold + 1) * each]
        pairs += [(one, other) for one, other in different[fold * each : (fold + 1) * each]]
    return pairs, np.tile(np.repeat([True, False], each), folds)


def listed_pairs(
    listed: Sequence[tuple[str, str]], same: NDArray[np.bool_], folds: int, rows: Mapping[str, int]
) -> tuple[list[tuple[int, int]], NDArray[np.bool_]]:
    """Rows of a list of pairs by the photos' names, fold by fold; pairs that lack a photo are left out.

    Every fold keeps equally many pairs of one person and of two, so that it stays balanced: as many as the fold with fewest has.

    Raises:
        LikenessError: a fold has none left.
    """
    parts = np.arange(len(listed)).reshape(folds, -1)
    known = np.array([one in rows and other in rows for one, other in listed])
    kept = [[part[known[part] & (same[part] == kind)] for kind in (True, False)] for part in parts]
    least = min(len(some) for fold in kept for some in fold)
    if not least:
        raise LikenessError("a fold of the list of pairs has no pair left whose photos are prepared")
    order = np.concatenate([some[:least] for fold in kept for some in fold])
    return [(rows[listed[i][0]], rows[listed[i][1]]) for i in order], same[order]


def by_person(faces: FaceStore) -> dict[tuple[str, str], list[int]]:
    """The rows of each person, in order."""
    rows: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(faces.column("source"), faces.column("person"), strict=True)):
        rows.setdefault(key, []).append(i)
    return rows


def verified(
    faces: Sequence[AlignedFace],
    pairs: Sequence[tuple[int, int]],
    same: NDArray[np.bool_],
    methods: Mapping[str, Method],
    judge: Judge,
    folds: int = 10,
    progress: Progress = no_progress,
) -> list[Line]:
    """Table 1: verification on pairs of synthesised faces, one a photo, in ``folds`` folds; the photos themselves beside it."""
    photos = np.stack([face.image for face in faces])
    seen = {"real photos": judge.known(faces)}
    for number, (name, make) in enumerate(methods.items()):
        progress(number, len(methods), name)
        seen[name] = judge.look(make(photos, range(len(photos))), usual(faces))
    lines = []
    for name, one in seen.items():
        line = pairs_line(name, one.features, pairs, same, folds)
        each = line.pop("each")
        lines.append({**line, "pictures": len(faces), "face_found_percent": 100 * float(one.found.mean()), "each": each})
    return lines


def pairs_line(name: str, features: Floats, pairs: Sequence[tuple[int, int]], same: NDArray[np.bool_], folds: int = 10) -> Line:
    """Verification on pairs of rows of ``features``: in folds, and the accept rate at one false in a thousand."""
    unit_features = unit(features)
    scores = np.array([float(unit_features[one] @ unit_features[other]) for one, other in pairs])
    found = ten_folds(scores, same, folds)
    return {
        "method": name,
        "accuracy": (found.mean, found.deviation),
        "accepted_at_0.001": true_accept_rate(scores, same, 1e-3),
        "pairs": len(pairs),
        "each": {"accuracy": list(found.each)},
    }


def mixed_templates(
    faces: FaceStore, make: Method, judge: Judge, least: int = 4, seed: int = 0, progress: Progress = no_progress
) -> list[Line]:
    """Table 2: templates of which a share is synthetic, verified and identified; mean and deviation over ten draws.

    A draw divides each person's photos by chance into a gallery's and a probe's template; in both, a share of the photos is
    replaced by faces made of them.

    Raises:
        LikenessError: fewer than two people have ``least`` photos.
    """
    groups = [some for some in by_person(faces).values() if len(some) >= least]
    if len(groups) < 2:
        raise LikenessError(f"{faces.path}: {len(groups)} people have {least} photos or more; 2 are needed")
    rows = [i for some in groups for i in some]
    people = [number for number, some in enumerate(groups) for _ in some]
    chosen = list(faces.take(rows))
    photos = np.stack([face.image for face in chosen])
    real = judge.known(chosen).features
    progress(0, 1, "making")
    made = judge.look(make(photos, range(len(photos))), usual(chosen)).features
    found: dict[int, list[tuple[float, ...]]] = {share: [] for share in SHARES}
    for draw in range(DRAWS):
        chance = np.random.default_rng((seed, draw))
        sides, order = np.zeros(len(rows), np.int64), np.zeros(len(rows))
        for number in range(len(groups)):
            own = np.flatnonzero(np.array(people) == number)
            for side, half in enumerate(np.array_split(chance.permutation(own), 2)):
                sides[half], order[half] = side, (np.arange(len(half)) + 0.5) / len(half)
        for share in SHARES:
            features = np.where((order < share / 100)[:, None], made, real)
            halves = [
                templates(features[sides == side], [str(people[i]) for i in np.flatnonzero(sides == side)]) for side in (0, 1)
            ]
            (gallery, names), (probes, others) = halves
            scores = probes @ gallery.T
            same = np.array([[one == other for one in names] for other in others])
            rates = [true_accept_rate(scores.ravel(), same.ravel(), rate) for rate in (1e-2, 1e-3)]
            ranks = [identification(gallery, names, probes, others, rank) for rank in (1, 5)]
            found[share].append((*rates, *ranks))
    columns = ("accepted_at_0.01", "accepted_at_0.001", "rank_1", "rank_5")
    return [
        {"synthetic_percent": share, "people": len(groups), "pictures": len(rows)}
        | {name: spread(np.array(values)) for name, values in zip(columns, zip(*some, strict=True), strict=True)}
        for share, some in found.items()
    ]
