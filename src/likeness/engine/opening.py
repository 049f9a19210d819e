"""Weights opened with an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from likeness.card import STEPS, Card, read_stored, restored
from likeness.engine.graph import Array, Graph
from likeness.engine.onnx import OnnxGraph
from likeness.errors import LikenessError

ENGINES = ("auto", "onnx", "torch")


@dataclass(frozen=True)
class Weights:
    """A weights file, opened: its ``card``, its ``graphs`` by name, and the ``digest`` of its tensors."""

    path: Path
    card: Card
    graphs: Mapping[str, Graph]
    digest: str
    engine: str
    stored: Mapping[str, Array] = field(repr=False)

    def tensor(self, name: str) -> Array:
        """One of the tensors, as float32.

        Raises:
            LikenessError: there is none of that name.
        """
        some = {key: value for key, value in self.stored.items() if key in (name, name + STEPS)}
        if name not in some:
            raise LikenessError(f"{self.path}: its tensors do not fit its recipe (first: {name})")
        return restored(some)[name]


def graph_files(path: Path) -> list[Path]:
    """The graph files that stand beside a weights file."""
    return sorted(path.parent.glob("*.onnx"))


def open_weights(
    path: str | Path, engine: str = "auto", device: str = "auto", system: str | None = None, place: str = ""
) -> Weights:
    """Open a weights file and its graphs.

    Args:
        path: ``…/weights.safetensors``.
        engine: ``onnx``, ``torch``, or ``auto``: onnx where graphs stand beside the weights, else torch.
        device: ``auto``, ``cpu``, ``cuda`` …
        system: refuse weights of any other system.
        place: where the torch engine finds the networks, see :func:`likeness.engine.torch.networks_of`.

    Raises:
        LikenessError: no such weights, damaged ones, another system's, or graphs that do not belong to them.
    """
    path = Path(path)
    if engine not in ENGINES:
        raise LikenessError(f"engine {engine!r}: there are {', '.join(ENGINES)}")
    card, stored, digest = read_stored(path)
    if system is not None and card.system != system:
        raise LikenessError(f"{path}: holds weights of {card.system!r}, not of {system!r}")
    files = graph_files(path)
    if engine == "auto":
        engine = "onnx" if files else "torch"
    if engine == "onnx":
        if not files:
            raise LikenessError(f"{path}: has no graphs beside it; write them: likeness export {path.parent}")
        graphs: dict[str, Graph] = {file.stem: OnnxGraph(file, digest, device) for file in files}
        return Weights(path, card, graphs, digest, engine, stored)
    if find_spec("torch") is None:
        raise LikenessError(f"{path}: has no graphs beside it; without torch none can be built: pip install 'likeness[train]'")
    from likeness.engine.torch import open_graphs

    return Weights(path, card, open_graphs(card, restored(stored), str(path), device, place), digest, engine, stored)
