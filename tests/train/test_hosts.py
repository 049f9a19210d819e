"""Several processes as users start them, when one of them dies or refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from alike import free_port

from likeness.card import read_card

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


def launched(rank: int, port: int, *words: str) -> subprocess.Popen[str]:
    """A process as torchrun starts it, whose exit status and lines are its own."""
    there = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    environment = {**os.environ, **there, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", COMMAND, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def lines(process: subprocess.Popen[str]) -> list[str]:
    """What likeness says at the end; the bar writes lines, too."""
    return [line for line in process.communicate(timeout=250)[1].splitlines() if line.startswith("likeness: ")]


def ended(pair: list[subprocess.Popen[str]], victim: int, reached: Callable[[], bool]) -> None:
    """Kill one process once the training has got somewhere; the other ends with one line and 2."""
    try:
        began = time.monotonic()
        while not reached():
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


def test_a_process_that_dies_ends_the_others(tmp_path: Path) -> None:
    """Whichever of the two it is; in between, the same command goes on from the last saved state."""
    run = tmp_path / "run"
    weights = run / "weights.safetensors"
    saved = 0
    for victim in (0, 1):
        port = free_port()
        pair = [launched(rank, port, *TRAIN, "-o", str(run)) for rank in range(2)]
        ended(pair, victim, lambda: weights.is_file() and read_card(weights).step > saved)  # noqa: B023
        reached = torch.load(run / "state.pt", weights_only=True)["step"]
        assert reached >= saved + 3
        saved = reached


def test_a_process_without_data_ends_the_other(tmp_path: Path) -> None:
    """One has no data: both end, each with a line."""
    port, run = free_port(), str(tmp_path / "run")
    words = (TRAIN, [*TRAIN, "--data", str(tmp_path / "nowhere.parquet")])
    pair = [launched(rank, port, *words[rank], "-o", run) for rank in range(2)]
    (survivor,), (refused,) = (lines(process) for process in pair)
    assert [process.returncode for process in pair] == [2, 2]
    assert "no such file" in refused and "another process of this training has ended" in survivor
