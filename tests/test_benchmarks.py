"""The benchmarks run, and what they make of what they measure is right; how fast a machine is is no test's business."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from likeness import provenance
from likeness.train.precision import multiplies_bfloat16

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_the_naive_loop_makes_what_it_is_asked_for(tmp_path: Path) -> None:
    scale = benchmark("scale")
    use = scale.naive("facefeat", scale.photos(tmp_path, 1), tmp_path / "out")
    (picture,) = (tmp_path / "out").iterdir()
    assert provenance.read(picture) is not None
    if sys.platform == "linux":
        assert use.processor > 0 and 2e7 < use.peak < 4e9 and use.seconds > 0


def test_the_pace_is_what_a_longer_run_takes_more(tmp_path: Path) -> None:
    """Beginning takes 3 s and 1 s of processor, a face .5 s and .2 s: the line says so."""
    scale = benchmark("scale")

    def way(system: str, listed: Path, output: Path) -> object:
        count = len(listed.read_text().split("\n"))
        output.mkdir()
        for number in range(count):
            (output / f"{number}.png").write_bytes(bytes(700))
        return scale.Use(3 + 0.5 * count, 1 + 0.2 * count, 5e6 + count)

    lists = scale.photos(tmp_path, 4), scale.photos(tmp_path, 20)
    one = scale.pace("parts", "pool 1", way, lists, tmp_path)
    assert (one.rate, one.start, one.size, one.peaks) == (2.0, 3.0, 700.0, (5e6 + 4, 5e6 + 20))
    assert one.processor == pytest.approx(0.2)
    two = dataclasses.replace(one, way="pool 2", rate=3.8)
    learned = [scale.Line("parts:lite training", way, rate) for way, rate in (("plain loop", 4.0), ("+ bf16", 9.0))]
    head, *rows = (dict(zip(scale.COLUMNS, row, strict=True)) for row in scale.table([two, one, *learned], "abc"))
    assert list(head) == list(head.values())
    assert [row["ratio"] for row in rows] == ["1.90", "1.00", "1.00", "2.25"]
    assert (
        rows[1]["hours_a_million_extrapolated"] == "138.9"
        and rows[1]["processor_ms"] == "200.0"
        and rows[1]["kb_a_face"] == "0.7"
    )
    assert {rows[3][name] for name in scale.COLUMNS[4:-1]} == {""} and {row["commit"] for row in rows} == {"abc"}


def test_the_plan() -> None:
    """Closed forms: a million faces at 20 a second of each of 2 cores, 25,001 s; where a third is the beginning, that is said."""
    plan = benchmark("plan")
    of = plan.Measured(rate=20.0, efficiency=1.0, begin=1.0, result=30e3, input=50e3)
    words = dict(zip(plan.COLUMNS[:-1], plan.plan(of, 10**6, 1, 2, 1e9), strict=True))
    assert words["hours"] == "6.94" and words["disk_gb"] == "30" and words["photos_a_second"] == "40"
    assert words["store_mb_a_second"] == "3.2" and words["bottleneck"] == "the network: cores" and words["faces"] == "1,000,000"
    assert plan.plan(of, 40, 1, 2, 1e9)[-1] == "beginning"
    assert plan.plan(of, 10**9, 1000, 16, 1e9)[-1] == "the store"


def test_the_plan_is_the_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands in the pages is what the command makes of the table that stands there."""
    plan = benchmark("plan")
    monkeypatch.setattr(sys, "argv", ["plan.py", "--csv", str(tmp_path / "plan.csv")])
    plan.main()
    assert (tmp_path / "plan.csv").read_text() == (FOLDER / "plan.csv").read_text()
    assert "f = " in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen on Linux alone")
def test_training_in_every_way() -> None:
    scale = benchmark("scale")
    cores = os.sched_getaffinity(0)
    lines = scale.training(0.05, [], "parts:tiny")
    assert [line.way for line in lines] == list(scale.TRAININGS)
    assert all(line.rate > 0 for line in lines) and os.sched_getaffinity(0) == cores


def test_the_share_of_the_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = benchmark("training")
    monkeypatch.setitem(training.SIDE, "cpu", 64)
    monkeypatch.setattr(
        sys, "argv", ["training.py", "parts:tiny", "--seconds", "0.1", "--csv", f"{tmp_path}/a.csv", "--device", "cpu"]
    )
    training.main()
    said = capsys.readouterr().out
    kind = "bfloat16" if multiplies_bfloat16(torch.device("cpu")) else "float32"
    assert "parts:tiny" in said and "images/s" in said and f"TFLOP/s measured in {kind}" in said
    with (tmp_path / "a.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert f"{row['images_a_second']} images/s" in said and said.rstrip().endswith(row["share"]) and row["settings"] == kind
