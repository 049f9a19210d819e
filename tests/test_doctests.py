"""Every example in a docstring is true, and every metric has one."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "likeness"
MODULES = [
    ".".join(("likeness", *path.relative_to(SOURCE).with_suffix("").parts))
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>>" in path.read_text()
]
NUMBERS = ("diversity", "fsim", "landmark_error", "lpips", "nlda", "pixels", "verification")
SETS = ("bootstrap", "frechet", "groups", "inception", "kid")
METRICS = (*NUMBERS, *SETS)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.failed == 0


def test_every_metric_has_an_example_and_names_its_caveats() -> None:
    assert {f"likeness.evaluate.{name}" for name in METRICS} <= set(MODULES)
    for name in METRICS:
        text = (SOURCE / "evaluate" / f"{name}.py").read_text()
        assert "caveat" in text.lower(), name
