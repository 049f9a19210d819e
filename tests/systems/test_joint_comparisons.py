"""The joint model on other systems' protocols: figures against closed forms, and each experiment on drawn faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from likeness import systems
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.people import People
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import read, write
from likeness.records import AlignedFace, Image, Points
from likeness.systems.facefeat.measures import Judge, Seen
from likeness.systems.joint import comparisons, protocol
from likeness.systems.joint.recipes import tiny
from likeness.systems.joint.synthesis import JointSynthesizer
from likeness.video import Writer

FRAMING = tiny().framing


class Judged(Judge):
    """Finds a face where it is told to in all but black pictures; a picture's features are its corner's colour."""

    def __init__(self, landmarks: Sequence[Points]) -> None:
        object.__setattr__(self, "landmarks", landmarks)

    def look(self, pictures: Image, usual: Points) -> Seen:
        found = np.array([bool(picture.any()) for picture in pictures])
        features = pictures[:, 0, 0].astype(np.float64) + 1e-6
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        points = [*self.landmarks[: len(pictures)], *[usual] * (len(pictures) - len(self.landmarks))]
        return Seen(features, [some if here else None for some, here in zip(points, found, strict=True)], found)

    def known(self, faces: Sequence[AlignedFace]) -> Seen:
        return self.look(np.stack([face.image for face in faces]), faces[0].landmarks)


def test_what_a_clip_is_measured_by() -> None:
    """Frames that are the photo, one of them black, and one whose landmarks are away by a tenth of the eyes' distance."""
    (face,) = drawn_faces(1, FRAMING)
    frames = np.stack([face.image] * 4)
    frames[:, 0, 0] = [200, 100, 0]
    face = replace(face, image=frames[0])
    across = float(np.linalg.norm(face.landmarks[36] - face.landmarks[45]))
    wanted = np.stack([face.landmarks] * 4)
    seen = wanted.copy()
    seen[1, :, 0] += across / 10
    frames[3] = 0
    frames[3, -1, -1] = 0
    found = comparisons.followed(frames, wanted, face, Judged(seen))
    assert found["identity"] == pytest.approx(3 / 4)
    assert found["landmarks"] == pytest.approx(10 / 3, abs=1e-4)
    assert found["undetected"] == 0.25
    assert comparisons.followed(frames[:3], wanted[:3], face, Judged(wanted))["steady"] == pytest.approx(1)


def test_flicker_is_that_of_the_ground_alone() -> None:
    (face,) = drawn_faces(1, FRAMING)
    inside = comparisons.face_area(face.landmarks, FRAMING.size) >= 0.02
    frames = np.full((3, FRAMING.size, FRAMING.size, 3), 100, np.uint8)
    frames[1] += 10
    landmarks = np.stack([face.landmarks] * 3)
    assert comparisons.flicker(frames, landmarks) == pytest.approx(10)
    frames[1][inside] = 255
    assert comparisons.flicker(frames, landmarks) == pytest.approx(10)


def clip(path: Path, photo: Image, count: int = 5) -> None:
    with Writer(path, Fraction(25)) as out:
        for i in range(count):
            out.add(np.roll(photo, 2 * i, axis=1))


def drawn(tmp_path: Path, framing: Framing = FRAMING) -> str:
    faces = [replace(face, split="test", person=face.name) for face in drawn_faces(3, framing)]
    return str(FaceStore.of(faces, framing, "drawn").write(tmp_path / "faces.parquet"))


def test_photos_are_driven_by_clips(
    joint_run: Path, samples: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "Judge", lambda: Judged(()))
    monkeypatch.setattr(comparisons, "INSTRUMENTS", ())
    clip(tmp_path / "ada.mp4", read(samples[0]))
    clip(tmp_path / "bo.mp4", read(samples[1]))
    data = drawn(tmp_path)
    options = protocol.Options(
        data=data, source="drawn", weights=str(joint_run), limit=2, experiment="clips", clips=str(tmp_path)
    )
    outcome = protocol.measure(replace(options, frames=4))
    assert [line["method"] for line in outcome.lines] == ["joint", "the photo, bent", "the driver"]
    assert all(line["pairs"] == 4 == len(outcome.names) for line in outcome.lines)
    ours, _, driver = outcome.lines
    assert ours["undetected"] == (0, 0) and driver["identity"] == "-" and driver["flicker"][0] > 0
    assert len(ours["each"]["identity"]) == 4
    with pytest.raises(LikenessError, match="names the clips"):
        protocol.measure(replace(options, experiment="many"))
    with pytest.raises(LikenessError, match="names the clips"):
        protocol.measure(replace(options, clips=None))
    with pytest.raises(LikenessError, match="no such file or folder"):
        protocol.measure(replace(options, clips=str(tmp_path / "none")))
    wall = tmp_path / "wall"
    wall.mkdir()
    with pytest.raises(LikenessError, match="holds no clips"):
        protocol.measure(replace(options, clips=str(wall)))
    clip(wall / "wall.mp4", np.full((96, 96, 3), 90, np.uint8))
    with pytest.raises(LikenessError, match="a face in 0"):
        protocol.measure(replace(options, clips=str(wall)))


def test_many_faces_of_a_person(joint: JointSynthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each method is asked for faces of the photos' people, and another seed is another face."""
    seen = {}

    def compared(faces, methods, judge, progress):
        photos = np.stack([face.image for face in faces])
        for name, make in methods.items():
            seen[name] = [make(photos, range(start, start + len(photos))) for start in (0, 10)]
        return [{"method": name} for name in methods], {name: first for name, (first, _) in seen.items()}

    theirs = systems.load("facefeat")
    big = [replace(face, split="test", person=face.name) for face in drawn_faces(2, theirs.framing)]
    data = str(FaceStore.of(big, theirs.framing, "drawn").write(tmp_path / "big.parquet"))
    monkeypatch.setattr(comparisons, "compared", compared)
    monkeypatch.setattr(comparisons, "Judge", lambda: None)
    monkeypatch.setattr(comparisons, "INSTRUMENTS", ())
    shipped = systems.load("joint")
    outcome = comparisons.many(People(data=data, source="drawn"), shipped)
    assert [line["method"] for line in outcome.lines] == ["joint", "facefeat"]
    for first, other in seen.values():
        assert first.shape == (2, 128, 128, 3) and (first != other).any()
    with pytest.raises(LikenessError, match="framed"):
        comparisons.many(People(data=data, source="drawn"), joint)


def test_several_faces_of_a_person_to_be_like_are_told(joint: JointSynthesizer, samples: list[Path], tmp_path: Path) -> None:
    both = tmp_path / "two.png"
    write(both, np.concatenate([read(path) for path in samples[:2]], 1))
    assert any("two.png: shows 2 faces; the largest is taken" in note for note in joint.prepare({"like": both}).notes)
    assert not any("shows" in note for note in joint.prepare({"like": both, "face": 2}).notes)
    assert not any("shows" in note for note in joint.prepare({"like": samples[0]}).notes)


def test_artists_sketches(joint: JointSynthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every method's pictures are in the joint model's framing, and what was given there is the sketch."""
    shown: dict[str, Image] = {}

    class Table:
        instruments = notes = ()

        def __init__(self, photos: Image) -> None:
            shown["true"] = photos

        def score(self, method: str, made: Image) -> SimpleNamespace:
            shown[method] = made
            return SimpleNamespace(line=lambda: {"method": method})

    isegan = systems.load("isegan")
    faces = []
    for face in drawn_faces(2, isegan.framing):
        maps = np.zeros((2, 8, isegan.framing.size, isegan.framing.size), np.uint8)
        maps[:, 1] = 255
        faces.append(replace(face, split="test", person=face.name, pair=255 - face.image, maps=maps))
    data = str(FaceStore.of(faces, isegan.framing, "drawn", "sketch").write(tmp_path / "pairs.parquet"))
    monkeypatch.setattr(comparisons.sketches, "Judge", Table)
    outcome = comparisons.drawn_by_artists(People(data=data, source="drawn"), systems.load("joint"))
    assert [line["method"] for line in outcome.lines] == ["joint", "isegan", "portrait", "what was given"]
    assert all(picture.shape == (2, 128, 128, 3) for picture in shown.values())
    away = np.abs(shown["what was given"].astype(int) - (255 - shown["true"].astype(int)))
    assert away.mean() < 3  # photos are stored by a lossy format
