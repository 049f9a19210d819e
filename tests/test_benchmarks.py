"""The benchmark of scale runs; what it measures is no test's business."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from likeness import provenance

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_making_where_no_weights_ship(tmp_path: Path) -> None:
    """``many`` is measured with random weights of the tiny recipe, and its line says so."""
    scale = benchmark("scale")
    assert scale.weights_of("parts", tmp_path) == ("parts", "parts")
    weights, called = scale.weights_of("facefeat", tmp_path)
    assert called == "facefeat (tiny, random)"
    scale.naive("facefeat", weights, scale.photos(tmp_path, 1), tmp_path / "out")
    (picture,) = (tmp_path / "out").iterdir()
    assert provenance.read(picture) is not None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen on Linux alone")
def test_training_in_every_way() -> None:
    scale = benchmark("scale")
    cores = os.sched_getaffinity(0)
    lines = scale.training(0.05, [], "parts:tiny")
    assert [way for _, way, _, _ in lines] == list(scale.TRAININGS)
    assert all(rate > 0 for _, _, rate, _ in lines) and os.sched_getaffinity(0) == cores


def test_the_share_of_the_peak(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    training = benchmark("training")
    monkeypatch.setitem(training.SIDE, "cpu", 64)
    monkeypatch.setattr(sys, "argv", ["training.py", "parts:tiny", "--seconds", "0.1", "--device", "cpu"])
    training.main()
    said = capsys.readouterr().out
    assert "parts:tiny" in said and "images/s" in said and "TFLOP/s measured in bfloat16" in said
