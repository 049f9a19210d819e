"""Video files, through PyAV: frames as they are displayed, and clips written with the rate and the sound of another."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from likeness.errors import LikenessError
from likeness.files import put_in_place, sync
from likeness.provenance import SOURCE_TYPE, Mark
from likeness.records import Image

SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
FINEST = 60 * 1001
"""The largest denominator of a measured rate, so that an encoder can take it."""
NEAR = Fraction(1, 200)
"""By what share of it a measured rate may miss the file's own and count as that."""
SOURCE, SOFTWARE = "DigitalSourceType", "software"
"""What the entries of a file's metadata are called that are its mark: IPTC's property, and the program."""
GAP = 0.05
"""Seconds without sound from which on they are written as silence; shorter ones are how a file rounds."""


@dataclass(frozen=True)
class Clip:
    """What a video file holds: ``rate`` in frames a second, its ``frames`` by its header or counted, and whether it has sound."""

    path: Path
    rate: Fraction
    frames: int
    sound: bool


def is_clip(path: str | Path) -> bool:
    """Whether a file's name is a video's."""
    return Path(path).suffix.lower() in SUFFIXES


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise LikenessError("reading and writing video needs PyAV: pip install 'likeness[video]'") from None
    return av


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    av = _av()
    if not Path(path).is_file():
        raise LikenessError(f"{path}: no such file")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise LikenessError(f"{path}: holds no video")
            yield container
    except (av.error.FFmpegError, OSError) as problem:
        raise LikenessError(f"{path}: cannot be read as video ({getattr(problem, 'strerror', None) or problem})") from None


def look(path: str | Path) -> Clip:
    """What a video file says of itself.

    Where its header does not say how many frames there are (WebM, Matroska), its rate is a guess from the first of them: they are
    counted there, and the rate is their mean.

    Raises:
        LikenessError: no such file, or it is no video.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        rate, count = Fraction(stream.average_rate or stream.guessed_rate or 25), int(stream.frames)
        if not count:
            rate, count = _counted(container, stream, rate)
        return Clip(Path(path), rate, count, bool(container.streams.audio))


def _counted(container: Any, stream: Any, rate: Fraction) -> tuple[Fraction, int]:
    """The mean rate and number of a stream's frames by its packets, none decoded; ``rate`` where they agree or tell no other."""
    av, count, stamps = _av(), 0, []
    vp8 = stream.codec_context.name in ("vp8", "libvpx")
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard and not (vp8 and not memoryview(packet)[0] & 16):  # VP8 hides some frames
                count += 1
                stamps += [] if packet.pts is None else [packet.pts]
    except av.error.InvalidDataError:  # it breaks off here
        pass
    steps = len(stamps) - 1
    lasts = (max(stamps) - min(stamps)) * Fraction(stream.time_base) if stamps else Fraction(0)
    if steps < 1 or not lasts or len(stamps) < count:
        return rate, count
    agree = abs(lasts - steps / rate) <= max(lasts * NEAR, Fraction(stream.time_base))
    return rate if agree else (steps / lasts).limit_denominator(FINEST), count


def frames(path: str | Path, first: int = 0) -> Iterator[Image]:
    """The frames of a video file in order, H × W × 3, turned as they are displayed; from number ``first`` on.

    Raises:
        LikenessError: no such file, or it is no video. What is damaged inside is left out, and a file that breaks off ends there.
    """
    av = _av()
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1  # with more, damage near the end costs a good frame a core
        number, problem = 0, None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                decoded = [] if packet is None else packet.decode()
            except av.error.InvalidDataError as damage:
                problem = damage
                continue
            if packet is None:
                break
            for frame in decoded:
                if number >= first:
                    turned = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
                    yield np.ascontiguousarray(turned)
                number += 1
        if problem is not None and not number:
            raise problem


def _created(path: Path, tool: str) -> Any:
    """A new container with the mark of provenance in its metadata, where a ``tool`` is named.

    The entries have names that MP4 has no box of its own for; ``use_metadata_tags`` lets FFmpeg write them as QuickTime does. A
    program that copies the streams into a new file usually keeps the comment alone, so it tells the same.
    """
    if not tool:
        return _av().open(str(path), "w")
    made = _av().open(str(path), "w", options={"movflags": "use_metadata_tags"})
    told = f"made with likeness: synthetic face; {SOURCE}={SOURCE_TYPE}; {SOFTWARE}={tool}"
    made.metadata.update({SOURCE: SOURCE_TYPE, SOFTWARE: tool, "comment": told})
    return made


def mark(path: str | Path) -> Mark | None:
    """The mark of a video file, or None where there is none.

    Raises:
        LikenessError: the file is missing or no video, or PyAV is not installed.
    """
    with _opened(path) as container:
        found = {name.lower(): value for name, value in container.metadata.items()}
    if kind := found.get(SOURCE.lower()):
        return Mark(kind, found.get(SOFTWARE, ""))
    told = re.search(rf"{SOURCE}=(\S+); {SOFTWARE}=(.*)", found.get("comment", ""))
    return Mark(told[1], told[2]) if told else None


def join(parts: Sequence[Path], path: str | Path, sound: str | Path | None = None, tool: str = "") -> Path:
    """Clips that :class:`Writer` wrote, one behind the other as they are, in one file, with another file's sound.

    Args:
        parts: of one size and rate.
        path: ends with .mp4 or .mov.
        sound: a file whose sound goes with it, or None.
        tool: what made it: the file carries a mark of provenance by that name (:mod:`likeness.provenance`); empty for none.
    """
    _av()
    target = Path(path)
    part = target.with_name(f".{target.name}.part{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _created(part, tool) as out:
            stream, begins = None, 0
            for one in parts:
                with _opened(one) as container:
                    source = container.streams.video[0]
                    stream = stream or out.add_stream_from_template(source)
                    ends = begins
                    for packet in container.demux(source):
                        if packet.dts is None:
                            continue
                        packet.pts, packet.dts = packet.pts + begins, packet.dts + begins
                        ends = max(ends, packet.pts + packet.duration)
                        packet.stream = stream
                        out.mux(packet)
                    begins = ends
        if sound is not None and look(sound).sound:
            _add_sound(part, sound, tool)
        sync(part)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


class Writer:
    """A video file that is being written, H.264 in MP4; sound is copied from another file at the end.

    Use it as a context: what was written is put in place when all went well, and nothing is left otherwise.

    Args:
        path: ends with .mp4 or .mov.
        rate: frames a second.
        sound: a file whose sound goes with it, or None.
        tool: what made it: the file carries a mark of provenance by that name (:mod:`likeness.provenance`); empty for none.
    """

    def __init__(self, path: str | Path, rate: Fraction, sound: str | Path | None = None, tool: str = "") -> None:
        self.path, self.rate, self.sound, self.tool = Path(path), rate, sound, tool
        if self.path.suffix.lower() not in (".mp4", ".mov"):
            raise LikenessError(f"{path}: video is written as .mp4 or .mov")
        self._part = self.path.with_name(f".{self.path.name}.part{self.path.suffix}")
        self._container: Any = None
        self._stream: Any = None
        self.count = 0

    def __enter__(self) -> Writer:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._container = _created(self._part, self.tool)
        return self

    def add(self, picture: Image) -> None:
        """One more frame, H × W × 3 with even sides, all of one size."""
        av = _av()
        height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self.rate)
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
            self._stream.options = {"crf": "18", "bf": "0"}  # without frames that wait for later ones, clips can be joined
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self.count += 1

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        try:
            if kind is None and self._stream is not None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
            self._container.close()
            if kind is None and self.count:
                if self.sound is not None and look(self.sound).sound:
                    _add_sound(self._part, self.sound, self.tool)
                sync(self._part)
                put_in_place(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


def _add_sound(clip: Path, sound: str | Path, tool: str) -> bool:
    """Another file's sound put to a clip's pictures: as it is where the file can hold it, else as AAC; no longer than they.

    Whether it could be done; where not, the clip stays as it was.
    """
    av = _av()
    for copied in (True, False):
        mixed = clip.with_name(f"{clip.stem}.mixed{clip.suffix}")
        try:
            _mix(clip, sound, mixed, tool, copied)
            mixed.replace(clip)
            return True
        except (av.error.FFmpegError, ValueError, OSError):
            continue
        finally:
            mixed.unlink(missing_ok=True)
    return False


def _silence(samples: int) -> Any:
    """So many samples of it, as they are encoded."""
    frame = _av().AudioFrame.from_ndarray(np.zeros((2, samples), np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
    return frame


def _mix(clip: Path, sound: str | Path, path: Path, tool: str, copied: bool) -> None:
    """Pictures of one file and sound of another in a third, in order of time; the sound counts from its own pictures' first."""
    av, about = _av(), look(clip)
    seconds = float(about.frames / about.rate)
    with av.open(str(clip)) as pictures, av.open(str(sound)) as other, _created(path, tool) as out:
        seen, heard = pictures.streams.video[0], other.streams.audio[0]
        first = other.streams.video[0] if other.streams.video else None
        begins = float((first.start_time or 0) * first.time_base) if first is not None else 0.0
        shown = out.add_stream_from_template(seen)
        voiced = out.add_stream_from_template(heard) if copied else out.add_stream("aac", rate=48000, layout="stereo")

        def moving() -> Iterator[tuple[float, Any]]:
            for packet in pictures.demux(seen):
                if packet.dts is not None:
                    when = float(packet.dts * packet.time_base)
                    packet.stream = shown
                    yield when, packet

        def sounding() -> Iterator[tuple[float, Any]]:
            for packet in other.demux(heard):
                if packet.dts is None:
                    continue
                when = float(packet.pts * packet.time_base) - begins
                if 0 <= when <= seconds:
                    back = round(begins / float(packet.time_base))
                    packet.pts, packet.dts, packet.stream = packet.pts - back, packet.dts - back, voiced
                    yield when, packet

        def recoded() -> Iterator[tuple[float, Any]]:
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48000)
            written = 0
            for frame in other.decode(heard):
                when = float(frame.pts * frame.time_base) - begins if frame.pts is not None else written / 48000
                if not 0 <= when <= seconds:
                    continue
                written = written or round(when * 48000)
                lacks = round(when * 48000) - written
                quiet = (_silence(min(lacks - at, 48000)) for at in range(0, lacks if lacks > GAP * 48000 else 0, 48000))
                for some in chain(quiet, resampler.resample(frame)):
                    some.pts, written = written, written + some.samples
                    yield from ((when, packet) for packet in voiced.encode(some))
            yield from ((seconds, packet) for packet in voiced.encode(None))

        for _, packet in heapq.merge(moving(), sounding() if copied else recoded(), key=lambda pair: pair[0]):
            out.mux(packet)
