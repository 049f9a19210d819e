"""A target from a clip and from a folder of photos."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.image import read
from likeness.systems.landmark.target import gather
from likeness.video import Writer


def test_a_clip(tmp_path: Path, samples: list[Path]) -> None:
    """The head moves in the frame as it did in the clip; frames without a face are left out; the end is kept for the test."""
    photo = read(samples[0])
    with Writer(tmp_path / "a.mp4", Fraction(25)) as out:
        for i in range(20):
            frame = np.full((320, 360, 3), 90, np.uint8)
            if i != 5:
                frame[20 : 20 + 256, 30 + 2 * i : 30 + 2 * i + 256] = photo
            out.add(frame)
    done: list[tuple[int, int]] = []
    found = gather(tmp_path / "a.mp4", "ada", Framing(), lambda *numbers: done.append(numbers))
    assert len(found.store) == 19 and [title for title, _ in found.left_out] == ["000005"]
    assert done[-1] == (20, 20)
    faces = list(found.store)
    assert {face.person for face in faces} == {"ada"}
    assert [face.split for face in faces] == ["train"] * 14 + ["validation"] * 2 + ["test"] * 3
    way = np.array([face.landmarks[:, 0].mean() for face in faces])
    assert (np.diff(way) > 0).mean() > 0.8 and 10 < way[-1] - way[0] < 40
    assert len(gather(tmp_path / "a.mp4", "ada", Framing(), most=10).store) >= 9


def test_a_folder(tmp_path: Path, samples: list[Path]) -> None:
    for i in range(6):
        shutil.copy(samples[i % len(samples)], tmp_path / f"{i}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = gather(tmp_path, "somebody", Framing(size=64))
    assert len(found.store) == 6 and found.left_out[0][0] == "broken.png"
    assert all(face.image.shape == (64, 64, 3) for face in found.store)
    assert len(gather(tmp_path, "somebody", Framing(size=64), most=6).store) == 5
    for i in range(3):
        (tmp_path / f"{i}.png").unlink()
    with pytest.raises(LikenessError, match="3 times, at least 5"):
        gather(tmp_path, "somebody", Framing())
    (tmp_path / "empty").mkdir()
    with pytest.raises(LikenessError, match="holds no pictures"):
        gather(tmp_path / "empty", "nobody", Framing())
    with pytest.raises(LikenessError, match="no such file"):
        gather(tmp_path / "none.mp4", "nobody", Framing())


def test_a_clip_of_two(tmp_path: Path, samples: list[Path]) -> None:
    """Who is there for longer is the target; the other, who stands elsewhere, is left out and named, not cut at the border."""
    first, second = read(samples[0]), read(samples[1])
    with Writer(tmp_path / "two.mp4", Fraction(25)) as out:
        for i in range(48):
            frame = np.full((300, 640, 3), 90, np.uint8)
            if i < 8:
                frame[20:276, :256] = first
            elif i >= 34:
                frame[20:276, 370:626] = second
            out.add(frame)
    found = gather(tmp_path / "two.mp4", "bo", Framing(size=64))
    assert len(found.store) == 14 and {why for title, why in found.left_out if int(title) < 8} == {
        "the face stands far from where it mostly is"
    }
    assert all(face.landmarks[36:48].min() >= 0 and face.landmarks[36:48].max() < 64 for face in found.store)
    evenly = gather(tmp_path / "two.mp4", "bo", Framing(size=64), most=47)
    titles = [face.name for face in evenly.store] + [title for title, _ in evenly.left_out]
    assert len(titles) == 47 and max(titles) == "000047"
