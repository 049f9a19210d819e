"""Several processes as users start them: on two hosts, and when one of them dies or refuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from likeness.card import read_card

SCRIPT = Path(__file__).with_name("together.py")
LONG = '[{"steps":100000,"players":["D1","D2","G1","G2"],"disabled_terms":[]}]'
TRAIN = ["train", "isegan:tiny", "--set", f"training.phases={LONG}", "--set", "training.every=3", "--set", "training.look=100000"]


COMMAND = """
import os, sys
from likeness.cli import main
from likeness.train.session import Session
Session._graphs = staticmethod(lambda weights, module: "not in this test: they take long")
status = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
"""
"""``python -m likeness.cli`` but for the graphs."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def launched(rank: int, port: int, *words: str) -> subprocess.Popen[str]:
    """A process as torchrun starts it, whose exit status and lines are its own."""
    there = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    environment = {**os.environ, **there, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", COMMAND, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def lines(process: subprocess.Popen[str]) -> list[str]:
    """What likeness says at the end; the bar writes lines, too."""
    return [line for line in process.communicate(timeout=250)[1].splitlines() if line.startswith("likeness: ")]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_dies_ends_the_others(victim: int, tmp_path: Path) -> None:
    """The other ends with one line and 2; the same command goes on from the last saved state."""
    run, port = tmp_path / "run", free_port()
    pair = [launched(rank, port, *TRAIN, "-o", str(run)) for rank in range(2)]
    try:
        began = time.monotonic()
        while not (run / "weights.safetensors").is_file():
            assert time.monotonic() - began < 200 and all(process.poll() is None for process in pair)
            time.sleep(0.05)
        pair[victim].send_signal(signal.SIGKILL)
        (said,) = lines(pair[1 - victim])
        assert pair[1 - victim].returncode == 2
        assert "another process of this training has ended" in said and "goes on from the last saved state" in said
    finally:
        for process in pair:
            process.kill()
            process.communicate()
    saved = torch.load(run / "state.pt", weights_only=True)["step"]
    assert saved >= 3
    if victim:
        return  # going on takes as long again, and is the same
    port = free_port()
    again = [launched(rank, port, *TRAIN, "-o", str(run), "--steps", str(saved + 2)) for rank in range(2)]
    assert all(line.startswith("likeness: no graphs") for process in again for line in lines(process))
    assert [process.returncode for process in again] == [0, 0]
    assert read_card(run / "weights.safetensors").step == saved + 2


def test_processes_that_differ_are_refused(tmp_path: Path) -> None:
    """One has another recipe, or no data: both end, each with a line."""
    run, port = tmp_path / "run", free_port()
    pair = [launched(rank, port, *TRAIN, "--set", f"training.seed={1 + rank}", "-o", str(run / str(rank))) for rank in range(2)]
    said = [lines(process) for process in pair]
    assert [process.returncode for process in pair] == [2, 2]
    assert all("the processes of this training differ in recipe, data" in one for (one,) in said)
    port = free_port()
    words = (TRAIN, [*TRAIN, "--data", str(tmp_path / "nowhere.parquet")])
    pair = [launched(rank, port, *words[rank], "-o", str(run / "2")) for rank in range(2)]
    (survivor,), (refused,) = (lines(process) for process in pair)
    assert [process.returncode for process in pair] == [2, 2]
    assert "no such file" in refused and "another process of this training has ended" in survivor


def test_two_hosts(tmp_path: Path) -> None:
    """``torchrun --nnodes 2`` as on two hosts, here two launches that meet at a port: the weights of one process."""
    case = "isegan"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    port = free_port()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    meet = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", str(port)]
    launches = [
        [sys.executable, "-m", "torch.distributed.run", *meet, "--node-rank", str(host), str(SCRIPT), str(tmp_path / "two"), "4"]
        for host in range(2)
    ]
    hosts = [
        subprocess.Popen([*words, case], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for words in launches
    ]
    said = [host.communicate(timeout=280)[1] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], said
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "one"), "8", case], env=environment, check=True, timeout=280)
    one, two = (torch.load(tmp_path / name / f"{case}.pt", weights_only=True)["after"] for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=0)
