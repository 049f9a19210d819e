"""Weights opened with an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from likeness.card import STEPS, Card, read_stored, restored
from likeness.engine.graph import Array, Graph
from likeness.engine.onnx import INT8, PROVIDERS, SMALL, OnnxGraph, provider
from likeness.errors import LikenessError

ENGINES = ("auto", "onnx", "int8", "torch")


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


def graph_files(path: Path, int8: bool = False) -> list[Path]:
    """The graph files that stand beside a weights file, one a graph; with ``int8`` those that compute in int8 where there are."""
    files = {file.stem: file for file in sorted(path.parent.glob("*.onnx"))}
    plain = {name: file for name, file in files.items() if not name.endswith(INT8)}
    return [files.get(name + INT8, file) if int8 else file for name, file in plain.items()]


def open_weights(
    path: str | Path, engine: str = "auto", device: str = "auto", system: str | None = None, place: str = ""
) -> Weights:
    """Open a weights file and its graphs.

    Args:
        path: ``…/weights.safetensors``.
        engine: ``onnx``, ``torch``, ``int8`` or ``auto``. ``int8`` is onnx with 8-bit arithmetic where there are graphs for it
            (:mod:`likeness.export.int8`): on a processor quicker, and pictures differ a little. ``auto`` is torch where no graphs
            stand beside the weights, int8 where there are such graphs and a processor computes, else onnx.
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
    eight = graph_files(path, int8=True)
    if engine == "int8" and eight == files:
        raise LikenessError(
            f"{path}: has no graphs that compute in int8; write them: likeness export {path.parent} --int8 FOLDER"
        )
    if engine == "auto":
        engine = "torch" if not files else "int8" if eight != files and provider(device) == [PROVIDERS["cpu"]] else "onnx"
    if engine in ("onnx", "int8"):
        if not files:
            raise LikenessError(f"{path}: has no graphs beside it; write them: likeness export {path.parent}")
        used = eight if engine == "int8" else files
        small = path.stat().st_size <= SMALL
        graphs: dict[str, Graph] = {file.stem.removesuffix(INT8): OnnxGraph(file, digest, device, small) for file in used}
        return Weights(path, card, graphs, digest, engine, stored)
    if find_spec("torch") is None:
        raise LikenessError(f"{path}: has no graphs beside it; without torch none can be built: pip install 'likeness[train]'")
    from likeness.engine.torch import open_graphs

    return Weights(path, card, open_graphs(card, restored(stored), str(path), device, place), digest, engine, stored)
