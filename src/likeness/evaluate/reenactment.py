"""LandmarkGAN's table 1: how well a target follows a source, told by going there and back (section 3.3).

Nobody has photographed the target doing what the source does. So the source's landmarks drive the target, the made target's
landmarks drive the source, and the result is held against the source itself: LMK and SSIM. ID says whether the made target
is the target. What drives is read as a user reads it, by our own detector; what is measured is read by the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.features import Recogniser, face_crop
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.landmark_error import interocular_error
from likeness.evaluate.pixels import ssim
from likeness.experiment import Progress, no_progress
from likeness.faces.reader import FaceReader
from likeness.faces.solid import pose
from likeness.image import to_tensor
from likeness.records import AlignedFace, Image, Points

NOTHING = (float("nan"),) * 4
"""The figures of a pair in which no face was found."""

ReenactmentMethod = Callable[[Sequence[Points], str], Image]
"""A method: landmarks in pixels of the framing, and a target's name, to faces S × S × 3."""


@dataclass(frozen=True)
class Score:
    """Means over all ordered pairs of targets, each over the source's frames.

    ``lmk`` is LMK: ‖L − L'‖₂ of all 136 numbers, in [0, 1] of the picture, there and back; ``ssim`` the same cycle's.
    ``id_distance`` is ID, the distance (1 − cosine of mobilefacenet_b's features) between the made target and the frame of the
    target that looks ahead most; ``twitch`` how much the made target's landmarks tremble: their mean second difference over time,
    over the driver's. ``undetected`` is the share of made faces, there and back, in which no face was found; they count in none
    of the others. ``pairs`` are those in which any was. ``each`` has the four figures pair by pair, in the order of
    :func:`pairs_of`.
    """

    method: str
    pairs: int
    lmk: float
    ssim: float
    id_distance: float
    twitch: float
    undetected: float
    each: dict[str, list[float]] = field(default_factory=dict)


def acceleration(points: Sequence[Points]) -> float:
    """Mean length of second differences over time of landmarks T × 68 × 2; not a number for fewer than three frames."""
    if len(points) < 3:
        return float("nan")
    track = np.stack(list(points)).astype(np.float64)
    return float(np.linalg.norm(track[2:] - 2 * track[1:-1] + track[:-2], axis=-1).mean())


def known(values: Sequence[float]) -> float:
    """The mean of those values that are numbers; not a number where none is."""
    some = [value for value in values if not np.isnan(value)]
    return float(np.mean(some)) if some else float("nan")


def pairs_of(people: Iterable[str]) -> list[tuple[str, str]]:
    """All (source, target), in the order in which they are measured."""
    return list(permutations(people, 2))


def compare(
    people: Mapping[str, FaceStore],
    references: Mapping[str, FaceStore],
    methods: Mapping[str, ReenactmentMethod],
    progress: Progress = no_progress,
) -> tuple[list[Score], list[list[Image]]]:
    """Measure methods on people's held-out frames in time order.

    Args:
        people: name → held-out frames, two people at least, all in one framing.
        references: name → frames to choose a reference for ID from.
        methods: title → method.
        progress: called with (done, total) pairs.

    Returns:
        The scores, and rows for a sheet: source, then each method's target, for the first frame of each pair.
    """
    if len(people) < 2:
        raise LikenessError("reenactment is measured between two targets at least")
    user, judge, recogniser = FaceReader(), judging_reader(), Recogniser()
    size = next(iter(people.values())).framing.size
    faces = {name: list(store) for name, store in people.items()}
    ahead = {name: _ahead(list(references[name])) for name in people}
    marks = {name: recogniser.embed([face_crop(face.image, face.landmarks)])[0] for name, face in ahead.items()}
    truth = {name: [_landmarks(judge, face.image) for face in some] for name, some in faces.items()}
    order = pairs_of(people)
    scores, columns = [], []
    for number, (title, method) in enumerate(methods.items()):
        figures: list[tuple[float, float, float, float]] = []
        missed, made_count = 0, 0
        shown = []
        for done, (source, target) in enumerate(order):
            progress(number * len(order) + done, len(methods) * len(order), title)
            own = faces[source]
            there = method([face.landmarks for face in own], target)
            shown.append(there[0])
            seen = [_landmarks(judge, picture) for picture in there]
            driving = [_landmarks(user, picture) for picture in there]
            kept = [i for i, points in enumerate(driving) if points is not None]
            back = method([points for points in driving if points is not None], source) if kept else there[:0]
            again = [_landmarks(judge, picture) for picture in back]
            missed += sum(points is None for points in [*seen, *again]) + len(own) - len(kept)
            made_count += 2 * len(own)
            if all(points is None for points in seen):
                figures.append(NOTHING)
                continue
            lengths, round_trip = [], []
            for n, (points, i) in enumerate(zip(again, kept, strict=True)):
                if points is not None and (true := truth[source][i]) is not None:
                    lengths.append(float(np.linalg.norm((points - true) / size)))
                    round_trip.append((n, i))
            similar = float("nan")
            if round_trip:
                first, second = back[[n for n, _ in round_trip]], np.stack([own[i].image for _, i in round_trip])
                similar = float(ssim(to_tensor(first), to_tensor(second)).mean())
            crops = [face_crop(picture, points) for picture, points in zip(there, seen, strict=True) if points is not None]
            apart = float((1 - recogniser.embed(crops) @ marks[target]).mean())
            both = [(one, other) for one, other in zip(truth[source], seen, strict=True) if one is not None and other is not None]
            calm = acceleration([made for _, made in both]) / max(acceleration([true for true, _ in both]), 1e-9)
            figures.append((known(lengths), similar, apart, calm))
        columns.append(shown)
        each = dict(zip(("lmk", "ssim", "id_distance", "twitch"), map(list, zip(*figures, strict=True)), strict=True))
        means = [known(column) for column in each.values()]
        pairs = sum(one is not NOTHING for one in figures)
        scores.append(Score(title, pairs, means[0], means[1], means[2], means[3], missed / max(made_count, 1), each))
    sources = [faces[source][0].image for source, _ in order]
    return scores, [[sources[i], *(column[i] for column in columns)] for i in range(len(order))]


@dataclass(frozen=True)
class Followed:
    """How the generic face follows the landmarks of people it was not learned from.

    ``follows`` is the distance of its landmarks, as the judge reads them, from those it was given, in per cent of the distance
    between the outer corners of the eyes; ``undetected`` how many of its pictures no face was found in, which do not count in it.
    ``like_driver`` is the mean cosine of mobilefacenet_b's features with those of the person whose landmarks it was given, near 0
    for a stranger.
    """

    method: str
    count: int
    follows: float
    like_driver: float
    undetected: int
    each: dict[str, list[float]] = field(default_factory=dict)


def follow(
    store: FaceStore,
    methods: Mapping[str, Callable[[Sequence[Points]], Image]],
    progress: Progress = no_progress,
) -> tuple[list[Followed], list[Image]]:
    """Measure methods that make a face from anybody's landmarks; the scores, and all pictures of each method."""
    reader, recogniser, faces = judging_reader(), Recogniser(), list(store)
    theirs = recogniser.embed([face_crop(face.image, face.landmarks) for face in faces])
    scores, pictures = [], []
    for number, (title, method) in enumerate(methods.items()):
        made = method([face.landmarks for face in faces])
        errors, alike = [float("nan")] * len(faces), [float("nan")] * len(faces)
        crops, kept = [], []
        for i, (face, picture) in enumerate(zip(faces, made, strict=True)):
            progress(number * len(faces) + i, len(methods) * len(faces), title)
            if (points := _landmarks(reader, picture)) is not None:
                errors[i] = interocular_error(points, face.landmarks)
                crops.append(face_crop(picture, points))
                kept.append(i)
        for i, cosine in zip(kept, (recogniser.embed(crops) * theirs[kept]).sum(1) if kept else (), strict=True):
            alike[i] = float(cosine)
        each = {"follows": errors, "like_driver": alike}
        scores.append(Followed(title, len(faces), known(errors), known(alike), len(faces) - len(kept), each))
        pictures.append(made)
    return scores, pictures


def _ahead(faces: Sequence[AlignedFace]) -> AlignedFace:
    """The face that looks ahead most."""
    return min(faces, key=lambda face: sum(abs(angle) for angle in pose(face.landmarks).angles))


def _landmarks(reader: FaceReader, picture: Image) -> Points | None:
    found = reader.faces(picture)
    return found[0].landmarks if found else None
