"""What bulk making and training give on this machine, all in one run so that the ratios are fair.

python benchmarks/scale.py                    # about eight minutes on two idle cores
python benchmarks/scale.py --csv benchmarks/scale.csv && python benchmarks/plan.py --csv benchmarks/plan.csv

Faces a second of bulk making by 1 and 2 processes, by Ray with 1 and 2 actors (where Ray is installed), and by the naive
loop that calls ``likeness.load(system)(photo=…).save(…)`` for each photo. The time that workers need to begin is told
apart: it is taken from two runs of different lengths. So are the milliseconds of processor that a face takes, those of Ray's own
processes included, which say where the time goes; and the peak memory of the largest process in the short run and in the long
one, since it must not grow (both from /proc, so on Linux alone).

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
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
"""Of a processor's second in /proc."""


@dataclass(frozen=True)
class Use:
    """What a run took: ``seconds`` by the clock, ``processor`` seconds of all its processes, ``peak`` bytes of the largest."""

    seconds: float
    processor: float
    peak: float


Way = Callable[[str, Path, Path], Use]
"""How faces are made: of a system, the listed photos and the output."""


@dataclass(frozen=True)
class Line:
    """A line of the table; None where a figure does not apply. ``start`` in seconds, ``processor`` in seconds a face, ``size`` in
    bytes a result, ``peaks`` in bytes, of the short run and of the long one.
    """

    system: str
    way: str
    rate: float
    start: float | None = None
    processor: float | None = None
    size: float | None = None
    peaks: tuple[float, float] | None = None


CONDITIONS = {"parts": "photo", "isegan": "sketch", "landmark": "landmarks", "facefeat": "photo"}
"""Systems, and what each makes a face of."""
COLUMNS = ["system", "way", "per_second", "ratio", "start_seconds", "processor_ms", "peak_mb_short", "peak_mb", "kb_a_face"]
COLUMNS += ["hours_a_million_extrapolated", "commit"]
TIMES = {"parts": 4, "landmark": 10, "facefeat": 3}
"""How many times ``--inputs`` quick systems get, so that beginning does not outweigh making."""


def photos(folder: Path, count: int) -> Path:
    """A list of samples, over and over: reading them is the same work each time."""
    from likeness import assets
    from likeness.image import pictures_in

    samples = pictures_in(assets.SAMPLES)
    listed = folder / f"{count}.txt"
    listed.write_text("\n".join(str(samples[i % len(samples)]) for i in range(count)))
    return listed


def below(pid: int) -> list[int]:
    """A process, its children, and theirs (Linux)."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [one for word in (task / "children").read_text().split() for one in below(int(word))]
    return found


def watched(words: list[str], more: dict[str, str] | None = None) -> Use:
    """Run a command to its end; what it took."""
    began, taken, peaks = time.monotonic(), dict[int, float](), [0.0]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, env={**os.environ, **(more or {})})
        ended = False
        while not ended:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
            ended = process.returncode is not None
            for pid in [] if ended else below(process.pid):
                with suppress(OSError, ValueError, IndexError, StopIteration):
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    taken[pid] = (int(fields[11]) + int(fields[12])) / TICKS
                    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
                    peaks.append(1024.0 * int(peak.split()[1]))
        if process.returncode:
            said.seek(0)
            sys.exit(said.read().decode())
    return Use(time.monotonic() - began, sum(taken.values()), max(peaks))


def naive(system: str, listed: Path, output: Path) -> Use:
    """What a user would write first; in a process of its own."""
    code = "import sys, likeness\nfrom pathlib import Path\nsystem, name, listed, output = sys.argv[1:]\n"
    code += "made = likeness.load(system)\nPath(output).mkdir()\n"
    code += "for i, photo in enumerate(Path(listed).read_text().split('\\n')): made(**{name: photo}).save(f'{output}/{i}.png')\n"
    words = [sys.executable, "-c", code, system, CONDITIONS[system], str(listed), str(output)]
    return watched(words, {"LIKENESS_THREADS": "1", "OMP_NUM_THREADS": "1"})


def by_bulk(engine: str, count: int) -> Way:
    """The command, with an engine and so many processes."""

    def run(system: str, listed: Path, output: Path) -> Use:
        words = ["bulk", system, str(listed), "-o", str(output)]
        words += ["--engine", engine, "--processes", str(count), "--shard", "8"]
        return watched([sys.executable, "-m", "likeness.cli", *words])

    return run


def pace(system: str, way: str, run: Way, lists: tuple[Path, Path], folder: Path) -> Line:
    """A line, from a short and a long run."""
    uses, counts, size = [], [], 0.0
    for listed in lists:
        output = folder / "out"
        uses.append(run(system, listed, output))
        counts.append(len(listed.read_text().split("\n")))
        sizes = [path.stat().st_size for path in output.rglob("*.png")]  # the same input twice in a shard is one picture
        size = sum(sizes) / len(sizes)
        shutil.rmtree(output)
    print(f"{system}, {way}: {counts} inputs in {[round(use.seconds, 1) for use in uses]} s", file=sys.stderr, flush=True)
    more = counts[1] - counts[0]
    each = max((uses[1].seconds - uses[0].seconds) / more, 1e-6)
    processor = (uses[1].processor - uses[0].processor) / more
    return Line(system, way, 1 / each, uses[0].seconds - counts[0] * each, processor, size, (uses[0].peak, uses[1].peak))


def making(systems: list[str], inputs: int, folder: Path, only: list[str]) -> list[Line]:
    """Bulk making by every way."""
    ways = {"naive loop": naive, "pool 1": by_bulk("pool", 1), "pool 2": by_bulk("pool", 2)}
    if find_spec("ray"):
        ways |= {"ray 1": by_bulk("ray", 1), "ray 2": by_bulk("ray", 2)}
    few, lines = photos(folder, min(16, inputs // 2)), []
    for system in systems:
        many = photos(folder, inputs * TIMES.get(system, 1))
        for way, run in ways.items():
            if not only or way in only:
                lines.append(pace(system, way, run, (few, many), folder))
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


def training(seconds: float, ways: list[str], name: str = "parts:lite") -> list[Line]:
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
    cores, threads, lines = os.sched_getaffinity(0), torch.get_num_threads(), list[Line]()
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
        lines.append(Line(f"{name} training", way, plan.batch * clock.steps_a_second))
    return lines


def table(lines: list[Line], code: str) -> list[list[str]]:
    """Rows of texts under their names: ratios to one process or the plain loop, and what a million faces would take."""
    base: dict[str, float] = {}
    for line in lines:
        if line.way in ("pool 1", "plain loop") or line.system not in base:
            base[line.system] = line.rate
    rows = [COLUMNS]
    for line in lines:
        made = line.start is not None
        figures = [line.start, 1e3 * (line.processor or 0), *(peak / 1e6 for peak in line.peaks or ()), (line.size or 0) / 1e3]
        cells = [f"{line.rate:.2f}", f"{line.rate / base[line.system]:.2f}", *(f"{one:.1f}" for one in figures if made)]
        cells += [f"{1e6 / line.rate / 3600:.1f}"] if made else []
        rows.append([line.system, line.way, *cells, *[""] * (len(COLUMNS) - 3 - len(cells)), code])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="*", default=list(CONDITIONS))
    parser.add_argument("--ways", nargs="+", default=[], help="such as 'naive loop' and 'pool 1', which the ratios are to")
    parser.add_argument("--trainings", nargs="*", default=[], help="such as 'plain loop', which the ratios are to (default: all)")
    parser.add_argument("--recipe", default="parts:lite", help="what is trained (default: parts:lite)")
    parser.add_argument("--inputs", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--csv")
    given = parser.parse_args()
    from likeness.files import csv_text, write_content
    from likeness.train.run import commit

    code = commit()
    with tempfile.TemporaryDirectory() as folder:
        lines = making(given.systems, given.inputs, Path(folder), given.ways)
    lines += training(given.seconds, given.trainings, given.recipe)
    rows = table(lines, code)
    for row in rows:
        print("  ".join(f"{cell:>14}" for cell in row))
    if given.csv:
        write_content(given.csv, csv_text(rows))


if __name__ == "__main__":
    main()
