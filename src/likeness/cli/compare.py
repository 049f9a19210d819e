"""``likeness compare``: is one measured result better than another, on the same faces?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.evaluate.bootstrap import Difference

HIGHER_IS_BETTER = ("psnr", "ssim", "fsim", "identity", "mean_iou", "gain", "accuracy")
LOWER_IS_BETTER = ("lpips", "absolute", "error", "nme", "lmk", "id_distance", "follows", "landmarks", "depth_error")
"""Metrics by name; ``lpips_alex`` counts as ``lpips``. Of others nobody can say in general which way is better."""


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "compare", run, "compare two results of likeness evaluate, face by face, with intervals")
    parser.add_argument("first", metavar="A.json", help="what likeness evaluate -o wrote")
    parser.add_argument("second", metavar="B.json", help="the same for another model, on the same faces")
    parser.add_argument("--method", help="which line of a result, by its method or title (default: the first)")
    parser.add_argument("--seed", type=int, default=0, help="the chance in the bootstrap (default: 0)")


def run(given: argparse.Namespace) -> int:
    """Print the mean differences, A − B."""
    (first_names, first), (second_names, second) = (read_result(path, given.method) for path in (given.first, given.second))
    if first_names != second_names:
        raise LikenessError(f"{given.first} and {given.second} were not measured on the same faces")
    metrics = [name for name in first if name in second]
    if not metrics:
        raise LikenessError(f"{given.first} and {given.second} share no metric that was measured face by face")
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from likeness.evaluate.bootstrap import paired_difference

    table = Table("metric", "N", "A", "B", "A − B", "95 % interval", "better")
    for name in metrics:
        a, b = np.array(first[name], np.float64), np.array(second[name], np.float64)
        if a.shape != b.shape or a.shape != (len(first_names),):
            raise LikenessError(f"{given.first} and {given.second}: {name} was not measured once a face in both")
        both = np.isfinite(a) & np.isfinite(b)  # a face that was not found has no figure
        if both.sum() < 2:
            table.add_row(name, str(both.sum()), "", "", "", "", "too few")
            continue
        a, b = a[both], b[both]
        apart = paired_difference(a, b, seed=given.seed)
        interval = f"{apart.low:+.4f} … {apart.high:+.4f}"
        table.add_row(
            name, str(len(a)), f"{a.mean():.4f}", f"{b.mean():.4f}", f"{apart.mean:+.4f}", interval, _better(name, apart)
        )
    Console(width=None if Console().is_terminal else 120).print(table)
    print(f"{len(first_names)} faces, paired bootstrap, 10,000 draws")
    return 0


def _better(name: str, apart: Difference) -> str:
    """Which of the two is better by a metric, where that is clear."""
    if not apart.clear:
        return "not clear"
    known = {word: word in LOWER_IS_BETTER for word in (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)}
    lower = known.get(name, known.get(name.split("_")[0]))
    if lower is None:
        return "A is higher" if apart.mean > 0 else "B is higher"
    return "A" if (apart.mean > 0) != lower else "B"


def read_result(path: str, method: str | None) -> tuple[list[str], dict[str, list[float]]]:
    """The faces' names and the scores of a line, the first where none is named."""
    try:
        said = json.loads(Path(path).read_text())
        fitting = [line for line in said["lines"] if method is None or method in (line["title"], line.get("method"))]
        if not fitting:
            titles = ", ".join(line["title"] for line in said["lines"])
            raise LikenessError(f"{path}: has no line {method!r}; there are {titles}")
        names, each = list(said["names"]), dict(fitting[0]["each"])
        if not each:
            raise LikenessError(f"{path}: {fitting[0]['title'] or 'its line'} was measured as a whole, not face by face")
        return names, each
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError):
        raise LikenessError(f"{path}: is not a result of likeness evaluate or likeness study") from None
