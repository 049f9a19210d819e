"""Table 1's measures: a perfect method there and back, one that is somebody else, one that trembles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.reenactment import acceleration, compare, follow
from likeness.faces.align import Framing, align
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.records import AlignedFace, Image, Points


def test_jerk() -> None:
    """Resting and steady motion have none; every second frame off by d: 2d each time."""
    face = np.zeros((68, 2), np.float32)
    assert acceleration([face] * 5) == 0 and acceleration([face + i for i in range(5)]) == 0
    assert acceleration([face + np.float32([i % 2, 0]) for i in range(5)]) == pytest.approx(2)
    assert np.isnan(acceleration([face, face]))


def test_cycles(instruments: Path, samples: list[Path]) -> None:
    """A method that answers with the target's frame, and back with the source's, is perfect; one that is always ada is not."""
    framing, reader, people = Framing(size=128), FaceReader(), {}
    for name, path in zip(("ada", "bo"), samples, strict=False):
        photo = read(path)
        face, points, _ = align(photo, reader.face(photo, name).landmarks, framing)
        found = reader.faces(face)[0].landmarks
        people[name] = FaceStore.of([AlignedFace(face, found, name, f"{i}", "test") for i in range(3)], framing, name)
        assert points.shape == (68, 2)
    frames = {name: next(iter(store)).image for name, store in people.items()}

    def perfect(points: Sequence[Points], target: str) -> Image:
        return np.stack([frames[target]] * len(points))

    def other(points: Sequence[Points], target: str) -> Image:
        return np.stack([frames["ada"]] * len(points))

    def nobody(points: Sequence[Points], target: str) -> Image:
        return np.zeros((len(points), 128, 128, 3), np.uint8)

    scores, rows = compare(people, people, {"perfect": perfect, "always ada": other, "nobody": nobody})
    best, same, none = scores
    assert best.pairs == 2 and best.ssim > 0.99 and best.lmk < 0.1 and best.id_distance < 0.02 and best.undetected == 0
    assert same.id_distance > 0.3 and same.ssim < best.ssim and same.lmk > best.lmk
    assert none.undetected == 1 and np.isnan(none.ssim)
    assert len(rows) == 2 and len(rows[0]) == 4
    with pytest.raises(LikenessError, match="two targets"):
        compare({"ada": people["ada"]}, people, {"perfect": perfect})


def test_lmk_and_twitch(instruments: Path, samples: list[Path]) -> None:
    """A face back d pixels off: LMK is d·√68 / size. A target that moves half as far as the driver trembles half as much."""
    framing, reader, people = Framing(size=128), FaceReader(), {}
    for name, path in zip(("ada", "bo"), samples, strict=False):
        photo = read(path)
        face, _, _ = align(photo, reader.face(photo, name).landmarks, framing)
        moving = [moved(face, 6 * (i % 2)) for i in range(5)]
        found = [AlignedFace(one, reader.faces(one)[0].landmarks, name, f"{i}", "test") for i, one in enumerate(moving)]
        people[name] = FaceStore.of(found, framing, name)
    frames = {name: [face.image for face in store] for name, store in people.items()}
    turns: list[str] = []

    def off(points: Sequence[Points], target: str) -> Image:
        turns.append(target)
        if len(turns) % 2:  # there
            return np.stack([moved(frames[target][0], 3 * (i % 2)) for i in range(len(points))])
        return np.stack([moved(frame, 5) for frame in frames[target][: len(points)]])

    ((score,), _) = compare(people, people, {"off": off})
    assert score.undetected == 0
    assert score.lmk == pytest.approx(5 * 68**0.5 / 128, rel=0.15)
    assert score.twitch == pytest.approx(0.5, rel=0.2)


def moved(picture: Image, right: int) -> Image:
    """A picture moved to the right; its border stays behind."""
    return np.concatenate([np.repeat(picture[:, :1], right, 1), picture[:, : picture.shape[1] - right]], 1)


def test_following(instruments: Path, samples: list[Path]) -> None:
    """The driver's own picture follows to the judge's error and is like the driver; another's stands elsewhere and is not."""
    framing, reader, faces = Framing(size=128), FaceReader(), []
    for name, path in zip(("ada", "bo"), samples, strict=False):
        photo = read(path)
        picture, points, _ = align(photo, reader.face(photo, name).landmarks, framing)
        faces.append(AlignedFace(picture, points, name, name, "test"))
    store = FaceStore.of(faces, framing, "two")
    pictures = np.stack([face.image for face in store])

    scores, made = follow(
        store,
        {
            "itself": lambda points: pictures,
            "the other": lambda points: pictures[::-1],
            "nobody": lambda points: np.zeros_like(pictures),
        },
    )
    own, other, none = scores
    assert own.count == 2 and own.undetected == 0 and own.follows < 6 and own.like_driver > 0.9
    assert other.follows > 1.5 * own.follows and other.like_driver < 0.5
    assert none.undetected == 2 and np.isnan(none.follows) and len(made) == 3
