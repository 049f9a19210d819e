"""A system's networks by torch.compile, where a recipe says ``compile``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from likeness.errors import LikenessError
from likeness.system import System


def compile_networks(system: System, backend: str | Callable[..., Any] = "inductor") -> None:
    """Compile each network of each player in place; names of weights stay, and what they compute does but for float noise.

    The first steps take minutes, since every network is compiled for each way in which it is used: forward and backward, by
    each player, and once more to be looked at. Only what is called as a whole is compiled, not a network's further methods, nor
    a ``Linear`` or ``Sequential`` of torch's that is a network by itself.

    Args:
        system: its networks on the device that trains.
        backend: torch's; ``aot_eager`` does all but write code, and needs no compiler.

    Raises:
        LikenessError: this machine has no compiler that works.
    """
    if backend == "inductor":
        check(next(system.parameters()).device)
    torch._functorch.config.donated_buffer = False  # a player may go back through a graph that another needs again
    for names in system.players.values():
        for name in names:
            for network in _called(getattr(system, name)):
                network.compile(backend=backend)


@contextmanager
def told(compiled: bool) -> Iterator[None]:
    """Within, networks that torch cannot compile end a ``compiled`` training with one line; what was saved stays.

    Raises:
        LikenessError: with torch's reason, and what to do.
    """
    try:
        yield
    except RuntimeError as problem:
        if not compiled or not type(problem).__module__.startswith(("torch._dynamo", "torch._inductor", "torch._functorch")):
            raise
        raise LikenessError(_refusal("torch.compile cannot compile these networks", problem)) from problem


def check(device: torch.device) -> None:
    """Refuse where torch.compile does not work.

    Raises:
        LikenessError: with torch's reason, and what to do.
    """
    try:
        torch.compile(_tried)(torch.ones(8, device=device))
    except Exception as problem:  # whatever a missing compiler raises
        raise LikenessError(_refusal("torch.compile does not work on this machine", problem)) from None


def _refusal(what: str, problem: Exception) -> str:
    """One line, with the first of torch's reason."""
    problem = getattr(problem, "inner_exception", problem)  # the compiler's own, within torch's
    first = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
    return f"training.compile=true: {what} ({first.strip()[:150]}); train with --set training.compile=false"


def _tried(values: torch.Tensor) -> torch.Tensor:
    return values * 2 + 1


def _called(network: nn.Module) -> list[nn.Module]:
    """The modules that are called: of a table of networks, each in it."""
    if isinstance(network, nn.ModuleDict | nn.ModuleList):
        return [inner for child in network.children() for inner in _called(child)]
    return [network]
