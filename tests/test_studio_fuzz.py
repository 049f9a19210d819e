"""Malformed requests and pictures: each gets one line and 4xx, and the server goes on.

STUDIO_FUZZ=2000 sends as many.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_studio_api import served

pytest.importorskip("fastapi", reason="the extra studio is not installed")
httpx = pytest.importorskip("httpx")
from likeness.studio.guard import Access  # noqa: E402

COUNT = int(os.environ.get("STUDIO_FUZZ", "200"))
VALUES = [
    None,
    True,
    -1,
    1e308,
    "",
    "x" * 600,
    [],
    {},
    [[0, 0]] * 68,
    [[1e9, 1]] * 68,
    {"picture": 3},
    {"blob": 0},
    [[[[[1]]]]],
    "\x00",
]
NAMES = ["photo", "eyes", "landmarks", "target", "drawing", "noise", "sketch", "parsing", "shift", "scale", "yaw", "only", "x"]
SYSTEMS = ["parts", "landmark", "portrait", "isegan", "parser", "x", "model-x", "../parts", 3]
PATHS = ["/make", "/landmarks/change", "/pictures/check", "/jobs", "/session", "/pictures/x/parts", "/pictures/x/landmarks"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from served(tmp_path_factory.mktemp("fuzz"), Access(key=b"k" * 32))


def test_malformed_requests_and_pictures(address: str, samples: list[Path]) -> None:
    chance, photo = random.Random(0), samples[0].read_bytes()
    with httpx.Client(base_url=address + "/api/v1", timeout=60) as client:
        for number in range(COUNT):
            if number % 4 == 0:
                spoilt = bytearray(photo[: chance.randrange(len(photo))])
                for _ in range(20):
                    spoilt[chance.randrange(len(spoilt) or 1) : 1] = b"" if not spoilt else bytes([chance.randrange(256)])
                answer = client.post("/pictures", content=bytes(spoilt))
                if answer.status_code == 201:  # its header is whole: its pixels are not
                    answer = client.get(f"/pictures/{answer.json()['id']}")
            elif number % 4 == 1:
                answer = client.post(chance.choice(PATHS), content=bytes(chance.randbytes(chance.randrange(200))))
            else:
                tables = [{chance.choice(NAMES): chance.choice(VALUES) for _ in range(3)} for _ in range(2)]
                body = {"system": chance.choice(SYSTEMS), "conditions": tables[0], "options": tables[1]}
                body |= {chance.choice(["seed", "requests", "points", "clip", "kind"]): chance.choice(VALUES)}
                answer = client.post(chance.choice(PATHS), content=json.dumps(body))
            assert answer.status_code < 500, (number, answer.text)
            if answer.status_code >= 400:
                assert "\n" not in answer.json()["error"]
        assert client.get("/tables").status_code == 200
