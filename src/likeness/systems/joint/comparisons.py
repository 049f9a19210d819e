"""The joint model on the protocols of other systems: artists' sketches, one photo driven by clips, many faces of one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from likeness import sheet, systems
from likeness.errors import LikenessError
from likeness.evaluate import sketches
from likeness.evaluate.landmark_error import interocular_error
from likeness.evaluate.people import People, headline
from likeness.evaluate.reenactment import acceleration
from likeness.experiment import Outcome, Progress, no_progress
from likeness.faces.align import alignment, face_area, upright
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.faces.tracking import Steady, follow
from likeness.faces.warp import warped
from likeness.records import AlignedFace, Image, Points
from likeness.systems.facefeat.measures import INSTRUMENTS, Judge, compared, of, spread
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer
from likeness.systems.isegan.protocol import check_pairs
from likeness.systems.isegan.synthesis import ISEGANSynthesizer
from likeness.systems.joint.reenact import PhotoTarget
from likeness.systems.joint.synthesis import JointSynthesizer
from likeness.systems.portrait.synthesis import PortraitSynthesizer

SHOWN = 6
"""Frames of each clip on the sheet."""


def drawn_by_artists(people: People, system: JointSynthesizer, progress: Progress = no_progress) -> Outcome:
    """ISEGAN's protocol: photos of sketches on pairs of sketch and photo, all methods in the joint model's framing.

    ISEGAN is also given the sketch's parsing, as it is made; the others the sketch alone.

    Raises:
        LikenessError: faces without sketches and parsings, or framed otherwise than ISEGAN's.
    """
    isegan, portrait = systems.load("isegan"), systems.load("portrait")
    assert isinstance(isegan, ISEGANSynthesizer) and isinstance(portrait, PortraitSynthesizer)
    chosen = people.faces(isegan.framing)
    check_pairs(chosen)
    faces, size = list(chosen), system.framing.size
    moves = [alignment(face.landmarks, system.framing) for face in faces]

    def framed(pictures: Sequence[Image]) -> Image:
        return np.stack([move.warp(one, size, size) for move, one in zip(moves, pictures, strict=True)])

    given = [face.pair for face in faces if face.pair is not None]
    parsings = np.stack([face.maps[1] for face in faces if face.maps is not None])
    drawings = framed(given)
    methods: Mapping[str, Callable[[], Image]] = {
        "joint": lambda: _made(system, [{"drawing": one, "frame": "as-is"} for one in drawings]),
        "isegan": lambda: framed(list(isegan.stages(given, parsings).photo)),
        "portrait": lambda: portrait.draw(list(drawings)),
        "what was given": lambda: drawings,
    }
    photos = framed([face.image for face in faces])
    judge, lines, pictures = sketches.Judge(photos), [], {"given": drawings}
    for number, (title, make) in enumerate(methods.items()):
        progress(number, len(methods), title)
        made = make()
        lines.append(judge.score(title, made).line())
        pictures[title] = made
    del pictures["what was given"]
    about = people.about(system.card, len(faces), judge.instruments)
    shown = {"pairs": sheet.beside({**pictures, "true": photos}, 12)}
    return Outcome(headline(about), about, lines, chosen.column("name"), shown, notes=judge.notes)


def many(people: People, system: JointSynthesizer, progress: Progress = no_progress) -> Outcome:
    """Table 3 of FaceFeat-GAN: faces of a photo's person, all else by chance, beside facefeat's.

    Raises:
        LikenessError: no such faces, or weights framed otherwise.
    """
    other = systems.load("facefeat")
    assert isinstance(other, FaceFeatSynthesizer)
    chosen = people.faces(system.framing)
    faces = list(chosen)
    photos = [PhotoFace(face.name, face.image, face.landmarks) for face in faces]
    methods = {
        "joint": lambda _, seeds: _made(system, [{"like": one, "noise": seed} for one, seed in zip(photos, seeds, strict=True)]),
        "facefeat": of(other),
    }
    lines, pictures = compared(faces, methods, Judge(), progress)
    about = people.about(system.card, len(faces), INSTRUMENTS)
    return Outcome(headline(about), about, lines, chosen.column("name"), {"faces": sheet.beside(pictures)})


# clips


@dataclass(frozen=True)
class Driver:
    """What drives: ``landmarks`` T × 68 × 2 in the framing, made steady, and the ``frames`` there, T × S × S × 3."""

    name: str
    landmarks: Points
    frames: Image

    @classmethod
    def of(cls, clip: Path, system: JointSynthesizer, count: int, reader: FaceReader) -> Driver:
        """The first ``count`` frames of a clip in which a face is found, as ``likeness reenact`` reads them.

        Raises:
            LikenessError: the clip cannot be read, or shows a face in fewer than three frames.
        """
        from likeness import video

        size = system.framing.size
        seen = [(frame, points) for frame, points in follow(islice(video.frames(clip), count), reader) if points is not None]
        if len(seen) < 3:
            raise LikenessError(f"{clip}: shows a face in {len(seen)} of its first {count} frames; three are needed")
        moved, steady = (
            upright(np.median([points for _, points in seen], 0), system.framing),
            Steady(float(video.look(clip).rate)),
        )
        landmarks = np.stack([steady(moved.apply(points)) for _, points in seen])
        return cls(clip.stem, landmarks, np.stack([moved.warp(frame, size, size) for frame, _ in seen]))


def driven(people: People, system: JointSynthesizer, clips: str, frames: int, progress: Progress = no_progress) -> Outcome:
    """One photo of each person driven by each clip, beside the photo bent by a thin-plate spline to the same landmarks.

    Columns: ``identity``, the cosine of mobilefacenet_b's features of each frame and the photo, 0 where no face is found;
    ``landmarks``, how far they are from the driver's in the person's shape, in per cent of the distance between the outer
    corners of the eyes, where a face is found; ``steady``, the cosine of each frame's features and the next one's;
    ``flicker``, how much a pixel outside of the face changes from frame to frame, in levels of 255; ``twitch``, the mean second
    difference of the landmarks over time, over that of the landmarks that were wanted; ``undetected``, the share of frames
    in which no face is found. Means and deviations over pairs of person and clip. The line ``the driver`` has the clip's own
    flicker.

    Raises:
        LikenessError: no clip, one that cannot be read, or no such people.
    """
    from likeness import video

    place = Path(clips)
    if not place.exists():
        raise LikenessError(f"{clips}: no such file or folder")
    files = sorted(file for file in place.iterdir() if video.is_clip(file)) if place.is_dir() else [place]
    if not files:
        raise LikenessError(f"{clips}: holds no clips")
    chosen = people.faces(system.framing)
    faces, reader = list(chosen), FaceReader()
    drivers = []
    for number, file in enumerate(files):
        progress(number, len(files), f"reading {file.name}")
        drivers.append(Driver.of(file, system, frames, reader))
    judge = Judge()
    figures: dict[str, list[dict[str, float]]] = {"joint": [], "the photo, bent": [], "the driver": []}
    pairs: list[str] = []
    shown: list[list[Image | None]] = []
    for number, face in enumerate(faces):
        target = PhotoTarget(system, PhotoFace(face.name, face.image, face.landmarks))
        for driver in drivers:
            progress(number * len(drivers) + len(pairs) % len(drivers), len(faces) * len(drivers), face.name)
            wanted = target.converted(driver.landmarks)
            ours = target.draw(list(driver.landmarks))
            bent = np.stack([warped(face.image, face.landmarks, points) for points in wanted])
            figures["joint"].append(followed(ours, wanted, face, judge))
            figures["the photo, bent"].append(followed(bent, wanted, face, judge))
            figures["the driver"].append({"flicker": flicker(driver.frames, driver.landmarks)})
            pairs.append(f"{face.name} < {driver.name}")
            at = np.linspace(0, len(ours) - 1, SHOWN).astype(int)
            shown += [[None, *driver.frames[at]], [face.image, *ours[at]], [None, *bent[at]]]
    names = list(figures["joint"][0])
    lines = [
        {
            "method": method,
            "pairs": len(pairs),
            **{name: spread(np.array([one[name] for one in some])) if name in some[0] else "-" for name in names},
            "each": {name: [one[name] for one in some] for name in names if name in some[0]},
        }
        for method, some in figures.items()
    ]
    about = people.about(system.card, len(faces), INSTRUMENTS) | {"clips": [file.name for file in files], "frames": frames}
    title = f"{headline(about)}; each driven by the first {frames} frames of {len(files)} clips"
    return Outcome(title, about, lines, pairs, {"frames": sheet.grid(shown, columns=["photo", *map(str, range(SHOWN))])})


def followed(made: Image, wanted: Points, face: AlignedFace, judge: Judge) -> dict[str, float]:
    """The figures of frames T × S × S × 3 of a person, made of the landmarks ``wanted``, T × 68 × 2; see :func:`driven`."""
    seen, own = judge.look(made, face.landmarks), judge.known([face]).features[0]
    both = [(points, some) for points, some in zip(seen.landmarks, wanted, strict=True) if points is not None]
    errors = [interocular_error(points, some) for points, some in both]
    calm = acceleration([points for points, _ in both]) / max(acceleration([some for _, some in both]), 1e-9)
    return {
        "identity": float((seen.features @ own * seen.found).mean()),
        "landmarks": float(np.mean(errors)) if errors else float("nan"),
        "steady": float((seen.features[1:] * seen.features[:-1]).sum(1).mean()),
        "flicker": flicker(made, wanted),
        "twitch": calm,
        "undetected": float(1 - seen.found.mean()),
    }


def flicker(frames: Image, landmarks: Points) -> float:
    """How much a pixel outside of the face changes from one frame to the next: mean |difference| in levels of 255.

    Args:
        frames: T × S × S × 3.
        landmarks: T × 68 × 2 of the face in them, with a forehead and a soft edge left out.
    """
    outside = np.stack([face_area(points, frames.shape[1]) < 0.02 for points in landmarks])
    changes = np.abs(np.diff(frames.astype(np.float32), axis=0)).mean(-1)
    both = outside[1:] & outside[:-1]
    return float(changes[both].mean()) if both.any() else float("nan")


def _made(system: JointSynthesizer, requests: Sequence[Mapping[str, Any]]) -> Image:
    return np.stack([result.picture for result in system.make([system.prepare(one) for one in requests])])
