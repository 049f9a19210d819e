"""The torch engine: the same graphs, built from a system's networks; for runs, for GPUs, and to check the other engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from likeness.card import Card
from likeness.engine.graph import Array, Graph, Port
from likeness.errors import LikenessError

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Network:
    """A graph as a torch module: what is exported, and what the torch engine runs.

    The names of the module's parameters and buffers are those of the weights file; ``module`` takes the inputs in order and gives
    one tensor or a tuple, in order of ``outputs``.
    """

    module: nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


Networks = Callable[[dict[str, Any]], Mapping[str, Network]]
"""A frozen recipe → its graphs by name."""


def networks_of(card: Card, place: str = "") -> Mapping[str, Network]:
    """The graphs of a system's recipe, with fresh networks.

    Args:
        card: names the system and holds its recipe.
        place: the module whose function ``graphs`` makes them; by default ``likeness.systems.<system>.graphs``.

    Raises:
        LikenessError: there is no such module, or torch is not installed.
    """
    module = place or f"likeness.systems.{card.system}.graphs"
    try:
        make: Networks = import_module(module).graphs
    except ModuleNotFoundError as missing:
        if f"{module}.".startswith(f"{missing.name}."):
            raise LikenessError(f"{card.system!r} is not a system with graphs") from None
        raise LikenessError("the torch engine needs torch: pip install 'likeness[train]'") from None
    return make(card.recipe)


def torch_device(device: str) -> torch.device:
    """The torch device of a name; ``auto`` takes CUDA where it is there, else the processor.

    Raises:
        LikenessError: no such device, or this torch cannot use it.
    """
    import torch

    usable = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    try:
        found = torch.device(usable[-1] if device == "auto" else device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError):
        raise LikenessError(f"device {device!r}: torch cannot use it here; there are auto, {', '.join(usable)}") from None
    return found


class TorchGraph(Graph):
    """A network with its weights, on a device, in evaluation mode."""

    def __init__(self, name: str, network: Network, device: str) -> None:
        self.name, self.inputs, self.outputs = name, network.inputs, network.outputs
        self._device = torch_device(device)
        self._module = network.module.eval().to(self._device)

    def compute(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """See :class:`likeness.engine.graph.Graph`."""
        import torch

        with torch.inference_mode():
            made = self._module(*(torch.from_numpy(feeds[port.name]).to(self._device) for port in self.inputs))
        several = made if isinstance(made, tuple) else (made,)
        return [np.asarray(one.float().cpu().numpy()) for one in several]


def open_graphs(card: Card, state: dict[str, Array], path: str, device: str, place: str = "") -> dict[str, Graph]:
    """A card's graphs with the tensors of its weights file (float32).

    Raises:
        LikenessError: the tensors do not fit the recipe, or torch is not installed.
    """
    from likeness.checkpoint import fill_graphs

    networks = networks_of(card, place)
    fill_graphs({name: one.module for name, one in networks.items()}, state, path)
    return {name: TorchGraph(name, one, device) for name, one in networks.items()}
