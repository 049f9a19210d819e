"""``compare`` on every kind of result that the commands write; means are refused, and CSV is what any reader reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness.cli import tables
from likeness.evaluate import maps, portrait, reenactment
from likeness.evaluate.bootstrap import paired_difference
from likeness.experiment import Outcome
from likeness.systems.parts import protocol as parts

Run = Callable[..., int]
ROOT = Path(__file__).parents[2]
NAMES = [f"p{i}" for i in range(12)]
ABOUT = {
    "system": "x",
    "recipe": "x:lite",
    "step": 3,
    "commit": "abc",
    "faces_of": "lfw test first",
    "instruments": {},
    "faces": 12,
}
NAN = float("nan")


def values(shift: float) -> list[float]:
    return (np.random.default_rng(1).normal(size=12) + shift).tolist()


def lines_of(kind: str, shift: float) -> list[Any]:
    """Lines as the protocols make them, with values that lie ``shift`` higher."""
    each = values(shift)
    spread = (0.0, 1.0)
    if kind == "parts":
        scores = [("ours", {"psnr": each, "ssim": each, "identity": each}), ("floor", {"psnr": values(-9)})]
        return [parts.Score(name, 12, spread, spread, {"identity": spread}, 0, own).line() for name, own in scores]
    if kind == "offset":
        return [asdict(parts.Perturbed("shifted", 12, 1.0, 1.0, 1.0, 1, {"error": [NAN, *each[1:]]}))]
    if kind == "portrait":
        score = portrait.Fidelity(12, spread, spread, {"lpips": spread}, 0, {"psnr": each, "lpips": each}).line()
        both = [(effect, method) for effect in ("style_a", "style_b") for method in ("ours", "the drawing as it is")]
        return [{"effect": effect, "method": method} | score for effect, method in both]
    if kind == "depth":
        return [asdict(maps.Depth("ours", 12, 1.0, 1.0, 1.0, {"depth_error": each, "gain": each}))]
    if kind == "parsing":
        return [{"method": "photo", "count": 12, "mean_iou": 0.5, "each": {"mean_iou": each}}]
    if kind == "detector":
        return [{"method": "ours, 8 steps", "count": 12, "nme": "1.00", "each": {"nme": [NAN, *each[1:]]}}]
    if kind == "isegan":
        return [{"method": name, "count": 12, "each": {"fsim": each}} for name in ("x:lite, stage I", "x:lite")]
    if kind == "landmark":
        return [asdict(reenactment.Score("LandmarkGAN", 12, 0.1, 0.1, 0.1, 0.1, 0.0, {"lmk": each, "twitch": each}))]
    if kind == "verification":
        return [{"recogniser": "a", "each": {"accuracy": each}}, {"recogniser": "b", "each": {"accuracy": values(0)}}]
    return [asdict(reenactment.Followed("x:lite", 12, 1.0, 1.0, 1, {"follows": [NAN, *each[1:]], "like_driver": each}))]


def write(path: Path, lines: list[Any], names: list[str] = NAMES) -> None:
    """As ``likeness evaluate -o`` writes it."""
    tables.write_outcome(Outcome("", ABOUT, lines, names), ABOUT, path, [], None)


KINDS = {  # kind → a metric, and who is better where A lies higher
    **{"parts": ("psnr", "A"), "offset": ("error", "B"), "portrait": ("lpips", "B"), "depth": ("depth_error", "B")},
    **{"parsing": ("mean_iou", "A"), "detector": ("nme", "B"), "isegan": ("fsim", "A"), "landmark": ("twitch", "A is higher")},
    "generic": ("follows", "B"),
    "verification": ("accuracy", "A"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: str, likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lies one higher than B on each face: the mean difference is 1, the interval has no width, and the right one is better."""
    for name, shift in (("a", 1.0), ("b", 0.0)):
        write(tmp_path / f"{name}.json", lines_of(kind, shift))
        json.loads((tmp_path / f"{name}.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert likeness("compare", "a.json", "b.json") == 0
    said = capsys.readouterr().out
    metric, best = KINDS[kind]
    row = next(line for line in said.splitlines() if f"{metric} " in line and line.startswith("│"))
    cells = [cell.strip() for cell in row.strip("│ ").split("│")]
    count = 11 if kind in ("offset", "detector", "generic") else 12
    assert cells[0].endswith(metric) and cells[1] == str(count)
    assert cells[-3:-1] == ["+1.0000", "+1.0000 … +1.0000"]
    assert cells[-1].startswith(best)


def test_lines_can_be_chosen(likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "p.json", lines_of("parts", 0))
    write(tmp_path / "e.json", lines_of("portrait", 0))
    assert likeness("compare", "p.json", "p.json", "--method", "ours", "--with", "floor") == 0
    said = capsys.readouterr().out
    assert "A: ours; B: floor" in said and "psnr" in said and "ssim" not in said  # the other line has PSNR alone
    expected = paired_difference(np.array(values(0)), np.array(values(-9)))
    assert f"{expected.low:+.4f} … {expected.high:+.4f}" in said
    assert likeness("compare", "e.json", "e.json", "--method", "ours") == 0
    said = capsys.readouterr().out
    assert "style_a, ours: psnr" in said and "style_b, ours: psnr" in said and "drawing" not in said
    assert likeness("compare", "p.json", "p.json", "--method", "nobody") == 2
    assert capsys.readouterr().err == "likeness: p.json: has no line 'nobody'; there are ours; floor\n"


def test_models_of_other_names(likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lines of two models that were measured are compared, whatever they are called."""
    for name, own, other, shift in (("a", "ours, 8 steps", "dlib", 0), ("b", "ours, 9 steps", "pfld", 1)):
        lines = [{"method": own, "each": {"nme": values(shift)}}, {"method": other, "each": {"nme": values(3)}}]
        write(tmp_path / f"{name}.json", lines)
    assert likeness("compare", "a.json", "b.json") == 0
    said = capsys.readouterr().out
    assert "A: ours, 8 steps; B: ours, 9 steps" in said and "-1.0000 … -1.0000" in said and "dlib" not in said
    assert likeness("compare", "a.json", "b.json", "--method", "dlib") == 2
    assert "b.json: has no line 'dlib'; there are ours, 9 steps; pfld" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*.csv")), ids=lambda path: path.stem)
def test_the_tables_that_are_here(path: Path, likeness: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables by person are compared person by person; tables of means are refused in one line; all are what csv reads."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows}) == 1
    status, said = likeness("compare", path, path), capsys.readouterr()
    if "person" in rows[0]:
        assert status == 0, said.err
        assert "+0.0000 … +0.0000" in said.out
    else:
        assert status == 2
        assert "was measured as a whole" in said.err and said.err.count("\n") == 1


def test_what_is_refused(likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "good.json", lines_of("parts", 0))
    write(tmp_path / "others.json", lines_of("parts", 0), [f"q{i}" for i in range(12)])
    write(tmp_path / "short.json", lines_of("parts", 0), NAMES[:5])
    write(tmp_path / "means.json", [{"method": "ours", "psnr": 3.0}], [])
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    (tmp_path / "list.json").write_text("[1, 2]")
    for name, reason in {
        "others.json": "were not measured on the same faces",
        "short.json": "were not measured on the same faces",
        "means.json": "was measured as a whole",
        "odd.csv": "is not a result",
        "list.json": "is not a result",
        "none.json": "no such file",
    }.items():
        assert likeness("compare", "good.json", name) == 2
        said = capsys.readouterr().err
        assert reason in said and said.count("\n") == 1, said


def test_cells_are_quoted(tmp_path: Path) -> None:
    """Commas, quotes and line ends in a title come back as they were."""
    odd = 'a "frame", warped\nand so on'
    tables.write_csv(tmp_path / "a.csv", [{"method": odd, "psnr": "1.00"}], {**ABOUT, "faces_of": "5 targets, their first"})
    with (tmp_path / "a.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["method"], row["faces_of"], row["psnr"]) == (odd, "5 targets, their first", "1.00")
