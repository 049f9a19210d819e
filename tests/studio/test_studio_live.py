"""The WebSocket: newer requests overtake older ones, sessions take turns, and none sees anything of another's."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
httpx = pytest.importorskip("httpx")
sockets = pytest.importorskip("websockets.sync.client", reason="the extra studio is not installed")
import websockets.exceptions  # noqa: E402
from serving import Served, serving  # noqa: E402

from likeness.faces.landmarks import eye_distance  # noqa: E402
from likeness.faces.solid import SOLID  # noqa: E402

FACE = np.asarray(SOLID, np.float32)[:, :2] * 34.56 + np.array([64, 70], np.float32)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with one thread, so that the order of its work can be told."""
    with serving(tmp_path_factory.mktemp("live"), threads=1) as made:
        yield made


class User:
    """A session: HTTP, and one WebSocket."""

    def __init__(self, served: Served) -> None:
        self.held = ExitStack()
        self.http = self.held.enter_context(httpx.Client(base_url=served.api, timeout=60))
        self.http.get("/tables")
        (name, value), *_ = self.http.cookies.items()
        self.session = value.partition(".")[0]
        opened = sockets.connect(served.live, additional_headers={"Cookie": f"{name}={value}"}, max_size=2**24)
        self.socket = self.held.enter_context(opened)

    def send(self, photo: Path) -> str:
        return str(self.http.post("/pictures", params={"name": photo.name}, content=photo.read_bytes()).json()["id"])

    def ask(self, seq: int, stream: str = "", sent: tuple[bytes, ...] = (), **more: Any) -> None:
        header = {"seq": seq, "stream": stream, "system": "landmark", "options": {"framed": True}, **more}
        if "conditions" not in header:
            header["conditions"] = {"landmarks": FACE.tolist()}
        if not sent:
            return self.socket.send(json.dumps(header))
        text = json.dumps(header).encode()
        return self.socket.send(struct.pack(">I", len(text)) + text + b"".join(sent))

    def answer(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The next answer, and its pictures."""
        content = self.socket.recv(timeout=60)
        if isinstance(content, str):
            return json.loads(content), []
        (length,) = struct.unpack(">I", content[:4])
        told, at, pictures = json.loads(content[4 : 4 + length]), 4 + length, []
        for one in told["pictures"]:
            pictures.append(cv2.imdecode(np.frombuffer(content, np.uint8, one["bytes"], at), cv2.IMREAD_COLOR)[..., ::-1])
            at += one["bytes"]
        return told, pictures

    def taken(self) -> None:
        """Wait until the server has taken all that was asked so far: it refuses this one at once, out of turn."""
        self.ask(-1, stream="x" * 41)
        assert self.answer()[0]["seq"] == -1


@pytest.fixture
def users(served: Served) -> Iterator[Callable[[], User]]:
    with ExitStack() as held:

        def come() -> User:
            user = User(served)
            held.callback(user.held.close)
            return user

        yield come


@pytest.fixture
def paused(served: Served) -> Iterator[threading.Event]:
    """The only thread of the studio is busy until this is set."""
    going, begun = threading.Event(), threading.Event()
    served.studio.turns.add("somebody else", lambda: (begun.set(), going.wait(60)))
    assert begun.wait(60)
    yield going
    going.set()


@pytest.fixture
def order(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions whose requests are read, in order."""
    found: list[str] = []
    read = served.studio.requests.read

    def noted(client: str, *rest: Any, **more: Any) -> Any:
        found.append(client)
        return read(client, *rest, **more)

    monkeypatch.setattr(served.studio.requests, "read", noted)
    return found


def test_newer_strokes_overtake_older_ones(users: Callable[[], User], paused: threading.Event, order: list[str]) -> None:
    """Of twenty that wait in a stream the last alone is made; another stream's is made, too."""
    user = users()
    for seq in range(1, 21):
        user.ask(seq)
    user.ask(21, stream="grid")
    user.taken()
    paused.set()
    assert [user.answer()[0]["seq"] for _ in range(2)] == [20, 21]
    assert order == [user.session] * 2


def test_what_is_being_made_is_not_overtaken(users: Callable[[], User], served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is in work when nine more come: it is answered, then the newest, in order."""
    user, begun, going = users(), threading.Event(), threading.Event()
    read = served.studio.requests.read

    def slow(*all: Any, **more: Any) -> Any:
        begun.set()
        assert going.wait(60)
        return read(*all, **more)

    monkeypatch.setattr(served.studio.requests, "read", slow)
    user.ask(1)
    assert begun.wait(60)
    for seq in range(2, 11):
        user.ask(seq)
    user.taken()
    going.set()
    assert [user.answer()[0]["seq"] for _ in range(2)] == [1, 10]


def test_four_users_at_once_get_fair_turns(users: Callable[[], User], paused: threading.Event, order: list[str]) -> None:
    """Who asks for twelve faces before the others come does not keep them waiting: one each, until each has all of his."""
    wanted = (12, 3, 2, 1)
    come = [users() for _ in wanted]
    for user, count in zip(come, wanted, strict=True):
        for n in range(count):
            user.ask(n, stream=f"face-{n}")
        user.taken()
    paused.set()
    for user, count in zip(come, wanted, strict=True):
        assert [user.answer()[0]["seq"] for _ in range(count)] == list(range(count))
    rounds = [[user.session for user, count in zip(come, wanted, strict=True) if count > turn] for turn in range(max(wanted))]
    assert order == [session for turn in rounds for session in turn]


def test_answers_go_to_whoever_asked(users: Callable[[], User]) -> None:
    """Two users ask at once, again and again, for different faces under the same numbers and stream."""
    one, other = users(), users()
    wide, narrow = FACE.copy(), FACE.copy()
    wide[:, 0] = 64 + 1.15 * (wide[:, 0] - 64)
    alone = []
    for user, points in ((one, wide), (other, narrow)):
        user.ask(0, conditions={"landmarks": points.tolist()}, want=["picture", "points"], format="png")
        alone.append(user.answer())
    assert eye_distance(np.array(alone[0][0]["points"])) > eye_distance(np.array(alone[1][0]["points"])) + 3
    assert (alone[0][1][0] != alone[1][1][0]).any()
    for seq in range(1, 21):
        for user, points in ((one, wide), (other, narrow)):
            user.ask(seq, conditions={"landmarks": points.tolist()}, want=["picture", "points"], format="png")
        for user, (told, pictures) in zip((one, other), alone, strict=True):
            found, seen = user.answer()
            assert (found["seq"], found["points"]) == (seq, told["points"])
            assert (seen[0] == pictures[0]).all()


def test_a_picture_of_another_session_is_as_good_as_none(users: Callable[[], User], samples: list[Path]) -> None:
    """The answer to another's picture is, but for the number, that to one which never was; nor is one told by a result."""
    one, other = users(), users()
    id = one.send(samples[0])
    said = []
    for seq, named in enumerate((id, "a" * len(id))):
        other.ask(seq, conditions={"landmarks": named}, options={})
        said.append(other.answer()[0])
    assert said[0] == {**said[1], "seq": 0} and "no such picture" in said[0]["error"]
    (made,) = one.http.post("/make", json={"system": "parts", "conditions": {"photo": id}}).json()["results"]
    for path in (f"/results/{made['id']}", f"/results/{made['id']}/bundle", f"/pictures/{id}", f"/pictures/{id}/parts"):
        mine, theirs = one.http.request(*_method(path)), other.http.request(*_method(path))
        never = other.http.request(*_method(path.replace(id, "a" * len(id)).replace(made["id"], "a" * len(made["id"]))))
        assert mine.status_code == 200
        assert (theirs.status_code, theirs.content) == (never.status_code, never.content) and theirs.status_code == 404


def _method(path: str) -> tuple[str, str]:
    return ("POST" if path.endswith("parts") else "GET", path)


def test_deleted_pictures_leave_no_trace(users: Callable[[], User], served: Served, samples: list[Path]) -> None:
    """Neither in memory nor on the disk, and the film of a driver ends with its connection."""
    user = users()
    id = user.send(samples[0])
    user.ask(1, conditions={"landmarks": id}, options={})
    user.answer()
    user.http.post("/make", json={"system": "parts", "conditions": {"photo": id}})
    studio, work = served.studio, served.studio.jobs.folder.parent
    files = [path for path in work.rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 100 for path in files), "a picture was written to the disk"
    assert user.session in studio.pictures.sessions() & studio.results.sessions()
    assert user.http.delete("/pictures").status_code == 204
    assert user.session not in studio.pictures.sessions() | studio.results.sessions()
    assert not [key for key in studio.pictures._decoded if key[0] == user.session]


def test_a_driver_is_followed_in_its_own_stream(users: Callable[[], User], samples: list[Path]) -> None:
    """Two sessions track two clips under one stream's name; each keeps the frame of its own first picture."""
    one, other = users(), users()
    for seq in range(3):
        for user, sample in ((one, samples[0]), (other, samples[1])):
            photo = cv2.imread(str(sample))[..., ::-1]
            shifted = np.ascontiguousarray(np.roll(photo, 4 * seq, 1))
            told = {"bytes": shifted.nbytes, "width": shifted.shape[1], "height": shifted.shape[0], "raw": "rgb"}
            user.ask(
                seq, "driver", (shifted.tobytes(),), conditions={"landmarks": {"blob": 0}}, blobs=[told],
                track="restart" if seq == 0 else True, want=["points"], options={},
            )  # fmt: skip
    seen = {}
    for user in (one, other):
        found = [user.answer()[0] for _ in range(1)]
        while found[-1]["seq"] != 2:
            found.append(user.answer()[0])
        seen[user.session] = np.array(found[-1]["seen"])
    assert np.abs(seen[one.session] - seen[other.session]).max() > 3


@pytest.mark.parametrize("message", [b"", b"\0\0", b"\0\0\0\xffshort", "not JSON", "[1]", b"\xff\xff\xff\xff"], ids=repr)
def test_no_header_ends_the_connection_and_nothing_else(users: Callable[[], User], message: str | bytes) -> None:
    user, other = users(), users()
    user.socket.send(message)
    with pytest.raises(websockets.exceptions.ConnectionClosed, match="1007"):
        user.socket.recv(timeout=60)
    other.ask(1)
    assert other.answer()[0]["seq"] == 1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"system": 3}, "system: a name"),
        ({"system": "model-x"}, "no such job"),
        ({"want": "picture"}, "want: a list"),
        ({"format": "gif"}, "format: there are"),
        ({"blobs": [{"bytes": 5}]}, "blobs: the bytes"),
        ({"stream": 7}, "stream: a short name"),
        ({"conditions": {"landmarks": [[0, 0]] * 68}}, "both eyes stand at one place"),
        ({"conditions": {"nose": 1}}, "there is no condition 'nose'"),
        ({"options": {"yaw": "left"}}, "yaw: a number was expected"),
    ],
    ids=str,
)
def test_mistakes_are_one_line_and_the_connection_stays(users: Callable[[], User], header: dict[str, Any], said: str) -> None:
    user = users()
    user.ask(1, **header)
    told = user.answer()[0]
    assert told["seq"] == 1 and said in told["error"] and "\n" not in told["error"]
    user.ask(2)
    assert user.answer()[0]["seq"] == 2


def test_streams_and_connections_are_bounded(users: Callable[[], User], served: Served) -> None:
    user = users()
    for n in range(served.studio.limits.streams):
        user.ask(n, stream=f"s{n}")
        assert "error" not in user.answer()[0]
    user.ask(99, stream="one more")
    assert f"at most {served.studio.limits.streams} streams" in user.answer()[0]["error"]
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in user.http.cookies.items())}
    with ExitStack() as held:
        for _ in range(served.studio.limits.connections - 1):
            held.enter_context(sockets.connect(served.live, additional_headers=cookie))
        with (
            pytest.raises(websockets.exceptions.InvalidStatus, match="403"),
            sockets.connect(served.live, additional_headers=cookie),
        ):
            pass


@pytest.mark.parametrize(("host", "origin"), [("127.0.0.1", "http://evil.example"), ("evil.example", None)])
def test_sockets_of_other_pages_are_refused(served: Served, host: str, origin: str | None) -> None:
    """Another page's script, and a name that an attacker lets point to this machine (DNS rebinding)."""
    port = int(served.address.rpartition(":")[2])
    address = f"ws://{host}:{port}/api/v1/live"
    refused = pytest.raises(websockets.exceptions.InvalidStatus, match="403")
    with (
        socket.create_connection(("127.0.0.1", port)) as to,
        refused,
        sockets.connect(address, sock=to, origin=origin, proxy=None),
    ):
        pass
