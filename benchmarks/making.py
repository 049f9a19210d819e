"""How fast making is: ratios against torch eager on the same networks, measured in one run, in turn.

    python benchmarks/making.py [--clip CLIP] [--photos FOLDER]

Prints the cold start of a command, the warm call of each system by the engine that is used when none is named, what busy
processes beside it cost, and, where a clip or a folder of photos is named, reenacted frames and prepared faces a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from multiprocessing import Process
from pathlib import Path
from statistics import median

from turns import machine, seconds

from likeness import assets, systems
from likeness.image import pictures_in, read

REQUESTS = {"parts": "photo", "portrait": "drawing", "isegan": "sketch", "landmark": "landmarks", "parser": "photo"}


def command(*words: str) -> float:
    """Wall time of a command from a cold start."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "likeness.cli", *words], check=True, capture_output=True)
    return time.perf_counter() - start


def busy() -> None:
    """Work for ever on one core."""
    while True:
        sum(range(10**6))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", help="a clip to reenact")
    parser.add_argument("--photos", help="a folder of photos to prepare")
    given = parser.parse_args()
    sample = pictures_in(assets.SAMPLES)[0]
    photo = read(sample)
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        words = ("parts", str(sample), "-o", str(folder / "a.png"))
        onnx, eager = [], []
        for _ in range(5):
            onnx.append(command(*words))
            eager.append(command(*words, "--engine", "torch"))
        print(f"cold start of likeness parts: torch / onnx {median(eager) / median(onnx):.1f} ({median(onnx):.2f} s)")
        for name, condition in REQUESTS.items():
            ours, theirs = (systems.load(name, engine=engine) for engine in ("auto", "torch"))
            request = {condition: photo}
            graph = [system.prepare(request) for system in (ours, theirs)]
            whole, made, made_eager = seconds(
                partial(ours, **request), partial(ours.make, [graph[0]]), partial(theirs.make, [graph[1]])
            )
            print(
                f"{name} ({ours.weights.engine}): network torch / ours {made_eager / made:.2f}; "
                f"network / whole warm call {made / whole:.2f} "
                f"({1000 * whole:.1f} ms, the network {1000 * made:.1f} ms)"
            )
        alone = median(command(*words) for _ in range(3))
        beside = [Process(target=busy, daemon=True) for _ in range(2)]
        for process in beside:
            process.start()
        time.sleep(0.5)
        crowded = median(command(*words) for _ in range(3))
        for process in beside:
            process.terminate()
        print(f"likeness parts beside two busy processes / alone: {crowded / alone:.2f}")
        if given.photos:
            count = len(pictures_in(given.photos))
            taken = command("prepare", given.photos, "-o", str(folder / "f.parquet"))
            print(f"prepare: {count / taken:.0f} photos a second ({count} photos)")
        if given.clip:
            from likeness.video import frames  # type: ignore[attr-defined]

            count = sum(1 for _ in frames(given.clip))
            taken = command("reenact", given.clip, "-o", str(folder / "c.mp4"))
            print(f"reenact: {count / taken:.1f} frames a second ({count} frames)")


if __name__ == "__main__":
    main()
