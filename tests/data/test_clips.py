"""Video in and out: every frame, in order, at its rate, with its sound; and files that are none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from likeness.data.clips import Writer, frames, is_clip, join, look
from likeness.errors import LikenessError


def write(path: Path, count: int, rate: Fraction = Fraction(25), sound: Path | None = None) -> Path:
    """A clip whose frames tell their number by their brightness."""
    with Writer(path, rate, sound, "a test") as out:
        for i in range(count):
            out.add(np.full((48, 64, 3), 10 * i, np.uint8))
    return path


def tone(path: Path, seconds: float, codec: str = "aac") -> Path:
    """A file of sound and one picture."""
    import av

    with av.open(str(path), "w") as out:
        stream, pictures = out.add_stream(codec, rate=44100, layout="mono"), out.add_stream("libx264", rate=1)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for packet in pictures.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")):
            out.mux(packet)
        count = int(seconds * 44100)
        wave = np.sin(np.arange(count) * 440 * 2 * np.pi / 44100).astype(np.float32)
        for start in range(0, count - 1023, 1024):
            some = wave[None, start : start + 1024]
            some = some if codec == "aac" else ((some + 1) * 127).astype(np.uint8)
            frame = av.AudioFrame.from_ndarray(some, format="fltp" if codec == "aac" else "u8", layout="mono")
            frame.sample_rate, frame.pts = 44100, start
            for packet in stream.encode(frame):
                out.mux(packet)
        for some in (stream, pictures):
            for packet in some.encode():
                out.mux(packet)
    return path


def test_frames_come_back(tmp_path: Path) -> None:
    clip = write(tmp_path / "a.mp4", 20, Fraction(30000, 1001))
    about = look(clip)
    assert (about.frames, about.sound) == (20, False) and abs(float(about.rate) - 29.97) < 0.01
    found = list(frames(clip))
    assert len(found) == 20 and found[0].shape == (48, 64, 3)
    assert all(abs(float(frame.mean()) - 10 * i) < 3 for i, frame in enumerate(found))
    assert [round(float(frame.mean()) / 10) for frame in frames(clip, first=17)] == [17, 18, 19]
    assert is_clip("A.MOV") and not is_clip("a.png")


def test_sound_goes_along(tmp_path: Path) -> None:
    """The other file's sound, no longer than the pictures."""
    import av

    sound = tone(tmp_path / "sound.mp4", 3.0)
    clip = write(tmp_path / "b.mp4", 25, sound=sound)
    assert look(clip).sound and len(list(frames(clip))) == 25
    with av.open(str(clip)) as container:
        lengths = [float(packet.pts * packet.time_base) for packet in container.demux(audio=0) if packet.pts is not None]
        assert 0.9 < max(lengths) <= 1.01
        assert container.metadata["comment"] == "a test"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_sound_that_the_file_cannot_hold(tmp_path: Path) -> None:
    """8-bit PCM does not go into MP4: it is written as AAC."""
    import av

    clip = write(tmp_path / "b.mp4", 25, sound=tone(tmp_path / "sound.avi", 3.0, "pcm_u8"))
    with av.open(str(clip)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert sum(frame.samples for frame in container.decode(audio=0)) / 48000 == pytest.approx(1.0, abs=0.1)
    assert len(list(frames(clip))) == 25 and not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_clips_are_joined(tmp_path: Path) -> None:
    """Every frame of each, in order, at their rate, with sound."""
    parts = [write(tmp_path / f"{n}.mp4", 8, Fraction(30000, 1001)) for n in range(3)]
    whole = join(parts, tmp_path / "whole.mp4", tone(tmp_path / "sound.mp4", 2.0), "a test")
    about = look(whole)
    assert about.frames == 24 and about.sound and abs(float(about.rate) - 29.97) < 0.05
    assert [round(float(frame.mean()) / 10) for frame in frames(whole)] == [*range(8)] * 3
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Writer(tmp_path / "c.mp4", Fraction(25)) as out:
        out.add(np.zeros((48, 64, 3), np.uint8))
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    with pytest.raises(LikenessError, match="written as"):
        Writer(tmp_path / "c.gif", Fraction(25))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    for path, message in ((tmp_path / "none.mp4", "no such file"), (tmp_path / "text.mp4", "cannot be read as video")):
        with pytest.raises(LikenessError, match=message):
            look(path)
        with pytest.raises(LikenessError, match=message):
            list(frames(path))
    whole = write(tmp_path / "whole.mp4", 20).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(LikenessError, match="cannot be read as video"):
        look(tmp_path / "cut.mp4")
