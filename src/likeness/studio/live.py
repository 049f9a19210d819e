"""The WebSocket on which a face follows the hand: the newest request of a stream is answered, older ones are overtaken."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from likeness.errors import LikenessError
from likeness.faces.align import Similarity, upright
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import Steady, follow
from likeness.records import Image, Points
from likeness.studio import making
from likeness.studio.core import Studio
from likeness.studio.errors import StudioError
from likeness.studio.making import FORMATS, encoded
from likeness.studio.pictures import Decoded, decoded, looked_at
from likeness.synthesizer import Synthesizer, plain

CHANNELS = {"rgba": 4, "rgb": 3, "grey": 1}
RATE = 15.0
"""Frames a second that a webcam is taken to send, for the filter that makes its landmarks steady."""
MOST_HEADER = 256 * 1024


@dataclass
class Wish:
    """A request that waits: its header, its blobs' bytes, and when it came."""

    header: dict[str, Any]
    blobs: list[bytes]
    came: float = field(default_factory=time.perf_counter)
    problem: str = ""

    @property
    def answers(self) -> dict[str, Any]:
        """What every answer to it begins with."""
        return {"seq": self.header.get("seq"), "stream": self.header.get("stream", "")}


class Film:
    """A face through frames that come one by one: followed, its frame kept, its landmarks made steady."""

    def __init__(self, reader: FaceReader) -> None:
        self._frame: Image | None = None
        self._followed = follow(self._frames(), reader)
        self._steady = Steady(RATE)
        self._moved: Similarity | None = None
        self.found: Points | None = None

    def _frames(self) -> Iterator[Image]:
        while self._frame is not None:
            yield self._frame

    def __call__(self, frame: Image, system: Synthesizer) -> Points:
        """The landmarks of the next frame in the framing of a system.

        Raises:
            StudioError: no face is seen.
        """
        self._frame = frame
        _, points = next(self._followed)
        if points is None:
            raise StudioError("no face is seen", 422)
        self._moved = self._moved or upright(points, system.framing)
        self.found = points
        return self._steady(self._moved.apply(points))


class Connection:
    """One WebSocket of a session."""

    def __init__(self, studio: Studio, client: str, socket: WebSocket) -> None:
        self.studio, self.client, self.socket = studio, client, socket
        self._waiting: dict[str, Wish] = {}
        self._films: dict[str, Film] = {}
        self._streams: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Answer until the client goes away."""
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    wish = self._read(message)
                except StudioError as problem:
                    if problem.status == 413:
                        await self.socket.close(1009, str(problem)[:120])
                        return
                    await self.socket.close(1007, str(problem)[:120])
                    return
                await self._take(wish)
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            self._waiting.clear()
            for task in self._work:
                task.cancel()

    def _read(self, message: Mapping[str, Any]) -> Wish:
        """A message as a request.

        Raises:
            StudioError: it is no header at all, or (413) too large; nothing can be answered to that.
        """
        content, text = message.get("bytes"), message.get("text")
        if max(len(content or b""), len(text or "")) > self.studio.limits.live_bytes:
            raise StudioError("the message is too large", 413)
        blobs = b""
        if content is not None:
            if len(content) < 4 or not 0 < (length := struct.unpack(">I", content[:4])[0]) <= len(content) - 4:
                raise StudioError("a binary message is four bytes, the header's length, then the header and its blobs")
            text, blobs = content[4 : 4 + length], content[4 + length :]
        if len(text or "") > MOST_HEADER:
            raise StudioError("the header is too large", 413)
        try:
            header = json.loads(text or "")
        except (ValueError, RecursionError):
            raise StudioError("the header is not JSON") from None
        if not isinstance(header, dict):
            raise StudioError("the header is not a table")
        try:
            return Wish(header, _split(header, blobs))
        except StudioError as problem:
            return Wish(header, [], problem=str(problem))

    async def _take(self, wish: Wish) -> None:
        """Put a request in its stream's one place; whoever waited there is overtaken."""
        if wish.problem:
            await self._say({**wish.answers, "error": wish.problem})
            return
        stream = wish.header.get("stream", "")
        if not isinstance(stream, str) or len(stream) > 40:
            await self._say({**wish.answers, "stream": "", "error": "stream: a short name was expected"})
            return
        if stream not in self._streams:
            if len(self._streams) >= self.studio.limits.streams:
                await self._say({**wish.answers, "error": f"there are at most {self.studio.limits.streams} streams"})
                return
            self._streams.add(stream)
        waits = stream in self._waiting
        self._waiting[stream] = wish
        if not waits:
            task = asyncio.create_task(self._answer(stream))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _answer(self, stream: str) -> None:
        """Answer what waits in a stream when the session's turn comes."""
        taken: list[Wish] = []

        def work() -> bytes:
            wish = self._waiting.pop(stream, None)
            if wish is None:
                raise StudioError("overtaken", 409)
            taken.append(wish)
            return self._made(wish, stream)

        try:
            made = await self.studio.turns.run(self.client, work)
        except LikenessError as problem:
            wish = taken[0] if taken else self._waiting.pop(stream, Wish({}, []))
            await self._say({**wish.answers, "error": str(problem)})
        except Exception as problem:
            wish = taken[0] if taken else self._waiting.pop(stream, Wish({}, []))
            await self._say({**wish.answers, "error": f"this could not be made ({type(problem).__name__})"})
        else:
            async with self._sending:
                await self._quietly(self.socket.send_bytes(made))

    def _made(self, wish: Wish, stream: str) -> bytes:
        """The answer to a request, as bytes; in a thread that works."""
        header = wish.header
        name, format, want = header.get("system"), header.get("format") or "jpeg", header.get("want", ["picture"])
        if not isinstance(name, str):
            raise StudioError("system: a name of GET /api/v1/systems was expected")
        if format not in FORMATS:
            raise StudioError(f"format: there are {', '.join(FORMATS)}")
        if not isinstance(want, list) or not all(isinstance(one, str) for one in want):
            raise StudioError("want: a list of names was expected")
        system = self.studio.system(self.client, name)
        blobs = [self._picture(one, told) for one, told in zip(wish.blobs, header.get("blobs") or [], strict=True)]
        track, film = header.get("track"), None
        if track:
            if track == "restart" or stream not in self._films:
                self._films[stream] = Film(system.reader)
            film, header = self._films[stream], header | {"options": {**(header.get("options") or {}), "framed": True}}
        seen = (lambda image: film(image, system)) if film is not None else None
        request = self.studio.requests.read(self.client, system, header, blobs, seen)
        result = system.make([self.studio.requests.prepared(self.client, system, header, request)])[0]
        told: dict[str, Any] = {**wish.answers, "system": name, "notes": list(result.notes), "made": plain(result.made)}
        if "points" in want:
            told["points"] = self._points(system, request)
        if film is not None and film.found is not None:
            told["seen"] = [[round(float(x), 1), round(float(y), 1)] for x, y in film.found]
        pictures, contents = [], []
        others = list(result.intermediates) if "*" in want else [one for one in want if one in result.intermediates]
        for one in [*(["picture"] if "picture" in want or "*" in want else []), *others]:
            picture = result.picture if one == "picture" else result.intermediates[one]
            # a parsing has to keep its colours
            kind = "png" if "parsing" in one and format == "jpeg" else format
            contents.append(encoded(picture, kind, result))
            height, width = picture.shape[:2]
            pictures.append({"name": one, "type": FORMATS[kind], "width": width, "height": height, "bytes": len(contents[-1])})
        told |= {"pictures": pictures, "ms": round(1000 * (time.perf_counter() - wish.came), 2)}
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        return b"".join([struct.pack(">I", len(text)), text, *contents])

    @staticmethod
    def _points(system: Synthesizer, request: making.Request) -> list[list[float]]:
        """The landmarks of a request as numbers, framed and changed as it says."""
        one = next((one for one in system.conditions if one.kind == "landmarks"), None)
        value = request.values.get(one.name) if one is not None else None
        if value is None:
            raise StudioError("want: this request has no landmarks, so there are no points")
        points = value if isinstance(value, np.ndarray) else value.landmarks
        if not request.values.get("framed"):
            points = upright(points, system.framing).apply(points)
        changed = making.changed(points, request.values)
        return [[round(float(x), 3), round(float(y), 3)] for x, y in changed]

    def _picture(self, content: bytes, told: Mapping[str, Any]) -> Decoded:
        """A blob's pixels."""
        if (raw := told.get("raw")) is None:
            picture = looked_at(content, "the picture", self.studio.limits)
            return decoded(content, picture.name)
        width, height = told.get("width"), told.get("height")
        if raw not in CHANNELS or type(width) is not int or type(height) is not int or not (width > 0 and height > 0):
            raise StudioError(f"blobs: raw is {', '.join(CHANNELS)}, with width and height")
        if width * height > self.studio.limits.drawing_pixels or width * height * CHANNELS[raw] != len(content):
            raise StudioError(f"blobs: {width}×{height} {raw} are {width * height * CHANNELS[raw]} bytes, {len(content)} came")
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, CHANNELS[raw])
        if raw == "rgba":
            opaque = pixels[..., 3] > 127
            alpha = pixels[..., 3:].astype(np.uint16)
            paper = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
            return Decoded(paper.astype(np.uint8), None if opaque.all() else opaque)
        return Decoded(np.ascontiguousarray(np.repeat(pixels, 3 // CHANNELS[raw], 2)))

    async def _say(self, told: Mapping[str, Any]) -> None:
        async with self._sending:
            await self._quietly(self.socket.send_text(json.dumps(told, ensure_ascii=False)))

    @staticmethod
    async def _quietly(sending: Any) -> None:
        """Send; whoever has gone away gets nothing."""
        try:
            await sending
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


def _split(header: Mapping[str, Any], content: bytes) -> list[bytes]:
    """The blobs of a message, as its header tells them."""
    told = header.get("blobs") or []
    if not isinstance(told, list) or len(told) > 8 or not all(isinstance(one, dict) for one in told):
        raise StudioError("blobs: a list of at most eight tables was expected")
    found, at = [], 0
    for one in told:
        size = one.get("bytes")
        if type(size) is not int or not 0 <= size <= len(content) - at:
            raise StudioError("blobs: the bytes that are told are not those that came")
        found.append(content[at : at + size])
        at += size
    if at != len(content):
        raise StudioError("blobs: the bytes that are told are not those that came")
    return found
