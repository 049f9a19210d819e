"""Kill bulk making with kill -9 at random moments, go on with it, and count the rows: none may be lost, none doubled.

python tools/kill_bulk.py                              # 20 runs by processes of this machine, 20 by Ray where it is installed
python tools/kill_bulk.py --engines ray --runs 20      # actors of a local Ray cluster only

A run is the command ``likeness bulk landmark`` with two workers, of which up to ``--kills`` times either the driver, which is then
started again, or one of the workers is killed (the driver where there is no worker yet). Half of the moments lie anywhere in the
time that a run takes undisturbed (which is measured first), half of them after the first shard that a start has made. Prints the
seed of each run, what was killed, and ``lost/doubled``; the exit status is 1 where they are not 0/0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

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


class Run:
    """A start of the command, by two workers."""

    def __init__(self, listed: Path, output: Path, engine: str) -> None:
        words = [sys.executable, "-m", "likeness.cli", "bulk", "landmark", str(listed), "-o", str(output)]
        words += ["--shard", "4", "--processes", "2", "--engine", engine]
        self.output, self.engine, self.began = output, engine, time.monotonic()
        self.before = self.shards
        self.driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

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
        workers = [pid for pid in children(self.driver.pid) if works(pid, self.engine)]
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                return True
        return False

    def kill_driver(self) -> bool:
        """Kill the driver; whether it had not ended."""
        alive = not self.ended
        self.driver.kill()
        self.driver.communicate()
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


def undisturbed(listed: Path, output: Path, engine: str) -> tuple[float, float]:
    """Seconds to the first shard and to the end of a run in which nothing is killed."""
    run = Run(listed, output, engine)
    run.wait_for_shards()
    first = run.seconds
    run.end()
    return first, run.seconds


def killed(listed: Path, output: Path, engine: str, chance: random.Random, takes: tuple[float, float], most: int) -> Counter[str]:
    """One run to its end, with up to ``most`` kills; ``takes`` is what :func:`undisturbed` said. What was killed how often."""
    count: Counter[str] = Counter()
    while True:
        run = Run(listed, output, engine)
        while not run.ended and count.total() < most:
            if chance.random() < 0.5:
                run.wait(chance.uniform(0, takes[1]))
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
    parser.add_argument("--engines", nargs="+", choices=["pool", "ray"], default=["pool", "ray"] if find_spec("ray") else ["pool"])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--inputs", type=int, default=240)
    parser.add_argument("--kills", type=int, default=3, help="in each run, at most (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next has the next (default: 1)")
    given = parser.parse_args()
    bad = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        listed, output = inputs(folder, given.inputs), folder / "out"
        for engine in given.engines:
            lost, doubled, total = 0, 0, Counter[str]()
            takes = undisturbed(listed, output, engine)
            print(f"{engine}: undisturbed, first shard after {takes[0]:.1f} s, end after {takes[1]:.1f} s", flush=True)
            for seed in range(given.seed, given.seed + given.runs):
                shutil.rmtree(output)
                count = killed(listed, output, engine, random.Random(seed), takes, given.kills)
                gone, twice = check(output, given.inputs)
                lost, doubled, total = lost + gone, doubled + twice, total + count
                print(f"{engine}: seed {seed}: killed {told(count)}; lost/doubled = {gone}/{twice}", flush=True)
            shutil.rmtree(output)
            print(f"{engine}: {given.runs} runs of {given.inputs} inputs, killed {told(total)}; lost/doubled = {lost}/{doubled}")
            bad = bad or bool(lost or doubled)
    raise SystemExit(1 if bad else 0)


def told(count: Counter[str]) -> str:
    """What was killed how often, in words."""
    return f"drivers {count['driver']}, workers {count['worker']}"


if __name__ == "__main__":
    main()
