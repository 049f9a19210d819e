"""Malformed requests, live messages and pictures: each gets one line and 4xx, and the server goes on.

``STUDIO_FUZZ=2000`` sends as many, ``STUDIO_SEED=7`` others. Each is a function of (seed, number) alone: a failure names both.
"""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from serving import Served, serving

pytest.importorskip("fastapi", reason="the extra studio is not installed")
httpx = pytest.importorskip("httpx")
sockets = pytest.importorskip("websockets.sync.client", reason="the extra studio is not installed")
from websockets.exceptions import ConnectionClosed  # noqa: E402

COUNT, SEED = int(os.environ.get("STUDIO_FUZZ", "200")), int(os.environ.get("STUDIO_SEED", "0"))
VALUES: list[Any] = [
    None, True, -1, 0, 7.5, 1e308, 2**40, "", "x" * 600, "\x00", "../../etc/passwd", [], {}, [[0, 0]] * 68, [[1e9, 1]] * 68,
    [[n, n % 7] for n in range(68)], {"picture": 3}, {"blob": 0}, {"picture": "PICTURE", "face": 9}, "PICTURE", [[[[[1]]]]],
    {"mouth": [0, 1e9]}, {"mouth": "up"}, "pencil", "as-is",
]  # fmt: skip
NAMES = ["photo", "eyes", "landmarks", "target", "drawing", "noise", "sketch", "parsing", "shift", "scale", "yaw", "only", "face"]
NAMES += ["frame", "effect", "framed", "x"]
SYSTEMS = ["parts", "landmark", "portrait", "isegan", "parser", "x", "model-x", "../parts", 3, None]
FIELDS = [
    "seed",
    "requests",
    "points",
    "clip",
    "kind",
    "pictures",
    "state",
    "face",
    "effect",
    "longest",
    "system",
    "mirror",
    "mouth",
]
POSTS = ["/make", "/landmarks/change", "/pictures/check", "/jobs", "/session", "/clips?name=a.mp4", "/clips?name=../a.sh"]
POSTS += [f"/pictures/{id}/{what}" for id in ("x", "PICTURE") for what in ("parts", "landmarks", "parsing", "drawing")]
GETS = ["/pictures/PICTURE?longest=-1", "/pictures/x", "/results/x", "/results/RESULT?format=exe", "/results/RESULT/inputs/..%2f"]
GETS += ["/jobs/x/files/y", "/results/RESULT?intermediate=../x", "/results/RESULT?paste=maybe", "/%00", "/session/x", "/nothing"]
HEADERS = [{}, {"Content-Length": "nonsense"}, {"Cookie": "likeness_session=a.b; ="}, {"Content-Type": "text/html"}]


class Noise:
    """What is sent as number ``n``."""

    def __init__(self, n: int, photos: dict[str, bytes], picture: str, result: str) -> None:
        self.chance = random.Random(f"{SEED}/{n}")
        self.photos, self.known = photos, {"PICTURE": picture, "RESULT": result}
        self.kind = ("picture", "bytes", "table", "table", "address", "live")[n % 6]

    def real(self, value: Any) -> Any:
        """With the ids of a picture and a result that are there."""
        for word, id in self.known.items():
            value = json.loads(json.dumps(value).replace(word, id))
        return value

    def table(self) -> dict[str, Any]:
        chance = self.chance
        body: dict[str, Any] = {"system": chance.choice(SYSTEMS)}
        for name in ("conditions", "options"):
            body[name] = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(4))}
        return self.real(body | {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randrange(3))})

    def picture(self) -> bytes:
        """A photo of some format with its bytes spoilt or its end cut off, or a header that promises far too much."""
        chance = self.chance
        if chance.random() < 0.1:
            return _huge(chance.choice([20_000, 2**31 - 1]))
        content = bytearray(self.photos[chance.choice(sorted(self.photos))])
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(content)) if chance.random() < 0.5 else chance.randrange(min(200, len(content)))
            content[at] = chance.randrange(256)
        return bytes(content[: chance.randrange(1, len(content))] if chance.random() < 0.3 else content)

    def message(self) -> str | bytes:
        """Of the WebSocket: a table, text that is none, or a header with blobs that are not as it says."""
        chance = self.chance
        header = self.table() | {
            "seq": 1,
            "stream": chance.choice(["", "a", 3, "x" * 99]),
            "want": chance.choice([["*"], ["points"], 3]),
        }
        blob = chance.choice([b"", self.picture(), chance.randbytes(300)])
        size = chance.choice([len(blob), -1, 10**9, "x"])
        header |= {"blobs": [{"bytes": size, "raw": chance.choice([None, "grey", "cmyk"]), "width": 20, "height": 15}]}
        header |= {"track": chance.choice([False, True, "restart"]), "format": chance.choice(["jpeg", "gif"])}
        text = json.dumps(header).encode()
        length = chance.choice([len(text), len(text), len(text), 2**32 - 1, 0, chance.randrange(len(text))])
        return chance.choice([text.decode(), struct.pack(">I", length) + text + blob, chance.randbytes(50), "[1"])


def _huge(side: int) -> bytes:
    """A PNG whose header says that it is ``side`` pixels square, of which there are none."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


@pytest.fixture(scope="module")
def photos(samples: list[Path]) -> dict[str, bytes]:
    """A sample in every format that is taken, and in two that are not."""
    found, photo = {}, Image.open(samples[0]).convert("RGB").resize((160, 160))
    for format in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"):
        target = io.BytesIO()
        photo.save(target, format)
        found[format] = target.getvalue()
    return found


@pytest.mark.timeout(60 + 2 * COUNT)
def test_malformed_requests_and_pictures(served: Served, photos: dict[str, bytes]) -> None:
    with ExitStack() as held:
        client = held.enter_context(httpx.Client(base_url=served.api, timeout=120))
        picture = client.post("/pictures?name=a.png", content=photos["PNG"]).json()["id"]
        made = client.post("/make", json={"system": "landmark", "conditions": {"landmarks": picture}})
        result = made.json()["results"][0]["id"]
        for number in range(COUNT):
            noise, where = Noise(number, photos, picture, result), f"seed {SEED}, number {number}"
            if noise.kind == "live":
                _live(served, client, noise.message(), where)
                continue
            for answer in _answers(client, noise):
                assert answer.status_code < 500 or answer.status_code == 501, (where, answer.text)
                if answer.status_code >= 400:
                    assert list(answer.json()) == ["error"] and "\n" not in answer.json()["error"], where
                    assert "Traceback" not in answer.text and str(served.studio.jobs.folder.parent) not in answer.text, where
        assert client.get("/tables").status_code == 200
        assert client.get("/systems").status_code == 200
    assert not list(served.studio.jobs.clips.folder.iterdir()), "a refused clip was left on the disk"


def _answers(client: Any, noise: Noise) -> Iterator[Any]:
    chance = noise.chance
    if noise.kind == "picture":
        answer = client.post("/pictures", content=noise.picture())
        yield answer
        if answer.status_code == 201:  # its header is whole: its pixels may not be
            yield client.get(f"/pictures/{answer.json()['id']}")
            yield client.post(f"/pictures/{answer.json()['id']}/landmarks")
            yield client.delete(f"/pictures/{answer.json()['id']}")
        return
    if noise.kind == "address":
        path = noise.real(chance.choice(GETS))
        yield client.request(chance.choice(["GET", "PATCH", "DELETE" if "/x" in path else "PUT"]), path)
        return
    content = chance.randbytes(chance.randrange(200)) if noise.kind == "bytes" else json.dumps(noise.table()).encode()
    headers = chance.choice(HEADERS) | ({"Content-Length": str(len(content))} if chance.random() < 0.5 else {})
    try:
        yield client.post(noise.real(chance.choice(POSTS)), content=content, headers=headers)
    except httpx.LocalProtocolError:  # the client itself refuses to send such a header
        return


def _live(served: Served, client: Any, message: str | bytes, where: str) -> None:
    """One message, then a good one: it is answered, or the connection was closed as the API says."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with sockets.connect(served.live, additional_headers={"Cookie": cookie}) as socket:
        socket.send(message)
        try:  # the server may have closed before the second message leaves
            socket.send(json.dumps({"seq": "last", "stream": "last", "system": "nobody"}))
            while True:
                content = socket.recv(timeout=120)
                told = json.loads(content if isinstance(content, str) else content[4 : 4 + struct.unpack(">I", content[:4])[0]])
                assert "\n" not in told.get("error", ""), where
                assert "could not be made" not in told.get("error", ""), (where, told)
                if told["seq"] == "last":
                    return
        except ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code in (1007, 1009), where
