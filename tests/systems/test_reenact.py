"""Reenactment: frame for frame, with rate and sound, steady, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from likeness import systems
from likeness.errors import LikenessError
from likeness.faces.drawing import drawn_faces
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.records import Face, Image
from likeness.systems.landmark import reenact as room
from likeness.systems.landmark.recipes import tiny
from likeness.systems.landmark.reenact import Options, live, reenact
from likeness.systems.landmark.synthesis import LandmarkSynthesizer
from likeness.systems.landmark.system import LandmarkSystem
from likeness.train.loop import train
from likeness.video import Writer, frames, look

Run = Callable[..., int]


class Corner:
    """A backend that finds a drawn face's landmarks about the bright square of a picture, and none where there is no square."""

    name = "corner"
    face = drawn_faces(1, tiny().framing)[0].landmarks

    def find(self, image: Image) -> list[Face]:
        bright = np.argwhere(image[..., 0] > 128)
        if not len(bright):
            return []
        top, left = bright.min(0)
        return [Face((0, 0, 50, 50), self.face + np.float32([left, top]), 1.0)]


@pytest.fixture
def model(tmp_path: Path) -> LandmarkSynthesizer:
    from likeness.data.store import FaceStore

    faces = FaceStore.of(drawn_faces(4, tiny().framing), tiny().framing, "drawn")
    made = systems.load(train(LandmarkSystem(tiny()), "landmark", faces, tmp_path / "run", steps=1))
    assert isinstance(made, LandmarkSynthesizer)
    return made


def picture(i: int, seen: bool = True) -> Image:
    frame = np.zeros((160, 160, 3), np.uint8)
    if seen:
        frame[40:44, 30 + i : 34 + i] = 255
    return frame


def driver(path: Path, count: int, gone: tuple[int, ...] = ()) -> Path:
    with Writer(path, Fraction(30)) as out:
        for i in range(count):
            out.add(picture(i, i not in gone))
    return path


def test_a_clip(tmp_path: Path, model: LandmarkSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many frames at the same rate; stopped in the middle, it goes on and makes the same; nothing is left beside it."""
    monkeypatch.setattr(room, "SEGMENT", 5)
    clip, reader = driver(tmp_path / "d.mp4", 13, gone=(4, 5)), FaceReader(Corner())
    done = reenact(clip, model, tmp_path / "a.mp4", reader=reader)
    assert (done.frames, done.missed) == (13, 2)
    about, made = look(tmp_path / "a.mp4"), list(frames(tmp_path / "a.mp4"))
    assert about.rate == 30 and len(made) == 13 and made[0].shape == (64, 64, 3)
    for asked in (7, 8 + 1):  # in the middle of the landmarks, of which five are kept; then after a batch of pictures
        calls = iter(range(100))
        with pytest.raises(InterruptedError):
            reenact(clip, model, tmp_path / "b.mp4", reader=reader, stop=lambda calls=calls, asked=asked: next(calls) >= asked)
    assert sorted(path.name for path in (tmp_path / "b.mp4.partial").glob("*.mp4")) == ["0000000.mp4"]
    with pytest.raises(LikenessError, match="another reenactment"):
        reenact(clip, model, tmp_path / "b.mp4", Options(smooth=False), reader=reader)
    reenact(clip, model, tmp_path / "b.mp4", reader=FaceReader(Corner()))
    assert all(np.array_equal(one, other) for one, other in zip(made, frames(tmp_path / "b.mp4"), strict=True))
    assert not list(tmp_path.glob("*.partial")) and not list(tmp_path.glob(".*"))
    reenact(clip, model, tmp_path / "c.mp4", Options(side_by_side=True), reader=reader)
    assert next(frames(tmp_path / "c.mp4")).shape == (64, 192, 3)


def test_a_long_loss_is_gone_on_with(tmp_path: Path, model: LandmarkSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A face that is away for longer than the patience and comes back elsewhere is found as soon after a stop as without one."""
    monkeypatch.setattr(room, "SEGMENT", 20)
    clip = tmp_path / "d.mp4"
    with Writer(clip, Fraction(30)) as out:
        for i in range(50):
            out.add(picture(0 if i < 5 else 90, not 5 <= i < 32))
    whole = reenact(clip, model, tmp_path / "a.mp4", reader=FaceReader(Corner()))
    calls = iter(range(1000))
    with pytest.raises(InterruptedError):
        reenact(clip, model, tmp_path / "b.mp4", reader=FaceReader(Corner()), stop=lambda: next(calls) >= 45)
    again = reenact(clip, model, tmp_path / "b.mp4", reader=FaceReader(Corner()))
    assert again == whole and whole.missed == 27
    assert all(np.array_equal(*two) for two in zip(frames(tmp_path / "a.mp4"), frames(tmp_path / "b.mp4"), strict=True))


def test_live(model: LandmarkSynthesizer) -> None:
    """A face a frame: the same as long as nothing moves or nothing is seen; another when the driver moves."""
    shown = [picture(0), picture(0), picture(0, False), picture(20)]
    made = list(live(shown, model, Options(side_by_side=True), FaceReader(Corner())))
    assert len(made) == 4 and made[0].shape == (64, 192, 3)
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[1], made[2])
    lines = [picture[:, 64:128] for picture in made]  # the landmarks, which have followed
    assert not np.array_equal(lines[2], lines[3]) and lines[3].any()


def test_the_command(
    tmp_path: Path, model: LandmarkSynthesizer, likeness: Run, samples: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A photo, a folder of photos, and what is refused; faces are found by the real detector."""
    run = tmp_path / "run"
    assert likeness("reenact", samples[0], "--target", run, "-o", "a.png", "--beside") == 0
    assert read(tmp_path / "a.png").shape == (64, 192, 3)
    (tmp_path / "in").mkdir()
    for i, size in enumerate((256, 512, 200)):
        Pillow.fromarray(read(samples[i])).resize((size, size)).save(tmp_path / "in" / f"{i}.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    assert likeness("reenact", tmp_path / "in", "--target", run, "-o", "b.mp4", "--beside") == 0
    assert "in 1 of 4 frames no face" in capsys.readouterr().err
    shown = list(frames(tmp_path / "b.mp4"))
    assert look(tmp_path / "b.mp4").rate == 5 and len(shown) == 4
    lines = [one[:, 64:128].mean(2) > 100 for one in shown[:3]]
    assert all(0.4 < (np.argwhere(one).mean(0) / 64).min() < 0.7 for one in lines)  # each face is framed by itself
    large = np.zeros((1800, 2400, 3), np.uint8)  # a small face in a large photo, too
    large[900:1156, 1100:1356] = read(samples[0])
    Pillow.fromarray(large).save(tmp_path / "large.png")
    assert likeness("reenact", "large.png", "--target", run, "-o", "l.png") == 0 and read(tmp_path / "l.png").any()
    assert "outside what this model has seen" in capsys.readouterr().err  # drawn faces are all that it has
    driver(tmp_path / "dark.mp4", 3)
    (tmp_path / "folder.mp4").mkdir()
    first = (tmp_path / "in" / "0.png").read_bytes()
    for words, message in (
        (("dark.mp4", "-o", "c.mp4"), "no face was found in any of 3"),
        (("none.mp4", "-o", "c.mp4"), "no such file"),
        (("b.mp4", "-o", "b.mp4"), "is the driver"),
        (("b.mp4", "-o", "c.gif"), ".mp4 or .mov"),
        (("b.mp4", "-o", "c.mp4", "--name", "bob"), "there are generic"),
        ((samples[0], "-o", "c.gif"), "c.gif"),
        (("in", "-o", "c.mp4", "--strip", tmp_path / "in" / "0.png"), "lies in the folder"),
        (("b.mp4", "-o", "c.mp4", "--strip", "c.mp4"), "c.mp4"),
        (("b.mp4", "-o", "folder.mp4"), "is a folder"),
    ):
        assert likeness("reenact", words[0], "--target", run, *words[1:]) == 2
        said = capsys.readouterr().err
        assert message in said
    assert (tmp_path / "in" / "0.png").read_bytes() == first
    assert not list(tmp_path.glob("*.partial"))
