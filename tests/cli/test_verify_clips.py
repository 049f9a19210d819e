"""Clips carry the mark of provenance, and the command reads it."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from likeness import cli, video  # noqa: E402
from likeness.image import read  # noqa: E402
from likeness.provenance import SOURCE_TYPE, Mark  # noqa: E402


def driver(path: Path, photo: Path, sound: bool) -> Path:
    """A clip of 6 frames with a face, where asked with a tone."""
    with video.Writer(path, Fraction(25)) as out:
        for _ in range(6):
            out.add(read(photo))
    if not sound:
        return path
    whole = path.with_name("heard.mp4")
    with av.open(str(path)) as seen, av.open(str(whole), "w") as out:
        shown, voiced = out.add_stream_from_template(seen.streams.video[0]), out.add_stream("aac", rate=48000, layout="mono")
        for packet in seen.demux(seen.streams.video[0]):
            if packet.dts is not None:
                packet.stream = shown
                out.mux(packet)
        tone = (0.2 * np.sin(np.arange(11520) / 20)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        for packet in [*voiced.encode(frame), *voiced.encode(None)]:
            out.mux(packet)
    return whole


@pytest.mark.parametrize("sound", [False, True])
def test_a_reenacted_clip_says_that_it_was_made(
    tmp_path: Path, samples: list[Path], capsys: pytest.CaptureFixture[str], sound: bool
) -> None:
    """The real commands on a real file; another reader finds the mark, and plain clips have none."""
    clip, made = driver(tmp_path / "d.mp4", samples[0], sound), tmp_path / "made.mp4"
    assert cli.main(["reenact", str(clip), "-o", str(made)]) == 0
    assert video.look(made).sound == sound and len(list(video.frames(made))) == 6
    capsys.readouterr()
    assert cli.main(["verify", str(made)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{made}: compositeWithTrainedAlgorithmicMedia, by likeness landmark ")
    assert cli.main(["verify", str(clip), str(made)]) == 1
    assert f"{clip}: no mark" in capsys.readouterr().out
    with av.open(str(made)) as container:  # what any other program finds
        assert container.metadata["DigitalSourceType"] == SOURCE_TYPE


def test_a_mark_in_either_format(tmp_path: Path, samples: list[Path]) -> None:
    for suffix in (".mp4", ".mov"):
        with video.Writer(tmp_path / f"a{suffix}", Fraction(25), tool="likeness test 1") as out:
            out.add(read(samples[0]))
        assert video.mark(tmp_path / f"a{suffix}") == Mark(SOURCE_TYPE, "likeness test 1")
        video.join([tmp_path / f"a{suffix}"] * 2, tmp_path / f"b{suffix}", tool="likeness test 2")
        assert video.mark(tmp_path / f"b{suffix}") == Mark(SOURCE_TYPE, "likeness test 2")
    shutil.copy(tmp_path / "a.mp4", tmp_path / "copy.mp4")
    assert video.mark(tmp_path / "copy.mp4") is not None


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_mark_stays_when_streams_are_copied(tmp_path: Path, samples: list[Path], suffix: str) -> None:
    """As ``ffmpeg -i made.mp4 -c copy other.mp4`` does, which keeps the entries alone that the other format has names for."""
    made, other = tmp_path / "made.mp4", tmp_path / f"other{suffix}"
    with video.Writer(made, Fraction(25), tool="likeness test 1") as out:
        out.add(read(samples[0]))
    with av.open(str(made)) as source, av.open(str(other), "w") as target:
        target.metadata.update(source.metadata)
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    if suffix == ".mp4":
        with av.open(str(other)) as target:
            assert "DigitalSourceType" not in target.metadata
    assert video.mark(other) == Mark(SOURCE_TYPE, "likeness test 1")


def test_no_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    for name, message in (("a.mp4", "cannot be read as video"), ("none.mp4", "no such file")):
        assert cli.main(["verify", str(tmp_path / name)]) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
