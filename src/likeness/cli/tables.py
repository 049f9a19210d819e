"""An outcome as tables on the terminal, as CSV and JSON files, and as contact sheets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likeness.experiment import Outcome

DIGITS = {"psnr": 2, "depth_error": 2, "error": 2, "deviation": 2, "input_error": 2, "landmarks": 1}
"""Digits behind the point, where they are not three."""


def say(about: Mapping[str, Any]) -> None:
    """Print with which code and instruments it was measured."""
    used = ", ".join(f"{name} {digest}" for name, digest in about["instruments"].items())
    print(f"code {about['commit'] or 'unknown'}" + (f"; instruments {used}" if used else ""))


def show_outcome(outcome: Outcome) -> dict[str, Any]:
    """Print an outcome's tables; what it is about, with the commit of the code that measured it."""
    from likeness.train.run import commit

    about = {**outcome.about, "commit": commit()}
    print(outcome.title)
    show([flat(line) for line in outcome.lines])
    for name, table in outcome.tables.items():
        print(name)
        show([flat(line) for line in table])
    for note in outcome.notes:
        print(note)
    say(about)
    return about


def write_outcome(
    outcome: Outcome,
    about: Mapping[str, Any],
    json_file: str | Path | None,
    csv_files: Sequence[str | Path | None],
    sheet: str | Path | None,
) -> None:
    """Write an outcome where a file is named.

    Args:
        outcome: the outcome.
        about: what it is about.
        json_file: for everything, face by face.
        csv_files: for the table; further tables and plots stand beside it as ``NAME_TABLE.csv`` and ``NAME_PLOT.png``.
        sheet: for the first contact sheet; further ones stand beside it as ``NAME-SHEET.png``.
    """
    from likeness import provenance
    from likeness.files import write_content

    if json_file:
        write_text(json_file, json.dumps(_plain({**outcome.record(), **about}), indent=2, ensure_ascii=False) + "\n")
    for place in [Path(file) for file in csv_files if file]:
        for name, table in {"": outcome.lines, **outcome.tables}.items():
            write_csv(_beside(place, name, "_"), [flat(line) for line in table], about)
        for name, figure in outcome.figures.items():
            write_content(_beside(place.with_suffix(".png"), name, "_"), figure)
    for number, (name, picture) in enumerate(outcome.sheets.items() if sheet else ()):
        place = _beside(Path(str(sheet)), name if number else "", "-")
        tool = provenance.software(str(about.get("system") or "evaluate"), str(about["recipe"]))
        print(provenance.write(place, picture, tool))


def _plain(value: Any) -> Any:
    """A value as JSON has it: what is not a number is null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _beside(path: Path, name: str, between: str) -> Path:
    """The file itself, or where one of the further ``name`` stands."""
    return path.with_name(f"{path.stem}{between}{name}{path.suffix}") if name else path


def flat(line: Mapping[str, Any]) -> dict[str, str]:
    """A line's cells as text; (mean, deviation) becomes ``mean ± deviation``; face-by-face values are left out."""
    cells = {}
    for name, value in line.items():
        digits = DIGITS.get(name, 3)
        if name == "each":
            continue
        if isinstance(value, tuple):
            cells[name] = " ± ".join(f"{number:.{digits}f}" for number in value)
        else:
            cells[name] = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return cells


def show(table: Sequence[Mapping[str, str]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(*table[0])
    for line in table:
        shown.add_row(*line.values())
    Console(width=None if Console().is_terminal else 200).print(shown)


def write_csv(path: str | Path, table: Sequence[Mapping[str, str]], about: Mapping[str, Any]) -> None:
    """Write a table as CSV, each row with recipe, step and commit of what was measured and whose faces.

    The first line names the columns; what a further line lacks stays empty.
    """
    from likeness.files import csv_text

    said = {"recipe": about["recipe"], "step": about["step"], "commit": about["commit"], "faces_of": about["faces_of"]}
    rows = [[*said, *table[0]]] + [[*map(str, said.values()), *(line.get(name, "") for name in table[0])] for line in table]
    write_text(path, csv_text(rows))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    from likeness.files import write_content

    write_content(Path(path), text)
