"""Every system by two processes with half a batch each, and by one with the whole batch: the same weights, to float noise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import together
import torch
from alike import assert_same, assert_same_state, free_port
from safetensors.torch import load_file

from likeness import systems
from likeness.card import read_card
from likeness.train import distributed

SCRIPT = Path(together.__file__)
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
CASES = together.CASES
NOISE, MORE = 2e-3, 2e-2
"""A distance, as a share of what the weights moved by, that is float noise; and one that is not.

1e-4 is seen: an L1 term's gradient jumps where float noise turns a sign.
"""

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases and the toy, by this process with eight rows and by two of torchrun (gloo) with four."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "two"):
        (folder / name).mkdir()
    together.train_cases(folder / "one", 8, list(CASES))
    together.train_toy(folder / "one", 8, 12)
    words = [*TORCHRUN, "--standalone", "--nproc-per-node=2", str(SCRIPT), str(folder / "two"), "4"]  # a free port
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
    if CASES[name].normed or name == "facefeat, generators frozen":
        assert apart > MORE and f"{CASES[name].system}" in (distributed.__doc__ or "")
    else:
        assert apart < NOISE


def test_what_has_batchnorm_is_tried_as_it_is() -> None:
    """A new system with BatchNorm has to be named, too."""
    for name in systems.SYSTEMS:
        system = systems.row(name).build(systems.recipe(f"{name}:tiny"))
        batchnorm = any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in system.modules())
        assert batchnorm == (f"{name} as it is" in CASES), name


def test_two_halves_equal_one_whole(runs: Path) -> None:
    """2 × 4 against 1 × 8: chance a row, chance a batch, and chance in play; stopped and gone on with."""
    one, early, two = (
        torch.load(runs / name, weights_only=True)["system"] for name in ("one/toy-12.pt", "two/toy-5.pt", "two/toy-12.pt")
    )
    for name, value in one.items():
        assert (value - early[name]).abs().max() > 1e-3 or "bias" in name, f"{name} learned nothing"
        torch.testing.assert_close(two[name], value, atol=2e-6, rtol=0)  # 5e-7 was measured; a step is up to 1e-3
    first, second = (load_file(runs / name / "toy" / "weights.safetensors") for name in ("one", "two"))
    assert first.keys() == second.keys()


def test_a_projected_discriminator_under_two_processes(runs: Path) -> None:
    """Stopped after two steps and gone on with, it ends as the undisturbed run does."""
    whole, parts = (runs / "two" / "projected" / name for name in ("whole", "parts"))
    assert read_card(whole / "weights.safetensors").step == 5
    assert_same(whole / "weights.safetensors", parts / "weights.safetensors")
    assert_same_state(whole, parts)


@pytest.mark.parametrize("rank", [0, 1])
def test_gradients_are_averaged(rank: int, runs: Path) -> None:
    """A process without a gradient counts as 0 where another has one; what no process has stays away."""
    found = torch.load(runs / "two" / f"gradients-{rank}.pt", weights_only=True)
    one, other = found["both"]
    assert found["world"] == 2 and found["moved"] and (one == 1.5).all() and (other == 15).all()
    one, other = found["one"]
    assert found["one moved"] and (one == 0.5).all() and other is None
    assert not found["none moved"] and found["asked"] and not found["not"]


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_with_other_recipes_are_refused(rank: int, runs: Path) -> None:
    """Both end with one line and 2."""
    status, *lines = (runs / "two" / f"differ-{rank}.txt").read_text().splitlines()
    assert status == "2"
    (said,) = [line for line in lines if line.startswith("likeness: ")]
    assert "the processes of this training differ in recipe, data" in said
    assert not list(runs.rglob(f"differ-{rank}/weights.safetensors"))


def test_the_command_on_two_hosts(runs: Path, tmp_path: Path) -> None:
    """``torchrun --nnodes 2 -m likeness.cli``, here two launches that meet at a port: the weights of two processes on one host.

    Both processes stop together and end with 0; one set of weights comes out, and its graph.
    """
    port = free_port()
    meet = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", str(port)]
    words = ["-m", "likeness.cli", *together.COMMAND, "-o", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    hosts = [
        subprocess.Popen(
            [*TORCHRUN, *meet, "--node-rank", str(host), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in range(2)
    ]
    said = [host.communicate(timeout=280)[1] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], said
    assert read_card(tmp_path / "run" / "weights.safetensors").step == 9
    one, two = (load_file(folder / "weights.safetensors") for folder in (runs / "two" / "command", tmp_path / "run"))
    for name, value in one.items():
        assert value.isfinite().all()
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=0)
    assert systems.load(tmp_path / "run").weights.engine == "onnx"
