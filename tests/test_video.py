"""Video in and out: every frame, in order, at its rate, with its sound; and files that are none."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.video import Writer, frames, is_clip, join, look


def write(path: Path, count: int, rate: Fraction = Fraction(25), sound: Path | None = None) -> Path:
    """A clip whose frames tell their number by their brightness."""
    with Writer(path, rate, sound, "a test") as out:
        for i in range(count):
            out.add(np.full((48, 64, 3), 10 * (i % 25), np.uint8))
    return path


def tone(path: Path, seconds: float, codec: str = "aac", begins: float = 0.0, silent: tuple[float, float] = (0.0, 0.0)) -> Path:
    """A file of sound and a second of pictures; the sound may begin later, and have a gap from one of its seconds to another."""
    import av

    with av.open(str(path), "w") as out:
        stream, pictures = out.add_stream(codec, rate=44100, layout="mono"), out.add_stream("libx264", rate=8)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for _ in range(8):
            for packet in pictures.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")):
                out.mux(packet)
        count = int(seconds * 44100)
        wave = np.sin(np.arange(count) * 440 * 2 * np.pi / 44100).astype(np.float32)
        for start in range(0, count - 1023, 1024):
            if silent[0] <= start / 44100 < silent[1]:
                continue
            some = wave[None, start : start + 1024]
            some = some if codec == "aac" else ((some + 1) * 127).astype(np.uint8)
            frame = av.AudioFrame.from_ndarray(some, format="fltp" if codec == "aac" else "u8", layout="mono")
            frame.sample_rate, frame.pts = 44100, start + round(begins * 44100)
            for packet in stream.encode(frame):
                out.mux(packet)
        for some in (stream, pictures):
            for packet in some.encode():
                out.mux(packet)
    return path


def timed(path: Path, codec: str, ticks: list[int], clock: Fraction, rate: Fraction) -> Path:
    """A clip with a frame at each of these ticks of a clock, whose header names a rate."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = clock
        for i, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), i % 250, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tick, clock
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def patched(path: Path, clip: Path, numbers: tuple[int, ...], change: Callable[[bytes], bytes]) -> Path:
    """A copy of a clip in which the first eight bytes of the packets of these numbers are others."""
    import av

    content, place = bytearray(clip.read_bytes()), 0
    with av.open(str(clip)) as container:
        for number, packet in enumerate(container.demux(video=0)):
            if packet.size:
                place = content.index(bytes(packet), place)
                if number in numbers:
                    content[place : place + 8] = change(bytes(packet)[:8])
    path.write_bytes(content)
    return path


def heard(path: Path) -> list[float]:
    """The seconds at which a file's tone is, in steps of 10 ms."""
    import av

    found = set()
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray()[0]) > 0.1
            found |= {round(when, 2) for when in float(frame.pts * frame.time_base) + np.flatnonzero(loud) / frame.sample_rate}
    return sorted(found)


def test_frames_come_back(tmp_path: Path) -> None:
    clip = write(tmp_path / "a.mp4", 20, Fraction(30000, 1001))
    about = look(clip)
    assert (about.frames, about.sound) == (20, False) and abs(float(about.rate) - 29.97) < 0.01
    found = list(frames(clip))
    assert len(found) == 20 and found[0].shape == (48, 64, 3)
    assert all(abs(float(frame.mean()) - 10 * i) < 3 for i, frame in enumerate(found))
    assert [round(float(frame.mean()) / 10) for frame in frames(clip, first=17)] == [17, 18, 19]
    assert is_clip("A.MOV") and not is_clip("a.png")


@pytest.mark.parametrize("lost", [(7,), (3, 4, 12), (18,)])
def test_damage_costs_the_frames_that_it_hits(tmp_path: Path, lost: tuple[int, ...]) -> None:
    """A packet that cannot be decoded is left out, be it near the end, and numbers count what is left."""
    clip = patched(tmp_path / "damaged.mp4", write(tmp_path / "whole.mp4", 20), lost, lambda _: b"\xff" * 8)
    whole = list(frames(clip))
    assert len(whole) == 20 - len(lost)
    assert abs(float(whole[-1].mean()) - 190) < 10 * len(lost) + 3  # what was only said as a change is lost with it
    for first in (1, 10, 16):
        assert np.array_equal(np.stack(list(frames(clip, first))), np.stack(whole[first:]))
    patched(tmp_path / "nothing.mp4", clip, tuple(range(20)), lambda _: b"\xff" * 8)
    with pytest.raises(LikenessError, match="cannot be read as video"):
        list(frames(tmp_path / "nothing.mp4"))


def test_the_rate_of_frames_that_come_as_they_like(tmp_path: Path) -> None:
    """Where the header says 25 and they slow down, the mean rate is what a clip of as many frames lasts as long with."""
    ticks = [40 * i if i < 50 else 40 * 50 + 65 * (i - 50) for i in range(100)]
    for path, codec in ((tmp_path / "a.webm", "libvpx"), (tmp_path / "a.mkv", "libx264")):
        about = look(timed(path, codec, ticks, Fraction(1, 1000), Fraction(25)))
        assert about.frames == len(list(frames(path))) == 100
        assert about.rate == Fraction(99 * 1000, ticks[-1])
    again = look(write(tmp_path / "again.mp4", 25, about.rate))
    assert again.frames == 25 and float(again.rate) == pytest.approx(float(about.rate), rel=1e-3)


@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_steady_rate_is_the_headers(tmp_path: Path, count: int) -> None:
    """Milliseconds round it; what it says is kept."""
    rate = Fraction(30000, 1001)
    for path, codec in ((tmp_path / "a.webm", "libvpx"), (tmp_path / "a.mkv", "libx264")):
        about = look(timed(path, codec, list(range(count)), 1 / rate, rate))
        assert (about.rate, about.frames) == (rate, count)


def test_frames_that_are_hidden_do_not_count(tmp_path: Path) -> None:
    """VP8 has frames that only others are made from: one bit less in the first byte of theirs."""
    shown = timed(tmp_path / "a.webm", "libvpx", list(range(40)), Fraction(1, 25), Fraction(25))
    hidden = patched(tmp_path / "b.webm", shown, (7, 15), lambda head: bytes([head[0] & ~16]) + head[1:])
    assert look(hidden).frames == len(list(frames(hidden))) == 38


def test_frames_are_turned_as_they_are_shown(tmp_path: Path) -> None:
    """A phone that was held upright writes lying frames and a matrix: a quarter to the right here."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32], picture[:24, 32:], picture[24:, :32] = 240, 160, 80
    with Writer(tmp_path / "lying.mp4", Fraction(25)) as out:
        out.add(picture)
    content = (tmp_path / "lying.mp4").read_bytes()
    place, one = content.index(b"tkhd") + 44, 1 << 16
    assert struct.unpack(">9i", content[place : place + 36]) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    turn = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(content[:place] + turn + content[place + 36 :])
    (lying,), (turned,) = frames(tmp_path / "lying.mp4"), frames(tmp_path / "turned.mp4")
    assert turned.shape == (64, 48, 3) and np.array_equal(turned, np.rot90(lying, -1))
    assert [round(float(turned[y, x].mean()) / 80) for y, x in ((16, 12), (16, 36), (48, 12), (48, 36))] == [1, 3, 0, 2]


def test_sound_goes_along(tmp_path: Path) -> None:
    """The other file's sound, no longer than the pictures."""
    import av

    sound = tone(tmp_path / "sound.mp4", 3.0)
    clip = write(tmp_path / "b.mp4", 25, sound=sound)
    assert look(clip).sound and len(list(frames(clip))) == 25
    with av.open(str(clip)) as container:
        lengths = [float(packet.pts * packet.time_base) for packet in container.demux(audio=0) if packet.pts is not None]
        assert 0.9 < max(lengths) <= 1.01
        assert container.metadata["software"] == "a test"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_sound_that_the_file_cannot_hold(tmp_path: Path) -> None:
    """8-bit PCM does not go into MP4: it is written as AAC."""
    import av

    clip = write(tmp_path / "b.mp4", 25, sound=tone(tmp_path / "sound.avi", 3.0, "pcm_u8"))
    with av.open(str(clip)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert sum(frame.samples for frame in container.decode(audio=0)) / 48000 == pytest.approx(1.0, abs=0.1)
    assert len(list(frames(clip))) == 25 and not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("suffix", "begins"), [(".mov", 0.5), (".mkv", 0.5), (".mov", 0.045)])
def test_sound_that_is_written_anew_keeps_its_time(tmp_path: Path, suffix: str, begins: float) -> None:
    """It begins when it began, and is silent where it was (PCM in a MOV has no gaps)."""
    import av

    sound = tone(tmp_path / f"sound{suffix}", 3.0, "pcm_u8", begins, (0.3, 0.7) if suffix == ".mkv" else (0.0, 0.0))
    clip = write(tmp_path / "b.mp4", 50, sound=sound)
    with av.open(str(clip)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    times = heard(clip)
    assert times[0] == pytest.approx(begins, abs=0.025) and times[-1] == pytest.approx(2, abs=0.05)
    pauses = [(before, after) for before, after in pairwise(times) if after - before > 0.02]
    assert pauses == ([] if suffix == ".mov" else [(pytest.approx(0.8, abs=0.03), pytest.approx(1.2, abs=0.03))])


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
