"""What several files of this folder compare runs by, and where processes meet."""

from __future__ import annotations

import socket
from pathlib import Path

import torch
from safetensors.torch import load_file


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def assert_same(one: Path, other: Path) -> None:
    """Weights files, and where both runs have one the whole training state, equal to the last bit."""
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def assert_same_state(one: Path, other: Path) -> None:
    """The whole training state: weights, their mean, and the optimisers."""

    def equal(a: object, b: object, where: str) -> None:
        if isinstance(a, dict):
            assert isinstance(b, dict) and a.keys() == b.keys(), where
            for key in a:
                equal(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, torch.Tensor):
            assert isinstance(b, torch.Tensor) and torch.equal(a, b), where
        elif isinstance(a, list | tuple):
            for i, pair in enumerate(zip(a, b, strict=True)):  # type: ignore[call-overload]
                equal(*pair, f"{where}.{i}")
        else:
            assert a == b, where

    first, second = (torch.load(folder / "state.pt", weights_only=True) for folder in (one, other))
    assert first["optimisers"]["G"]["state"]
    for state in (first, second):
        assert state.pop("spent") > 0  # processor time, the one thing that no two runs share
    equal(first, second, "state")
