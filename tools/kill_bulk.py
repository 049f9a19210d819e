"""Kill bulk making with kill -9 at random moments, go on with it, and count the rows: none may be lost, none doubled.

python tools/kill_bulk.py                              # 20 runs by processes of this machine, 20 by Ray where it is installed
python tools/kill_bulk.py --engines ray --runs 20      # actors of a local Ray cluster only

A run is the command ``likeness bulk landmark`` with two workers, of which up to ``--kills`` times either the driver, which is
then started again, or one of the workers is killed (the driver where there is no worker yet). Half of the moments lie in the
time in which a start begins, half of them in that in which it makes shards; how long these are undisturbed is measured first.
Prints the seed of each run, what was killed, and ``lost/doubled``; the exit status is 1 where they are not 0/0. Ray's runs are
drivers of one local cluster of two processors, which outlives them, as a cluster does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

BAD = 7
"""Every so many inputs one is no landmarks."""
PATIENCE = 600
"""Seconds after which a run that is left alone counts as hanging."""


def inputs(folder: Path, count: int) -> Path:
    """A list of landmark files, each another, some of them damaged."""
    import numpy as np

    from likeness.faces.align import Framing
    from likeness.faces.drawing import drawn_faces
    from likeness.faces.points import write_points

    (folder / "points").mkdir(parents=True)
    points = drawn_faces(1, Framing(size=128))[0].landmarks
    names = []
    for number in range(count):
        name = folder / "points" / f"{number}.json"
        write_points(name, np.asarray(points + number / 50, np.float32), {})
        if number % BAD == BAD - 1:
            name.write_text(f"damaged {number}")
        names.append(str(name))
    (folder / "list.txt").write_text("\n".join(names))
    return folder / "list.txt"


def children(pid: int) -> list[int]:
    """The processes below one, and below those (Linux)."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return found + [inner for one in found for inner in children(one)]


def works(pid: int, engine: str) -> bool:
    """Whether a process is a worker: one that was spawned, or an actor that has the job open."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return (b"spawn_main" in words) if engine == "pool" else (b"ray::" in words and b"Worker" in words)
    return False


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster of this machine: its first process, and its address."""

    pid: int
    address: str


@contextmanager
def cluster() -> Iterator[Cluster]:
    """One of two processors, for as long as it is open."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray, address = [sys.executable, "-m", "ray.scripts.scripts"], f"127.0.0.1:{port}"
    words = [*ray, "start", "--head", "--block", "--num-cpus=2", f"--port={port}"]
    words += ["--include-dashboard=false", "--disable-usage-stats"]
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # of the drivers, too
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as head:
        try:
            while subprocess.run([*ray, "status", f"--address={address}"], capture_output=True).returncode:
                if head.poll() is not None:
                    raise SystemExit("ray start gave up; run it again when the machine is less busy")
                time.sleep(1)
            yield Cluster(head.pid, address)
        finally:
            below = children(head.pid)
            head.terminate()
            with suppress(subprocess.TimeoutExpired):
                head.wait(30)
            for pid in [*below, head.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class Run:
    """A start of the command, by two workers: processes, or actors of a Ray ``cluster`` or of one that ends with the run."""

    def __init__(self, listed: Path, output: Path, engine: str, cluster: Cluster | None = None) -> None:
        words = [sys.executable, "-m", "likeness.cli", "bulk", "landmark", str(listed), "-o", str(output)]
        words += ["--shard", "4", "--processes", "2", "--engine", engine]
        words += ["--address", cluster.address] if cluster else []
        self.output, self.engine, self.cluster, self.began = output, engine, cluster, time.monotonic()
        self.before = self.shards
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        self.driver = subprocess.Popen(words, start_new_session=True, **quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        """No driver is left behind."""
        if not self.ended:
            self.kill_driver()
        if self.driver.stderr:
            self.driver.stderr.close()

    @property
    def shards(self) -> int:
        """How many are there."""
        return sum(1 for _ in self.output.glob("[0-9]*"))

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.began

    @property
    def ended(self) -> bool:
        """Whether the driver has ended by itself."""
        return self.driver.poll() is not None

    def wait(self, seconds: float) -> None:
        """So long, or until the driver ends."""
        with suppress(subprocess.TimeoutExpired):
            self.driver.wait(seconds)

    def wait_for_shards(self, count: int = 1) -> None:
        """Until this start has made so many, or the driver ends."""
        while self.seconds < PATIENCE and not self.ended and self.shards < self.before + count:
            time.sleep(0.02)

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill one of the workers; whether there was one."""
        below = children(self.cluster.pid if self.cluster else self.driver.pid)
        workers = [pid for pid in below if works(pid, self.engine)]
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                return True
        return False

    def kill_driver(self) -> bool:
        """Kill the driver; whether it had not ended."""
        alive = not self.ended
        self.driver.kill()
        with suppress(subprocess.TimeoutExpired):  # who has its pipe still, such as Ray's processes, ends soon
            self.driver.communicate(timeout=1)
        self.driver.wait()
        return alive

    def end(self) -> bool:
        """Wait for the end of a run; False where the driver that was killed still had the output."""
        try:
            said = self.driver.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            self.kill_driver()
            raise SystemExit(f"it hangs: {self.shards} shards after {PATIENCE} s") from None
        if self.driver.returncode and "another process is working on it" not in said:
            raise SystemExit(f"it ended with {self.driver.returncode}: {said}")
        return self.driver.returncode == 0


Start = Callable[[], Run]
"""Starts the command, or goes on with it."""


def undisturbed(start: Start) -> tuple[float, float]:
    """Seconds to the first shard and to the end of a run in which nothing is killed."""
    with start() as run:
        run.wait_for_shards()
        first = run.seconds
        run.end()
        return first, run.seconds


def killed(start: Start, chance: random.Random, takes: tuple[float, float], most: int) -> Counter[str]:
    """One run to its end, with up to ``most`` kills; ``takes`` is what :func:`undisturbed` said. What was killed how often."""
    count: Counter[str] = Counter()
    while True:
        with start() as run:
            while not run.ended and count.total() < most:
                if chance.random() < 0.5:
                    run.wait(chance.uniform(0, takes[0]))
                else:
                    run.wait_for_shards()
                    run.wait(chance.uniform(0, takes[1] - takes[0]))
                if chance.random() < 0.5 and run.kill_worker(chance):
                    count["worker"] += 1
                elif run.kill_driver():
                    count["driver"] += 1
                    break
            else:
                if run.end():
                    return count
                time.sleep(0.1)


def check(output: Path, count: int) -> tuple[int, int]:
    """How many rows are lost, and how many doubled; every picture has its mark, and every bad input its reason."""
    from likeness import provenance

    seen: Counter[int] = Counter()
    for shard in sorted(output.glob("[0-9]*")):
        pictures = 0
        for line in (shard / "rows.jsonl").read_text().splitlines():
            row = json.loads(line)
            seen[row["number"]] += 1
            assert (row["reason"] is not None) == (row["number"] % BAD == BAD - 1), row
            if row["file"]:
                pictures += 1
                mark = provenance.read(shard / row["file"])
                assert mark is not None and mark.trained
        assert len(list(shard.iterdir())) == pictures + 1
    manifest = [json.loads(line)["shard"] for line in (output / "_likeness" / "manifest.jsonl").read_text().splitlines()]
    assert sorted(manifest) == sorted(int(shard.name) for shard in output.glob("[0-9]*")), "the manifest is another"
    return sum(number not in seen for number in range(count)), sum(seen.values()) - len(seen)


def main() -> None:
    """Kill, go on, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    engines = ["pool", "ray"] if find_spec("ray") else ["pool"]
    parser.add_argument("--engines", nargs="+", choices=["pool", "ray"], default=engines)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--inputs", type=int, default=240)
    parser.add_argument("--kills", type=int, default=3, help="in each run, at most (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next has the next (default: 1)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *said: sys.exit(1))  # so that what was started is ended
    bad = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        listed, output = inputs(folder, given.inputs), folder / "out"
        for engine in given.engines:
            with cluster() if engine == "ray" else nullcontext() as there:
                start = partial(Run, listed, output, engine, there)
                bad = bad or try_out(engine, start, output, given.inputs, range(given.seed, given.seed + given.runs), given.kills)
    raise SystemExit(bad)


def try_out(engine: str, start: Start, output: Path, inputs: int, seeds: range, kills: int) -> bool:
    """Runs of these seeds, each in an empty ``output``; whether a row was lost or doubled."""
    lost, doubled, total = 0, 0, Counter[str]()
    takes = undisturbed(start)
    print(f"{engine}: undisturbed, first shard after {takes[0]:.1f} s, end after {takes[1]:.1f} s", flush=True)
    for seed in seeds:
        shutil.rmtree(output)
        while not (count := killed(start, random.Random(seed), takes, kills)):  # it is quicker now than when it was measured
            takes = takes[0] / 2, takes[1] / 2
            shutil.rmtree(output)
        gone, twice = check(output, inputs)
        lost, doubled, total = lost + gone, doubled + twice, total + count
        print(f"{engine}: seed {seed}: killed {told(count)}; lost/doubled = {gone}/{twice}", flush=True)
    shutil.rmtree(output)
    print(f"{engine}: {len(seeds)} runs of {inputs} inputs, killed {told(total)}; lost/doubled = {lost}/{doubled}", flush=True)
    return bool(lost or doubled)


def told(count: Counter[str]) -> str:
    """What was killed how often, in words."""
    return f"drivers {count['driver']}, workers {count['worker']}"


if __name__ == "__main__":
    main()
