"""A system's networks by torch.compile, where a recipe says ``compile``."""

from __future__ import annotations

import torch
from torch import nn

from likeness.errors import LikenessError
from likeness.system import System


def compile_networks(system: System) -> None:
    """Compile each network of each player in place; names of weights stay, and what they compute does but for float noise.

    The first steps take minutes, since every network is compiled for each way in which it is used.

    Raises:
        LikenessError: this machine has no compiler that works.
    """
    check(next(system.parameters()).device)
    torch._functorch.config.donated_buffer = False  # a player may go back through a graph that another needs again
    for names in system.players.values():
        for name in names:
            for network in _called(getattr(system, name)):
                network.compile()


def check(device: torch.device) -> None:
    """Refuse where torch.compile does not work.

    Raises:
        LikenessError: with torch's reason, and what to do.
    """
    try:
        torch.compile(_tried)(torch.ones(8, device=device))
    except Exception as problem:  # whatever a missing compiler raises
        first = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
        raise LikenessError(
            f"training.compile=true: torch.compile does not work on this machine ({first.strip()[:150]}); "
            "train with --set training.compile=false"
        ) from None


def _tried(values: torch.Tensor) -> torch.Tensor:
    return values * 2 + 1


def _called(network: nn.Module) -> list[nn.Module]:
    """The modules that are called: of a table of networks, each in it."""
    if isinstance(network, nn.ModuleDict | nn.ModuleList):
        return [inner for child in network.children() for inner in _called(child)]
    return [network]
