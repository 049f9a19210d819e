"""Figures 3, 4 (a) and 4 (b) of Shen, Zhou, Luo & Tang 2018, and section 3.3, as measurements with their pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.experiment import Progress, no_progress
from likeness.records import AlignedFace, Image, Points
from likeness.systems.facefeat import directions
from likeness.systems.facefeat.directions import centred, spearman
from likeness.systems.facefeat.measures import Floats, Judge, Line, similarity, spread, usual
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer, between

BINS = ((0.0, 15.0), (15.0, 30.0), (30.0, 90.0))
"""Degrees of yaw of a photo in figure 3."""
STEPS = 9
"""Identities from one person to the next in figure 4 b, ends included."""
VARIED = 16
"""Draws of one noise in figure 4 a."""


def frontalised(
    faces: Sequence[AlignedFace], methods: Mapping[str, Callable[[Sequence[AlignedFace]], Image]], judge: Judge
) -> tuple[list[Line], dict[str, Image]]:
    """Figure 3: how far a frontalised face is turned still, and how alike it is, by the yaw of the photo."""
    real, where = judge.known(faces), usual(faces)
    turned = np.abs(real.yaw)
    pictures = {"photo": np.stack([face.image for face in faces])}
    lines = []
    for name, make in methods.items():
        made = make(faces)
        seen = judge.look(made, where)
        pictures[name], alike = made, similarity(seen, real)
        for low, high in BINS:
            chosen = (turned >= low) & (turned < high)
            if chosen.any():
                left = np.abs(seen.yaw[chosen])
                lines.append(
                    {
                        "photos": f"yaw {low:.0f} to {high:.0f}",
                        "method": name,
                        "count": int(chosen.sum()),
                        "yaw_left": spread(left),
                        "similarity": spread(alike[chosen]),
                        "face_found_percent": 100 * float(seen.found[chosen].mean()),
                    }
                )
    return lines, pictures


def frontal(system: FaceFeatSynthesizer, seed: int = 0) -> Callable[[Sequence[AlignedFace]], Image]:
    """Figure 3's synthesis: yaw 0, the mean expression, and one drawn general feature for all, which gives all one light."""

    def make(faces: Sequence[AlignedFace]) -> Image:
        photos = np.stack([face.image for face in faces])
        pose, general = system.drawn(seed)
        pose = np.zeros_like(pose)
        pose[-1] = system.yaw_number(0.0)
        return system.faces(system.identities(photos), np.tile(pose, (len(photos), 1)), np.tile(general, (len(photos), 1)))

    return make


def varied(
    system: FaceFeatSynthesizer, faces: Sequence[AlignedFace], judge: Judge, progress: Progress = no_progress
) -> tuple[list[Line], Image]:
    """Figure 4 (a): z_1 varied alone, and z_2 alone: the deviation, within a person, of yaw, mouth, light and similarity.

    ``yaw_range`` is how many degrees lie between the head that is turned most to one side and the one turned most to the other.

    Returns:
        A line for each noise, with a value a person in ``each``, and a grid of pictures: N × draws of either.
    """
    where, photos = usual(faces), np.stack([face.image for face in faces])
    real, identities = judge.known(faces), system.identities(photos)
    lines: list[Line] = []
    shown: list[Image] = []
    for number, what in ((1, "z_1 varied"), (2, "z_2 varied")):
        names = ("yaw", "yaw_range", "mouth", "light", "similarity", "similarity_spread")
        columns: dict[str, list[float]] = {name: [] for name in names}
        rows = []
        for i, identity in enumerate(identities):
            progress((number - 1) * len(faces) + i, 2 * len(faces), what)
            noise = np.stack([system.noise_of(i)] * VARIED, 1)
            chance = np.random.default_rng((7, i))
            noise[number - 1] = chance.uniform(-1, 1, noise.shape[1:]).astype(np.float32)
            features = system.pose_of(noise[0]), system.general_of(noise[1])
            made = system.faces(np.tile(identity, (VARIED, 1)), *features)
            seen = judge.look(made, where)
            alike = similarity(seen, replace(real, features=real.features[i : i + 1], found=real.found[i : i + 1]))
            for name in ("yaw", "mouth"):
                columns[name].append(spread(seen.attribute(name))[1])
            columns["yaw_range"].append(float(np.ptp(seen.yaw[seen.found])) if seen.found.any() else float("nan"))
            columns["light"].append(float(np.std([directions.light(picture) for picture in made])))
            columns["similarity"].append(float(alike.mean()))
            columns["similarity_spread"].append(float(alike.std()))
            rows.append(made)
        line: Line = {"method": what, "count": len(faces), "draws": VARIED}
        line |= {
            name if name in ("similarity", "yaw_range") else f"{name}_deviation".replace("_spread", ""): spread(np.array(some))
            for name, some in columns.items()
        }
        lines.append(line | {"each": columns})
        shown.append(np.stack(rows))
    return lines, np.concatenate(shown, 1)


def interpolated(
    system: FaceFeatSynthesizer, faces: Sequence[AlignedFace], judge: Judge, progress: Progress = no_progress
) -> tuple[list[Line], Line, Image]:
    """Figure 4 (b): f_id from each person to the next, all else of the first: similarity to both ends, and LPIPS a step.

    Returns:
        A line a step; how even and monotone it is in all: the rank correlation of similarity to the second end less that to the
        first with the step, and the largest LPIPS of a step over their mean; and the pictures N × steps × S × S × 3.
    """
    photos, where = np.stack([face.image for face in faces]), usual(faces)
    real = judge.known(faces)
    identities, pose, general = system.features(photos)
    pairs = [(i, (i + 1) % len(faces)) for i in range(len(faces))]
    first, second, steps, shown, orders, uneven = [], [], [], [], [], []
    for done, (i, j) in enumerate(pairs):
        progress(done, len(pairs), "between people")
        way = between(identities[i], identities[j], STEPS)
        made = system.faces(way, np.tile(pose[i], (STEPS, 1)), np.tile(general[i], (STEPS, 1)))
        seen = judge.look(made, where)
        ends = [np.asarray(seen.features @ real.features[one] * seen.found, np.float64) for one in (i, j)]
        away = judge.between(made[:-1], made[1:])
        first.append(ends[0])
        second.append(ends[1])
        steps.append(away)
        orders.append(spearman(ends[1] - ends[0], np.arange(STEPS, dtype=np.float64)))
        uneven.append(float(away.max() / max(float(away.mean()), 1e-9)))
        shown.append(made)
    lines: list[Line] = [
        {
            "place": number,
            "similarity_to_first": spread(np.array(first)[:, number]),
            "similarity_to_second": spread(np.array(second)[:, number]),
            "lpips_to_next": spread(np.array(steps)[:, number]) if number + 1 < STEPS else "",
        }
        for number in range(STEPS)
    ]
    whole = {"pairs": len(pairs), "monotone": spread(np.array(orders)), "largest_step": spread(np.array(uneven))}
    return lines, whole, np.stack(shown)


def directed(
    system: FaceFeatSynthesizer,
    faces: Sequence[AlignedFace],
    judge: Judge,
    count: int = 2000,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Line]:
    """Section 3.3: directions learned from ``count`` measured faces, then tried: the attribute's rank correlation with the place.

    A direction is learned on the first half of the people and tried on the second, at seven places, all else kept. ``drift`` is
    the size of the other attributes' rank correlations with the place, on average; ``similarity_drift`` is that of who it is.
    """
    if len(faces) < 2:
        raise LikenessError("a direction is learned on some people and tried on others; 2 are needed")
    half, where = len(faces) // 2, usual(faces)
    learners = [system.person_of(face.image, face.name) for face in faces[:half]]

    def find(picture: Image) -> Points | None:
        face = judge.reader.largest(picture)
        return None if face is None else face.landmarks

    samples = directions.sampled(system, learners, find, count, seed, progress)
    tried = faces[half:]
    identities, real = system.identities(np.stack([face.image for face in tried])), judge.known(tried)
    places = np.linspace(-2.5, 2.5, 7)
    lines: list[Line] = []
    for attribute, what in directions.ATTRIBUTES.items():
        try:
            found = directions.learn(samples, attribute, system.weights.digest[:16])
        except LikenessError as problem:
            lines.append({"attribute": attribute, "unit": what.unit, "noise": f"z_{what.number}", "note": str(problem)})
            continue
        rows, owners, at, alike = [], [], [], []
        for i, identity in enumerate(identities):
            drawn = [system.drawn(seed + i, [(found, place)]) for place in places]
            made = system.faces(
                np.tile(identity, (len(places), 1)), np.stack([one for one, _ in drawn]), np.stack([two for _, two in drawn])
            )
            rows.append(directions.measured(made, find))
            seen = judge.look(made, where)
            alike += (seen.features @ real.features[i] * seen.found).tolist()
            owners += [i] * len(places)
            at += places.tolist()
        labels = {name: np.concatenate([row[name] for row in rows]) for name in directions.ATTRIBUTES}
        labels["similarity"] = np.array(alike)
        ranks = {name: _rank(values, np.array(owners), np.array(at)) for name, values in labels.items()}
        others = [abs(rank) for name, rank in ranks.items() if name not in (attribute, "similarity")]
        lines.append(
            {
                "attribute": attribute,
                "unit": found.unit,
                "noise": f"z_{found.number}",
                "held_out_spearman": found.spearman,
                "gain_a_deviation": found.gain,
                "tried_spearman": ranks[attribute],
                "drift": float(np.mean(others)),
                "similarity_drift": ranks["similarity"],
                "note": "",
            }
        )
    names = list(dict.fromkeys(name for line in lines for name in line))
    return [{name: line.get(name, "") for name in names} for line in lines]


def _rank(values: Floats, owners: NDArray[np.integer], places: Floats) -> float:
    known = np.isfinite(values)
    if known.sum() < 3:
        return float("nan")
    labels = centred(np.asarray(values[known], np.float64), owners[known])
    return spearman(labels, np.asarray(places[known], np.float64))
