"""What bulk making and training give on this machine, all in one run so that the ratios are fair.

python benchmarks/scale.py                    # about six minutes on two idle cores
python benchmarks/scale.py --csv benchmarks/scale.csv

Faces a second of bulk making by 1 and 2 processes, by Ray with 1 and 2 actors (where Ray is installed), and by the naive
loop that calls ``likeness.load(system)(photo=…).save(…)`` for each photo. The time that workers need to begin is told
apart: it is taken from two runs of different lengths. Then images a second of training, with each trick left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

CONDITIONS = {"parts": "photo", "isegan": "sketch", "landmark": "landmarks", "facefeat": "photo"}
"""Systems, and what each makes a face of."""
TIMES = {"parts": 4, "landmark": 10, "facefeat": 4}
"""How many times ``--inputs`` quick systems get, so that beginning does not outweigh making."""


def photos(folder: Path, count: int) -> Path:
    """A list of samples, over and over: reading them is the same work each time."""
    from likeness import assets
    from likeness.image import pictures_in

    samples = pictures_in(assets.SAMPLES)
    listed = folder / f"{count}.txt"
    listed.write_text("\n".join(str(samples[i % len(samples)]) for i in range(count)))
    return listed


def naive(system: str, listed: Path, output: Path) -> None:
    """What a user would write first; in a process of its own."""
    code = "import sys, likeness\nfrom pathlib import Path\nsystem, name, listed, output = sys.argv[1:]\n"
    code += "made = likeness.load(system)\nPath(output).mkdir()\n"
    code += "for i, photo in enumerate(Path(listed).read_text().split('\\n')): made(**{name: photo}).save(f'{output}/{i}.png')\n"
    one = {**os.environ, "LIKENESS_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", code, system, CONDITIONS[system], str(listed), str(output)]
    subprocess.run(words, check=True, env=one)


def by_bulk(engine: str, count: int) -> Callable[[str, Path, Path], None]:
    """The command, with an engine and so many processes."""

    def run(system: str, listed: Path, output: Path) -> None:
        words = ["bulk", system, str(listed), "-o", str(output), "--engine", engine, "--processes", str(count), "--shard", "8"]
        done = subprocess.run([sys.executable, "-m", "likeness.cli", *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)

    return run


def pace(run: Callable[[str, Path, Path], None], system: str, few: Path, many: Path, folder: Path) -> tuple[float, float]:
    """Faces a second, and seconds to begin: from a short and a long run."""
    seconds, counts = [], []
    for listed in (few, many):
        output = folder / "out"
        began = time.monotonic()
        run(system, listed, output)
        seconds.append(time.monotonic() - began)
        counts.append(len(listed.read_text().split("\n")))
        shutil.rmtree(output)
    print(f"{system}: {counts} inputs in {[round(one, 1) for one in seconds]} s", file=sys.stderr, flush=True)
    each = max((seconds[1] - seconds[0]) / (counts[1] - counts[0]), 1e-6)
    return 1 / each, seconds[0] - counts[0] * each


def making(systems: list[str], inputs: int, folder: Path, only: list[str]) -> list[tuple[str, str, float, float]]:
    """Lines: system, way, faces a second, seconds to begin."""
    ways = {"naive loop": naive, "pool 1": by_bulk("pool", 1), "pool 2": by_bulk("pool", 2)}
    if find_spec("ray"):
        ways |= {"ray 1": by_bulk("ray", 1), "ray 2": by_bulk("ray", 2)}
    few = photos(folder, 16)
    return [
        (system, way, *pace(run, system, few, photos(folder, inputs * TIMES.get(system, 1)), folder))
        for system in systems
        for way, run in ways.items()
        if not only or way in only
    ]


def training(seconds: float) -> list[tuple[str, str, float, float]]:
    """Images a second of parts:lite by the loop, all players moving, with each trick left out."""
    import torch

    from likeness import systems
    from likeness.data.store import FaceStore
    from likeness.faces.drawing import drawn_faces
    from likeness.recipe import Phase, override
    from likeness.train.loop import train

    recipe = systems.recipe("parts:lite")
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(64, framing), framing, "drawn")
    players = list(systems.row("parts").build(recipe).players)
    lines = []
    for way, settings in (
        ("our loop", []),
        ("without bf16", ["training.bf16=false"]),
        ("without channels_last", ["training.channels_last=false"]),
        ("without both", ["training.bf16=false", "training.channels_last=false"]),
    ):
        asked = override(recipe, settings)
        from dataclasses import replace

        plan = replace(asked.training, phases=(Phase(10**6, tuple(players)),), every=10**9, look=10**9)
        stamps: list[float] = []

        def stop(stamps: list[float] = stamps) -> bool:
            stamps.append(time.monotonic())
            return len(stamps) > 4 and stamps[-1] - stamps[2] > seconds

        torch.manual_seed(1)
        with tempfile.TemporaryDirectory() as folder:
            train(systems.row("parts").build(replace(asked, training=plan)), "parts", store, Path(folder) / "run", stop=stop)
        print(f"training {way}: {len(stamps) - 3} steps", file=sys.stderr, flush=True)
        lines.append(("parts:lite training", way, plan.batch * (len(stamps) - 3) / (stamps[-1] - stamps[2]), 0.0))
    return lines


def main() -> None:
    """Measure; print ratios to one process and what a million faces would take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=[name for name in CONDITIONS if _ships(name)])
    parser.add_argument("--ways", nargs="+", default=[], help="such as 'naive loop' and 'pool 1', which the ratios are to")
    parser.add_argument("--inputs", type=int, default=80)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--csv")
    given = parser.parse_args()
    from likeness.train.run import commit

    code = commit()
    table = [["system", "way", "per_second", "ratio", "start_seconds", "hours_a_million_extrapolated", "commit"]]
    with tempfile.TemporaryDirectory() as folder:
        lines = making(given.systems, given.inputs, Path(folder), given.ways)
    base = {system: rate for system, way, rate, _ in lines if way == "pool 1"}
    lines += training(given.seconds)
    base["parts:lite training"] = next(rate for _, way, rate, _ in lines if way == "without both")
    for system, way, rate, start in lines:
        hours = "" if "training" in system else f"{1e6 / rate / 3600:.1f}"
        table.append([system, way, f"{rate:.2f}", f"{rate / base[system]:.2f}", f"{start:.1f}", hours, code])
    for line in table:
        print("  ".join(f"{cell:>22}" for cell in line))
    if given.csv:
        from likeness.files import csv_text, write_content

        write_content(given.csv, csv_text(table))


def _ships(name: str) -> bool:
    from likeness import assets

    return (assets.WEIGHTS / name).is_dir()


if __name__ == "__main__":
    main()
