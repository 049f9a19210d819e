"""Use a studio for long: mixed requests of several users at once, HTTP and WebSocket; none may fail, and memory must stay flat.

    python tools/soak_studio.py                       10,000 requests of 6 users, with the figures
    python tools/soak_studio.py 500 --users 3         fewer

A server of its own is started (``likeness serve``; needs likeness[studio] and httpx). Each user sends sample photos, reads faces,
makes pictures by every system, fetches files, draws live, makes mistakes on purpose, and now and then deletes all and begins a
new session. A request fails where it is not answered with the status that is due. Memory is the server's resident set; it is
flat where its highest value over the last tenth is at most GROWTH above that over the third tenth, by which all graphs are
open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.sync.client import connect

from likeness import assets
from likeness.faces.solid import SOLID
from likeness.image import pictures_in

GROWTH = 0.05
"""By how much of itself the memory may grow between a third and the end."""
ANEW = 60
"""Requests of a user after which a new session begins."""
FACE = np.asarray(SOLID, np.float32)[:, :2] * 34.56 + np.array([64, 70], np.float32)


@dataclass
class Figures:
    """What was seen: seconds by kind of request, mistakes, and the server's memory in MB as (requests answered, MB)."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def count(self) -> int:
        """Requests that were answered."""
        return sum(map(len, self.seconds.values()))

    def timed(self, kind: str, work: Callable[[], str]) -> None:
        """Do a request; ``work`` says what was wrong with its answer, or nothing."""
        began = time.perf_counter()
        try:
            problem = work()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        with self.lock:
            self.seconds.setdefault(kind, []).append(time.perf_counter() - began)
            if problem:
                self.failures.append(f"{kind}: {problem[:200]}")

    def highest(self, tenth: int) -> float:
        """The highest memory of a tenth of all requests, from 0 to 9."""
        whole = max(self.count, 1)
        some = [size for count, size in self.memory if tenth <= 10 * count / whole <= tenth + 1]
        return max(some, default=0.0)


class User:
    """Somebody who uses the studio: a session at a time."""

    def __init__(self, address: str, chance: random.Random, figures: Figures) -> None:
        self.address, self.chance, self.figures = address, chance, figures
        self.samples = pictures_in(assets.SAMPLES)
        self.acts = [getattr(self, name) for name in dir(self) if name.startswith("act_")]
        self.held = ExitStack()

    def work(self, count: int) -> None:
        """Make so many requests."""
        for n in range(count):
            if n % ANEW == 0:
                self.begin()
            act = self.send if len(self.pictures) < 2 else self.chance.choice(self.acts)
            self.figures.timed(act.__name__.removeprefix("act_"), act)
        self.held.close()

    def begin(self) -> None:
        """A new session, with a WebSocket of its own; all of the one before is deleted."""
        if hasattr(self, "http"):
            self.http.delete("pictures")
        self.held.close()
        self.pictures: list[str] = []
        self.results: list[str] = []
        self.seq = 0
        self.http = self.held.enter_context(httpx.Client(base_url=self.address, timeout=120))
        self.http.get("tables")
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        live = self.address.replace("http", "ws", 1) + "live"
        self.socket = self.held.enter_context(connect(live, additional_headers={"Cookie": cookie}, max_size=2**24))

    def _got(self, answer: httpx.Response, status: int = 200) -> str:
        return "" if answer.status_code == status else f"{answer.status_code} {answer.text[:120]}"

    def send(self) -> str:
        """A photo."""
        photo = self.chance.choice(self.samples)
        answer = self.http.post("pictures", params={"name": photo.name}, content=photo.read_bytes())
        if answer.status_code == 201:
            self.pictures.append(answer.json()["id"])
        return self._got(answer, 201)

    def _made(self, body: dict[str, Any]) -> str:
        answer = self.http.post("make", json=body)
        if answer.status_code == 200:
            self.results += [one["id"] for one in answer.json()["results"]]
        return self._got(answer)

    def _picture(self) -> str:
        return self.chance.choice(self.pictures)

    def act_parts(self) -> str:
        """A face of parts."""
        options = {"shift": {"mouth": [0, self.chance.uniform(-0.1, 0.1)]}}
        return self._made(
            {"system": "parts", "conditions": {"photo": self._picture(), "eyes": self._picture()}, "options": options}
        )

    def act_grid(self) -> str:
        """Several at once."""
        requests = [{"conditions": {"photo": self._picture(), "mouth": self._picture()}} for _ in range(4)]
        return self._made({"system": "parts", "requests": requests})

    def act_landmarks(self) -> str:
        """A moved face."""
        options = {"yaw": self.chance.uniform(-30, 30)}
        return self._made({"system": "landmark", "conditions": {"landmarks": self._picture()}, "options": options})

    def act_drawing(self) -> str:
        """A photo as a drawing, and a photo of that."""
        return self._made({"system": "portrait", "conditions": {"drawing": self._picture()}, "options": {"effect": "pencil"}})

    def act_sketch(self) -> str:
        """By ISEGAN."""
        return self._made({"system": "isegan", "conditions": {"sketch": self._picture()}})

    def act_tiles(self) -> str:
        """A face's parts."""
        return self._got(self.http.post(f"pictures/{self._picture()}/parts"))

    def act_points(self) -> str:
        """A face's landmarks."""
        return self._got(self.http.post(f"pictures/{self._picture()}/landmarks"))

    def act_parsing(self) -> str:
        """A face's parsing."""
        return self._got(self.http.post(f"pictures/{self._picture()}/parsing"))

    def act_thumbnail(self) -> str:
        """A picture, small."""
        return self._got(self.http.get(f"pictures/{self._picture()}", params={"longest": 160}))

    def act_file(self) -> str:
        """A result as a file, or with all that it needs."""
        if not self.results:
            return self.act_parts()
        where = self.chance.choice(["", "/sheet", "/bundle", "?format=webp", "?format=jpg"])
        return self._got(self.http.get(f"results/{self.chance.choice(self.results)}{where}"))

    def act_state(self) -> str:
        """The page's state, kept and fetched."""
        state = {"docs": {"parts": {"n": self.chance.randrange(1000)}}}
        return self._got(self.http.put("session", json={"state": state}), 204) or self._got(self.http.get("session/state"))

    def act_session(self) -> str:
        """The session as a file, and opened again."""
        self.results = []
        return self._got(self.http.post("session", content=self.http.get("session").content))

    def act_mistake(self) -> str:
        """Something that is refused."""
        path, body = self.chance.choice(
            [
                ("make", {"system": "nobody"}),
                ("make", {"system": "parts"}),
                ("pictures/none/parts", {}),
                ("jobs", {"kind": "dig"}),
            ]
        )
        answer = self.http.post(path, json=body)
        return "" if 400 <= answer.status_code < 500 else self._got(answer, 400)

    def act_live(self) -> str:
        """A stroke: six requests at once, of which the last is answered in any case."""
        for _ in range(6):
            self.seq += 1
            points = FACE + np.float32(self.chance.uniform(-2, 2))
            header = {
                "seq": self.seq,
                "system": "landmark",
                "conditions": {"landmarks": points.tolist()},
                "options": {"framed": True},
            }
            self.socket.send(json.dumps(header))
        while True:
            content = self.socket.recv(timeout=120)
            if isinstance(content, str):
                return content
            size = int.from_bytes(content[:4], "big")
            if json.loads(content[4 : 4 + size])["seq"] == self.seq:
                return ""


@contextmanager
def server() -> Iterator[tuple[int, str]]:
    """``likeness serve`` on a free port: its process and its API."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "likeness.cli", "serve", "--port", "0", "--work", work]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.pid, process.stdout.readline().partition("docs")[0]
            finally:
                process.terminate()
                process.wait(60)


def resident(pid: int) -> float:
    """A process's resident set in MB; nan where there is no /proc."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return float("nan")


def soak(pid: int, address: str, count: int, users: int, seed: int, show: Callable[[str], None]) -> Figures:
    """Let ``users`` make ``count`` requests together."""
    figures, each = Figures(), [count // users + (n < count % users) for n in range(users)]
    threads = [
        threading.Thread(target=User(address, random.Random(f"{seed}/{n}"), figures).work, args=(some,), daemon=True)
        for n, some in enumerate(each)
    ]
    for thread in threads:
        thread.start()
    told = 0
    while any(thread.is_alive() for thread in threads):
        figures.memory.append((figures.count, resident(pid)))
        if figures.count * 10 // count > told:
            told = figures.count * 10 // count
            show(f"{figures.count} requests, {len(figures.failures)} failed, {figures.memory[-1][1]:.0f} MB")
        time.sleep(0.25)
    figures.memory.append((figures.count, resident(pid)))
    return figures


def main() -> int:
    """Soak, print the figures; 1 where a request failed or the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=10_000, help="requests (default: 10,000)")
    parser.add_argument("--users", type=int, default=6, help="at once (default: 6)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    with server() as (pid, address):
        figures = soak(pid, address, given.count, given.users, given.seed, lambda line: print(line, flush=True))
        threads = len(list(Path(f"/proc/{pid}/task").iterdir())) if Path(f"/proc/{pid}/task").is_dir() else 0
        files = len(list(Path(f"/proc/{pid}/fd").iterdir())) if Path(f"/proc/{pid}/fd").is_dir() else 0
    for kind, seconds in sorted(figures.seconds.items()):
        half, most = 1000 * np.percentile(seconds, [50, 95])
        print(f"{kind:10} {len(seconds):6}   median {half:7.1f} ms   95th percentile {most:7.1f} ms")
    early, late = figures.highest(2), figures.highest(9)
    grown = late / early - 1 if early else 0.0
    wall = time.monotonic() - began
    print(f"{figures.count} requests of {given.users} users in {wall:.0f} s, {len(figures.failures)} failed")
    print(f"memory: {early:.0f} MB over the third tenth, {late:.0f} MB over the last ({grown:+.1%})")
    print(f"at the end: {threads} threads, {files} open files")
    for problem, times in Counter(figures.failures).most_common(10):
        print(f"{times} × {problem}")
    return int(bool(figures.failures) or grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
