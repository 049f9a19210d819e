"""What bulk making and training give on this machine, all in one run so that the ratios are fair.

python benchmarks/scale.py                    # about six minutes on two idle cores
python benchmarks/scale.py --csv benchmarks/scale.csv

Faces a second of bulk making by 1 and 2 processes, by Ray with 1 and 2 actors (where Ray is installed), and by the naive
loop that calls ``likeness.load(system)(photo=…).save(…)`` for each photo. The time that workers need to begin is told
apart: it is taken from two runs of different lengths. Where a system's weights do not ship (facefeat, which makes many new
photos of a person), networks of its tiny recipe with random weights work in their place, and the line says so.

Then images a second of training parts:lite by a plain PyTorch loop, and by ours with and without each trick.
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
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Way = Callable[[str, str, Path, Path], None]
"""How faces are made: of a system, its weights, the listed photos and the output."""
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


def weights_of(system: str, folder: Path) -> tuple[str, str]:
    """What works, and what its line is called: the weights that ship, or random ones of the tiny recipe."""
    from likeness import assets, systems

    if (assets.WEIGHTS / system).is_dir():
        return system, system
    import torch

    from likeness.data.store import FaceStore
    from likeness.export import export
    from likeness.faces.drawing import drawn_faces
    from likeness.train.loop import train

    torch.manual_seed(1)
    recipe = systems.recipe(f"{system}:tiny")
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(24, framing, paired=True), framing, "drawn", "labels")
    path = train(systems.row(system).build(recipe), system, store, folder / f"random {system}", steps=1)
    export(path, systems.row(system).graph_module)
    return str(path), f"{system} (tiny, random)"


def naive(system: str, weights: str, listed: Path, output: Path) -> None:
    """What a user would write first; in a process of its own."""
    code = "import sys, likeness\nfrom pathlib import Path\nsystem, name, listed, output = sys.argv[1:]\n"
    code += "made = likeness.load(system)\nPath(output).mkdir()\n"
    code += "for i, photo in enumerate(Path(listed).read_text().split('\\n')): made(**{name: photo}).save(f'{output}/{i}.png')\n"
    one = {**os.environ, "LIKENESS_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", code, weights, CONDITIONS[system], str(listed), str(output)]
    subprocess.run(words, check=True, env=one)


def by_bulk(engine: str, count: int) -> Way:
    """The command, with an engine and so many processes."""

    def run(system: str, weights: str, listed: Path, output: Path) -> None:
        words = ["bulk", system, str(listed), "-o", str(output), "--weights", weights]
        words += ["--engine", engine, "--processes", str(count), "--shard", "8"]
        done = subprocess.run([sys.executable, "-m", "likeness.cli", *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)

    return run


def pace(run: Way, system: str, weights: str, few: Path, many: Path, folder: Path) -> tuple[float, float]:
    """Faces a second, and seconds to begin: from a short and a long run."""
    seconds, counts = [], []
    for listed in (few, many):
        output = folder / "out"
        began = time.monotonic()
        run(system, weights, listed, output)
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
    few, lines = photos(folder, min(16, inputs // 2)), []
    for system in systems:
        weights, called = weights_of(system, folder)
        many = photos(folder, inputs * TIMES.get(system, 1))
        lines += [
            (called, way, *pace(run, system, weights, few, many, folder)) for way, run in ways.items() if not only or way in only
        ]
    return lines


@dataclass(frozen=True)
class Training:
    """A way to train: our loop with settings of the recipe, or a ``plain`` one; ``ahead``: a thread makes the next batch.

    ``pinned``: torch has one thread, which keeps to one core.
    """

    settings: tuple[str, ...] = ()
    plain: bool = False
    ahead: bool = False
    pinned: bool = False


FLOAT, NCHW = "training.bf16=false", "training.channels_last=false"
TRAININGS = {
    "plain loop": Training((FLOAT, NCHW), plain=True),
    "our loop, no trick": Training((FLOAT, NCHW)),
    "+ bf16": Training((NCHW,)),
    "+ channels_last": Training(),
    "+ prefetch": Training(ahead=True),
    "+ one thread pinned": Training(ahead=True, pinned=True),
    "one thread pinned, no prefetch": Training(pinned=True),
}
"""Each trick on top of those before it."""


class Clock:
    """Stamps, one a step: :meth:`__call__` says whether time is up after ``seconds`` (the first two steps are not counted)."""

    def __init__(self, seconds: float, pinned: bool) -> None:
        self.seconds, self.pinned, self.stamps = seconds, pinned, list[float]()

    def __call__(self) -> bool:
        self.stamps.append(time.monotonic())
        if self.pinned and len(self.stamps) == 2:  # the thread that makes batches is there by now, and stays free
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        return len(self.stamps) > 4 and self.stamps[-1] - self.stamps[2] > self.seconds

    @property
    def steps_a_second(self) -> float:
        """Of the steps that count."""
        return (len(self.stamps) - 3) / (self.stamps[-1] - self.stamps[2])


def plain_loop(system: Any, store: Any, stop: Clock) -> None:
    """What a user would write first with torch: pictures decoded by PIL in every step, float32, every loss through everything."""
    import torch

    plan = system.recipe.training
    optimisers = {player: torch.optim.Adam(system.parameters_of(player), lr=2e-4, betas=plan.betas) for player in system.players}
    system.fit_statistics(system.table(store))
    system.train()
    order = torch.Generator().manual_seed(1)
    while not stop():
        rows = torch.randint(len(store), (plan.batch,), generator=order).tolist()
        batch = system.batch(system.table(store.take(rows)), order, augment=True)
        for player, ask in system.play(batch, plan.phases[0]):
            loss = sum(term.weight * term.value for term in ask().values())
            optimisers[player].zero_grad()
            loss.backward()
            optimisers[player].step()


def training(seconds: float, ways: list[str], name: str = "parts:lite") -> list[tuple[str, str, float, float]]:
    """Images a second of a recipe by :data:`TRAININGS`, all players moving."""
    import torch

    from likeness import systems
    from likeness.data.store import FaceStore
    from likeness.faces.drawing import drawn_faces
    from likeness.recipe import Phase, override
    from likeness.train.loop import train

    place = systems.row(name.partition(":")[0])
    recipe = systems.recipe(name)
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(64, framing), framing, "drawn").select("train")
    phases = (Phase(10**6, tuple(place.build(recipe).players)),)
    cores, threads, lines = os.sched_getaffinity(0), torch.get_num_threads(), []
    for way, how in TRAININGS.items():
        if ways and way not in ways:
            continue
        asked = override(recipe, how.settings)
        plan = replace(asked.training, phases=phases, every=10**9, look=10**9)
        clock = Clock(seconds, how.pinned)
        torch.manual_seed(1)
        system = place.build(replace(asked, training=plan))
        torch.set_num_threads(1 if how.pinned else threads)
        try:
            with tempfile.TemporaryDirectory() as folder:
                if how.plain:
                    plain_loop(system, store, clock)
                else:
                    train(system, name.partition(":")[0], store, Path(folder) / "run", stop=clock, ahead=how.ahead)
        finally:
            os.sched_setaffinity(0, cores)
            torch.set_num_threads(threads)
        print(f"training {way}: {len(clock.stamps) - 3} steps", file=sys.stderr, flush=True)
        lines.append((f"{name} training", way, plan.batch * clock.steps_a_second, 0.0))
    return lines


def main() -> None:
    """Measure; print ratios to one process and what a million faces would take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="*", default=list(CONDITIONS))
    parser.add_argument("--ways", nargs="+", default=[], help="such as 'naive loop' and 'pool 1', which the ratios are to")
    parser.add_argument("--trainings", nargs="+", default=[], help="such as 'plain loop', which the ratios are to (default: all)")
    parser.add_argument("--recipe", default="parts:lite", help="what is trained (default: parts:lite)")
    parser.add_argument("--inputs", type=int, default=80)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--csv")
    given = parser.parse_args()
    from likeness.train.run import commit

    code = commit()
    table = [["system", "way", "per_second", "ratio", "start_seconds", "hours_a_million_extrapolated", "commit"]]
    with tempfile.TemporaryDirectory() as folder:
        lines = making(given.systems, given.inputs, Path(folder), given.ways)
    lines += training(given.seconds, given.trainings, given.recipe)
    base: dict[str, float] = {}
    for system, way, rate, _ in lines:
        if way in ("pool 1", "plain loop") or system not in base:
            base[system] = rate
    for system, way, rate, start in lines:
        hours = "" if "training" in system else f"{1e6 / rate / 3600:.1f}"
        table.append([system, way, f"{rate:.2f}", f"{rate / base[system]:.2f}", f"{start:.1f}", hours, code])
    for line in table:
        print("  ".join(f"{cell:>22}" for cell in line))
    if given.csv:
        from likeness.files import csv_text, write_content

        write_content(given.csv, csv_text(table))


if __name__ == "__main__":
    main()
