"""Kill bulk making at random moments, go on with it, and count the rows: none may be lost, none doubled.

python tools/kill_bulk.py --runs 20                    # processes of this machine
python tools/kill_bulk.py --runs 20 --engine ray       # actors of a local Ray cluster
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
from pathlib import Path

BAD = 7
"""Every so many inputs one is no landmarks."""


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


def run(listed: Path, output: Path, chance: random.Random, engine: str, longest: float, most: int = 4) -> Counter[str]:
    """One run, killed up to ``most`` times at moments up to ``longest`` seconds after a start; what was killed how often."""
    killed: Counter[str] = Counter()
    words = [sys.executable, "-m", "likeness.cli", "bulk", "landmark", str(listed), "-o", str(output)]
    words += ["--shard", "4", "--processes", "2", "--engine", engine]
    while True:
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as driver:
            try:
                driver.wait(chance.uniform(0.2, longest) if sum(killed.values()) < most else 280)
            except subprocess.TimeoutExpired:
                workers = [pid for pid in children(driver.pid) if works(pid, engine)]
                if workers and chance.random() < 0.5:
                    with suppress(ProcessLookupError):
                        os.kill(chance.choice(workers), signal.SIGKILL)
                        killed["worker"] += 1
                    with suppress(subprocess.TimeoutExpired):
                        driver.wait(chance.uniform(0.2, longest))
                if driver.poll() is None:
                    driver.kill()
                    killed["driver"] += 1
            else:
                assert driver.stdout and driver.stderr
                if driver.returncode == 0:
                    return killed
                if "another process is working on it" not in (said := driver.stderr.read()):
                    raise SystemExit(f"it ended with {driver.returncode}: {said}")
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
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--inputs", type=int, default=120)
    parser.add_argument("--engine", default="pool")
    parser.add_argument("--longest", type=float, help="seconds after a start at which something is killed at the latest")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lost, doubled, killed = 0, 0, Counter[str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        listed = inputs(folder, given.inputs)
        for number in range(given.runs):
            output = folder / "out"
            longest = given.longest or (4.0 if given.engine == "pool" else 25.0)
            killed += run(listed, output, random.Random(given.seed * 1000 + number), given.engine, longest)
            gone, twice = check(output, given.inputs)
            lost, doubled = lost + gone, doubled + twice
            shutil.rmtree(output)
            print(f"run {number + 1} of {given.runs}: killed so far {dict(killed)}, lost {lost}, doubled {doubled}", flush=True)
    raise SystemExit(1 if lost or doubled else 0)


if __name__ == "__main__":
    main()
