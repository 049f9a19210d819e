"""``likeness compare``: is one measured result better than another, on the same faces?"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError
from likeness.experiment import NAMING

LOWER_IS_BETTER = (
    *("lpips", "absolute", "landmarks", "dlib_distance", "inside"),
    *("error", "nme", "depth_error", "lmk", "id_distance", "follows", "like_driver", "to_drawn"),
)
HIGHER_IS_BETTER = ("psnr", "ssim", "fsim", "identity", "similarity", "overlap", "gain", "mean_iou", "accuracy", "to_model")
"""Metrics by name; ``lpips_alex`` counts as ``lpips``. Of others nobody can say in general which way is better."""
ABOUT = ("recipe", "step", "commit", "faces_of")

Lines = dict[str, dict[str, list[float]]]
"""A line's name → metric → a value for each face; one that could not be measured is not a number."""


@dataclass(frozen=True)
class Measured:
    """What a result holds face by face: the faces' ``names``, and ``lines`` with what each is of (its method, effect …).

    ``own`` are the lines of the model that was measured, as against those that it was measured beside.
    """

    names: list[str]
    lines: Lines
    columns: dict[str, tuple[str, ...]]
    own: list[str]


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "compare", run, "compare two results of likeness evaluate, face by face, with intervals")
    parser.add_argument("first", metavar="A", help="what likeness evaluate or study -o wrote, or a table by person")
    parser.add_argument("second", metavar="B", help="the same for another model, on the same faces; or A again, see --with")
    parser.add_argument("--method", metavar="LINE", help="which line, or lines, of A (default: the model's own, or all)")
    parser.add_argument("--with", dest="other", metavar="LINE", help="which line of B (default: that of the same name)")
    parser.add_argument("--seed", type=int, default=0, help="the chance in the bootstrap (default: 0)")


def run(given: argparse.Namespace) -> int:
    """Print the mean differences, A − B."""
    options.check_seed(given.seed)
    first, second = read_result(given.first), read_result(given.second)
    if first.names != second.names:
        raise LikenessError(f"{given.first} and {given.second} were not measured on the same faces")
    chosen = pairs(given, first, second)
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from likeness.evaluate.bootstrap import paired_difference

    table = Table("metric", "N", "A", "B", "A − B", "95 % interval", "better")
    for one, other in chosen:
        for metric in [name for name in first.lines[one] if name in second.lines[other]]:
            a, b = np.array(first.lines[one][metric]), np.array(second.lines[other][metric])
            if not a.shape == b.shape == (len(first.names),):
                raise LikenessError(f"{given.first} and {given.second}: {metric} was not measured once a face in both")
            both = np.isfinite(a) & np.isfinite(b)  # a face that was not found has no figure
            shown = metric if len(chosen) == 1 else f"{one}: {metric}"
            if both.sum() < 2:
                table.add_row(shown, str(both.sum()), "", "", "", "", "too few")
                continue
            a, b = a[both], b[both]
            apart = paired_difference(a, b, seed=given.seed)
            figures = (f"{a.mean():.4f}", f"{b.mean():.4f}", f"{apart.mean:+.4f}", f"{apart.low:+.4f} … {apart.high:+.4f}")
            table.add_row(shown, str(len(a)), *figures, better(metric, apart.mean, apart.clear))
    if not table.row_count:
        raise LikenessError(f"{given.first} and {given.second} share no metric that was measured face by face")
    Console(width=None if Console().is_terminal else 200).print(table)
    for one, other in chosen:
        if one != other:
            print(f"A: {one}; B: {other}")
    print(f"N = {len(first.names)} faces, paired bootstrap, 10,000 draws")
    return 0


def better(metric: str, difference: float, clear: bool) -> str:
    """A, B, or why neither."""
    if not clear:
        return "not clear"
    known = {word: word in LOWER_IS_BETTER for word in (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)}
    lower = known.get(metric, known.get(metric.split("_")[0]))
    if lower is None:
        return "A is higher" if difference > 0 else "B is higher"
    return "A" if (difference > 0) != lower else "B"


def pairs(given: argparse.Namespace, first: Measured, second: Measured) -> list[tuple[str, str]]:
    """Which line of A is compared with which of B.

    Raises:
        LikenessError: a line that was asked for is not there, or they have none of one name.
    """
    ones = _named(given.method, first, given.first)
    if given.other is not None:
        others = _named(given.other, second, given.second)
        if len(ones) == len(others):
            return list(zip(ones, others, strict=True))
        if len(others) == 1:
            return [(one, others[0]) for one in ones]
        raise LikenessError(f"--with {given.other}: names {len(others)} lines, and {len(ones)} of {given.first} are compared")
    if found := [(one, one) for one in ones if one in second.lines]:
        return found
    others = second.own or list(second.lines)
    if given.method is None and len(ones) == len(others) == 1:  # models of other names
        return [(ones[0], others[0])]
    raise LikenessError(
        f"{given.second}: has no line {ones[0]!r}; there are {'; '.join(second.lines)} (choose with --method and --with)"
    )


def _named(asked: str | None, result: Measured, path: str) -> list[str]:
    """The lines of that whole title, or with that name for a part: of "style_a, ours" it is enough to say "ours"."""
    if asked is None:
        return result.own or list(result.lines)
    found = [asked] if asked in result.lines else [title for title, of in result.columns.items() if asked in of]
    if not found:
        raise LikenessError(f"{path}: has no line {asked!r}; there are {'; '.join(result.lines)}")
    return found


def read_result(path: str) -> Measured:
    """A result's values face by face, of any kind that the commands write.

    Raises:
        LikenessError: no such file, not a result, or one that holds means only.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise LikenessError(f"{path}: is not a result of likeness evaluate or likeness study") from None
    try:
        found = _of_table(path, text) if Path(path).suffix.lower() == ".csv" else _of_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        raise LikenessError(f"{path}: is not a result of likeness evaluate or likeness study") from None
    lines = {title: each for title, each in found.lines.items() if each}
    if not lines:
        what = ", ".join(found.lines) or "its table"
        raise LikenessError(f"{path}: {what} was measured as a whole, not face by face; compare what -o FILE.json writes")
    columns = {title: of for title, of in found.columns.items() if title in lines}
    return Measured(found.names, lines, columns, [title for title in found.own if title in lines])


def _of_json(said: Mapping[str, Any]) -> Measured:
    """What :meth:`likeness.experiment.Outcome.record` gives."""
    lines, columns = {}, {}
    for line in said["lines"]:
        of = tuple(str(line[name]) for name in NAMING if name in line)
        title = str(line.get("title", ", ".join(of)))
        lines[title], columns[title] = _each(line["each"]), of
    names = ("ours", said.get("recipe"))
    own = [title for title, of in columns.items() if any(one in names or one.startswith("ours,") for one in of)]
    return Measured([str(name) for name in said["names"]], lines, columns, own)


def _of_table(path: str, text: str) -> Measured:
    """A table with a line for each person; tables of means have no values to pair."""
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not set(ABOUT) <= set(rows[0]):
        raise ValueError
    if "person" not in rows[0]:
        return Measured([], {}, {}, [])
    people = list(dict.fromkeys(row["person"] for row in rows))
    metrics = [name for name in rows[0] if name in (*LOWER_IS_BETTER, *HIGHER_IS_BETTER, "tone")]
    lines: Lines = {}
    columns = {}
    for row in rows:
        of = tuple(row[name] for name in NAMING if name in row and name != "person")
        title = ", ".join(of)
        columns[title] = of
        line = lines.setdefault(title, {metric: [math.nan] * len(people) for metric in metrics})
        for metric in metrics:
            line[metric][people.index(row["person"])] = _number(row[metric])
    return Measured(people, lines, columns, [])


def _each(each: Mapping[str, Any]) -> dict[str, list[float]]:
    return {str(name): [math.nan if value is None else float(value) for value in values] for name, values in each.items()}


def _number(cell: str) -> float:
    """A cell's number, of "mean ± deviation" the mean; what is none is not a number."""
    try:
        return float(cell.split(" ± ")[0])
    except ValueError:
        return math.nan
