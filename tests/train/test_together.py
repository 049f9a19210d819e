"""Every system by two processes with half a batch each, and by one with the whole batch: the same weights, to float noise."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from likeness import systems
from likeness.train import distributed

SCRIPT = Path(__file__).with_name("together.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
NOISE, MORE = 2e-3, 2e-2
"""A distance, as a share of what the weights moved by, that is float noise; and one that is not.

1e-4 is seen: an L1 term's gradient jumps where float noise turns a sign.
"""

_spec = importlib.util.spec_from_file_location("together", SCRIPT)
assert _spec is not None and _spec.loader is not None
together = importlib.util.module_from_spec(_spec)
sys.modules["together"] = together
_spec.loader.exec_module(together)
CASES = together.CASES

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases, by one process with eight rows and by two with four."""
    folder = tmp_path_factory.mktemp("runs")
    for name, launch, rows in (("one", [sys.executable], 8), ("two", TORCHRUN, 4)):
        (folder / name).mkdir()
        words = [*launch, str(SCRIPT), str(folder / name), str(rows)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=280, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr
    return folder


def distance(one: Weights, other: Weights) -> float:
    """ℓ2 over all trained weights."""
    return sum(float((value.double() - other[name].double()).square().sum()) for name, value in one.items()) ** 0.5


def test_every_system_is_tried() -> None:
    assert {case.system for case in CASES.values()} == set(systems.SYSTEMS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_two_processes_equal_one(name: str, runs: Path) -> None:
    """Where no rows meet the weights agree; where they do they differ, and the module names the system."""
    one, two = (torch.load(runs / which / f"{name}.pt", weights_only=True) for which in ("one", "two"))
    assert distance(one["before"], two["before"]) == 0
    moved = distance(one["before"], one["after"])
    assert moved > 1e-4
    apart = distance(one["after"], two["after"]) / moved
    if CASES[name].normed or name == "facefeat, resting":
        assert apart > MORE and f"{CASES[name].system}" in (distributed.__doc__ or "")
    else:
        assert apart < NOISE


def test_what_has_batchnorm_is_tried_as_it_is() -> None:
    """A new system with BatchNorm has to be named, too."""
    for name in systems.SYSTEMS:
        system = systems.row(name).build(systems.recipe(f"{name}:tiny"))
        batchnorm = any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in system.modules())
        assert batchnorm == (f"{name} as it is" in CASES), name
