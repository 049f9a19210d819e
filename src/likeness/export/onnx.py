"""ONNX graphs over a weights file: the graph holds operators, the safetensors file beside it holds the tensors.

Each tensor is ONNX *external data*: a file name, an offset and a length. float16 tensors are followed by Cast, int8 rows by
DequantizeLinear, so that the same file serves both engines and a graph takes some tens of kilobytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from likeness.card import DIGEST, STEPS, header, read_stored, restored
from likeness.checkpoint import fill_graphs
from likeness.engine.onnx import GRAPH_KEY, PORTS_KEY, UNSEALED, WEIGHTS_KEY, sealed
from likeness.engine.torch import Network, networks_of
from likeness.errors import LikenessError
from likeness.export.shuffles import quick_shuffles
from likeness.export.traced import traced
from likeness.files import write_content

LARGEST = 150_000
"""Bytes that a graph file has at most."""


def export(path: str | Path, place: str = "") -> list[Path]:
    """Write the graphs of a weights file beside it; graphs of other weights that stand there are replaced.

    Args:
        path: ``…/weights.safetensors``.
        place: where the networks are, see :func:`likeness.engine.torch.networks_of`.

    Returns:
        The graph files.

    Raises:
        LikenessError: no such weights or damaged ones, or onnx is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    except ImportError:
        raise LikenessError("graphs are written by onnx and onnxscript: pip install 'likeness[train]'") from None
    path = Path(path)
    card, stored, _ = read_stored(path)
    networks = networks_of(card, place)
    fill_graphs({name: one.module for name, one in networks.items()}, restored(stored), path)
    places = _places(path)
    written = []
    for name, network in networks.items():
        model = traced(network)
        quick_shuffles(model)
        _without_zero_biases(model, set(places))
        _point(model, places, path.name)
        _strip(model)
        notes = {WEIGHTS_KEY: header(path)[DIGEST], PORTS_KEY: _ports(network), GRAPH_KEY: UNSEALED}
        onnx.helper.set_model_props(model, notes)
        content = sealed(model.SerializeToString())
        if len(content) > LARGEST:
            raise LikenessError(f"{path}: the graph {name} takes {len(content)} bytes; tensors of its own must be in the weights")
        written.append(write_content(path.with_name(f"{name}.onnx"), content))
    for stale in set(path.parent.glob("*.onnx")) - set(written):
        stale.unlink()
    return written


def _ports(network: Network) -> str:
    """The ports of a graph as JSON."""
    return json.dumps({side: [asdict(port) for port in getattr(network, side)] for side in ("inputs", "outputs")})


def _places(path: Path) -> dict[str, tuple[str, list[int], int, int]]:
    """Each tensor of a safetensors file: type, shape, offset in the file and length in bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries = json.loads(file.read(length))
    begin = 8 + length
    entries.pop("__metadata__", None)
    found = {}
    for name, entry in entries.items():
        first, last = entry["data_offsets"]
        found[name] = (entry["dtype"], entry["shape"], begin + first, last - first)
    return found


def _point(model: Any, places: dict[str, tuple[str, list[int], int, int]], file: str) -> None:
    """Let the model's initializers point into the weights file."""
    from onnx import TensorProto, helper

    kinds = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT, "I8": TensorProto.INT8, "I64": TensorProto.INT64}

    def external(name: str, key: str) -> Any:
        kind, shape, offset, length = places[key]
        tensor = TensorProto(name=name, data_type=kinds[kind], dims=shape, data_location=TensorProto.EXTERNAL)
        for word, value in (("location", file), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=word, value=value)
        return tensor

    initializers, before = [], []
    for own in model.graph.initializer:
        name = own.name
        if name not in places:
            initializers.append(own)
            continue
        if places[name][0] == "F32" or places[name][0] == "I64":
            initializers.append(external(name, name))
            continue
        raw = f"{name}|stored"
        initializers.append(external(raw, name))
        if places[name][0] == "I8":
            initializers.append(external(name + STEPS, name + STEPS))
            before.append(helper.make_node("DequantizeLinear", [raw, name + STEPS], [name], axis=0))
        else:
            before.append(helper.make_node("Cast", [raw], [name], to=TensorProto.FLOAT))
    nodes = [*before, *model.graph.node]
    del model.graph.initializer[:]
    del model.graph.node[:]
    model.graph.initializer.extend(initializers)
    model.graph.node.extend(nodes)


def _without_zero_biases(model: Any, stored: set[str]) -> None:
    """Take the computed zeros away that convolutions without a bias are given as one, and what only they were computed from.

    onnxruntime does not see that they are constant, and so cannot join such a convolution with the normalisation and the ReLU
    that follow it. What the weights file has (``stored``, by name) is not looked at.
    """
    from onnx import numpy_helper

    graph = model.graph
    made = {output: node for node in graph.node for output in node.output}
    constants = {one.name: one for one in graph.initializer if one.name not in stored}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.attribute}

    def zero(name: str) -> bool:
        if name in constants:
            return not numpy_helper.to_array(constants[name]).any()
        node = made.get(name)
        return node is not None and node.op_type in ("Expand", "Cast", "CastLike") and zero(node.input[0])

    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[2] in made and zero(node.input[2]):
            del node.input[2]
    while True:
        used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        idle = [node for node in graph.node if not used & set(node.output)]
        if not idle:
            return
        for node in idle:
            graph.node.remove(node)


def _strip(model: Any) -> None:
    """Take out what only tells of the tracing."""
    model.doc_string = model.graph.doc_string = ""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for n, node in enumerate(model.graph.node):
        node.doc_string, node.name = "", f"n{n}"
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        value.doc_string = ""
        del value.metadata_props[:]
