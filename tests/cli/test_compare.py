"""Any two outcomes that were measured face by face can be compared, and others are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import likeness
from likeness import cli
from likeness.experiment import Outcome, distinct


def written(path: Path, each: dict[str, list[float]], names: list[str] | None = None, **line: str) -> str:
    """A result file, as the commands write outcomes."""
    count = len(next(iter(each.values()))) if each else 3
    about = {"system": "parts", "recipe": "lite", "step": 1, "faces_of": "lfw test", "faces": count, "instruments": {}}
    outcome = Outcome("a test", about, [line | {"each": each}], names if names is not None else [f"p{i}" for i in range(count)])
    path.write_text(json.dumps(outcome.record()))
    return str(path)


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[str]]:
    assert cli.main(["compare", *words]) == 0
    lines = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_which_way_is_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A is higher by one everywhere: better by PSNR, worse by every distance, and of a metric unknown here simply higher."""
    low = np.random.default_rng(0).random(40)
    names = ("psnr", "lpips_alex", "nme", "id_distance", "mean_iou", "twitch")
    a = written(tmp_path / "a.json", {name: (low + 1).tolist() for name in names}, method="ours")
    b = written(tmp_path / "b.json", {name: low.tolist() for name in names}, effect="hatch", method="ours")
    table = compared(capsys, a, b)
    expected = {"psnr": "A", "lpips_alex": "B", "nme": "B", "id_distance": "B", "mean_iou": "A", "twitch": "A is higher"}
    assert {name: table[name][-1] for name in names} == expected
    assert all(table[name][3] == "+1.0000" for name in names)


def test_faces_that_were_not_found_count_in_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nan = float("nan")
    a = written(tmp_path / "a.json", {"nme": [1.0, nan, 3.0, 4.0, 5.0]}, method="ours")
    b = written(tmp_path / "b.json", {"nme": [2.0, 2.0, nan, 5.0, 6.0]}, method="dlib")
    assert compared(capsys, a, b)["nme"][:4] == ["3", "3.3333", "4.3333", "-1.0000"]


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = written(tmp_path / "a.json", {"psnr": [1.0, 2.0, 3.0]}, method="ours")
    whole = written(tmp_path / "whole.json", {}, recogniser="dlib")
    other = written(tmp_path / "other.json", {"psnr": [1.0, 2.0, 3.0]}, ["x", "y", "z"], method="ours")
    apart = written(tmp_path / "apart.json", {"nme": [1.0, 2.0, 3.0]}, method="ours")
    uneven = written(tmp_path / "uneven.json", {"psnr": [1.0, 2.0]}, ["p0", "p1", "p2"], method="ours")
    (tmp_path / "run.json").write_text(json.dumps({"name": "lite", "training": {}}))
    for second, said in (
        (whole, "dlib was measured as a whole, not face by face"),
        (other, "not measured on the same faces"),
        (apart, "share no metric"),
        (uneven, "psnr was not measured once a face in both"),
        (str(tmp_path / "run.json"), "is not a result of likeness evaluate or likeness study"),
        (str(tmp_path / "none.json"), "no such file"),
    ):
        assert cli.main(["compare", a, second]) == 2
        answer = capsys.readouterr().err
        assert said in answer and answer.count("\n") == 1, answer
    assert cli.main(["compare", a, a, "--method", "theirs"]) == 2
    assert "has no line 'theirs'; there are ours" in capsys.readouterr().err


def test_titles_hold_no_paths() -> None:
    """Models of one recipe are told apart by number: what users call their folders is not published."""
    assert distinct("lite", []) == "lite"
    assert distinct("lite", {"lite": 0}) == "lite (2)"
    assert distinct("lite", ["lite", "lite (2)"]) == "lite (3)"
    for path in sorted((Path(likeness.__file__).parent / "systems").glob("*/*.py")):
        assert "({word})" not in path.read_text(), path
