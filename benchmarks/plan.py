"""What a thousand, a million and a billion faces take, extrapolated from the table that benchmarks/scale.py wrote.

python benchmarks/plan.py                                          # from benchmarks/scale.csv, for parts
python benchmarks/plan.py --system isegan --machines 4 --cores 16  # for machines of your own with cores like those measured
python benchmarks/plan.py --csv benchmarks/plan.csv

With f faces a second of one process (``pool 1``), e half the ratio of two processes to one (``pool 2``), s bytes a result, i
bytes an input, b seconds to begin, n faces and p processes, one a core of all machines:

    hours = (n / (f · p · e) + b) / 3600        disk = n · s        the store: n · (s + i) / (3600 · hours) a second

The bottleneck is the beginning where b is over a third of the time, the store where it has to give and take more than
--store, and the network otherwise.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

PLANS = ((10**3, 1, 2), (10**6, 1, 2), (10**6, 4, 16), (10**9, 1, 2), (10**9, 100, 16))
"""Faces, machines, and cores of each."""
COLUMNS = ["faces", "machines", "cores", "hours", "disk_gb", "photos_a_second", "store_mb_a_second", "bottleneck", "commit"]


@dataclass(frozen=True)
class Measured:
    """Of one system: ``rate`` in faces a second of one process, ``efficiency`` of two, seconds to ``begin``, bytes of a
    ``result`` and of an ``input``.
    """

    rate: float
    efficiency: float
    begin: float
    result: float
    input: float


def measured(path: Path, system: str, photo: float) -> tuple[Measured, str]:
    """What the table says of a system, and the commit that it was measured at.

    Raises:
        SystemExit: it says nothing.
    """
    with path.open() as file:
        lines = {row["way"]: row for row in csv.DictReader(file) if row["system"] == system}
    if not {"pool 1", "pool 2"} <= lines.keys():
        raise SystemExit(f"{path}: has no lines 'pool 1' and 'pool 2' of {system!r}; make it with benchmarks/scale.py")
    one, two = lines["pool 1"], lines["pool 2"]
    size = 1e3 * float(one["kb_a_face"])
    rate = float(one["per_second"])
    return Measured(rate, float(two["ratio"]) / 2, float(two["start_seconds"]), size, photo or size), one["commit"]


def plan(of: Measured, faces: int, machines: int, cores: int, store: float) -> list[str]:
    """A line of :data:`COLUMNS`, but for the commit; ``store`` is what a store gives and takes in bytes a second."""
    work = faces / (of.rate * machines * cores * of.efficiency)
    seconds = work + of.begin
    flow = faces * (of.result + of.input) / seconds
    bottleneck = "beginning" if of.begin > seconds / 3 else "the store" if flow > store else "the network: cores"
    figures = [seconds / 3600, faces * of.result / 1e9, faces / seconds, flow / 1e6]
    return [f"{faces:,}", str(machines), str(cores), *(f"{float(f'{figure:.3g}'):,.10g}" for figure in figures), bottleneck]


def main() -> None:
    """Print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("scale.csv"))
    parser.add_argument("--system", default="parts")
    parser.add_argument("--machines", type=int, default=0, help="how many (default: examples)")
    parser.add_argument("--cores", type=int, default=2, help="of each machine (default: 2)")
    parser.add_argument("--input-kb", type=float, default=0, help="of a photo (default: as large as a result)")
    parser.add_argument("--store", type=float, default=1250, metavar="MB", help="a second of the store (default: 1250, 10 Gbit)")
    parser.add_argument("--csv")
    given = parser.parse_args()
    of, commit = measured(given.table, given.system, 1e3 * given.input_kb)
    plans = [(10**power, given.machines, given.cores) for power in (3, 6, 9)] if given.machines else PLANS
    rows = [COLUMNS, *([*plan(of, *one, 1e6 * given.store), commit] for one in plans)]
    print(f"{given.system}: f = {of.rate:.2f}, e = {of.efficiency:.2f}, s = {of.result / 1e3:.1f} kB, b = {of.begin:.1f} s")
    for row in rows:
        print("  ".join(f"{cell:>18}" for cell in row))
    if given.csv:
        from likeness.files import csv_text, write_content

        write_content(given.csv, csv_text(rows))


if __name__ == "__main__":
    main()
