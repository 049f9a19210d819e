"""Graphs that compute in int8: ``NAME.int8.onnx`` beside ``NAME.onnx``, over the same weights file.

Convolutions inside the network take inputs and weights as 8-bit numbers (post-training static quantisation: ranges and mean
errors are measured on examples, :mod:`likeness.export.calibration`; weights have one step an output channel). The tensors stay
where they are: such a graph holds steps and biases, and computes its 8-bit weights from the weights file when it is opened. The
first and the last convolutions stay float32, for there an error shows most, and so does what residual blocks add to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from likeness.card import DIGEST, header, read_card
from likeness.engine import Weights
from likeness.engine.graph import Array, Graph
from likeness.engine.onnx import GRAPH_KEY, INT8, PORTS_KEY, UNSEALED, WEIGHTS_KEY, sealed
from likeness.errors import LikenessError
from likeness.export.calibration import KEPT, LEARNED, mean_errors, ranges, weight_steps
from likeness.export.onnx import LARGEST
from likeness.files import write_content

FIRST, LAST = 2, 7
"""How many convolutions at either end of a network stay float32.

Of the parts generator these are all that work on a quarter of the picture's side or more on its way up: with them in 8 bits
identity falls by .001, without by nothing."""
ENDS = 1
"""The same where the network learned in 8-bit numbers."""
SMALLEST = 32
"""A convolution with fewer input channels stays float32: there is nothing to gain."""


class Listener(Graph):
    """A graph that keeps what it is fed."""

    def __init__(self, graph: Graph) -> None:
        self.name, self.inputs, self.outputs, self._graph = graph.name, graph.inputs, graph.outputs, graph
        self.heard: list[dict[str, Array]] = []

    def compute(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """See :class:`likeness.engine.graph.Graph`."""
        self.heard += [{name: value[i : i + 1] for name, value in feeds.items()} for i in range(len(next(iter(feeds.values()))))]
        return self._graph.compute(feeds)


def quantise(weights: Weights, use: Callable[[Weights], object]) -> list[Path]:
    """Write the int8 graphs of weights, with the ranges that their graphs' inputs take in use.

    Args:
        weights: opened by the onnx engine.
        use: makes some pictures with the weights that it is given.

    Returns:
        The graph files; a graph that was not used, or in which int8 would make nothing quicker, has none.

    Raises:
        LikenessError: no graph was used, or onnx is not installed.
    """
    graphs = {name: Listener(graph) for name, graph in weights.graphs.items()}
    use(replace(weights, graphs=graphs))
    if not any(graph.heard for graph in graphs.values()):
        raise LikenessError("none of the pictures can be used: the ranges of the networks' numbers are measured on some")
    written = (export_int8(weights.path, name, graph.heard) for name, graph in graphs.items() if graph.heard)
    return [path for path in written if path]


def export_int8(path: str | Path, name: str, feeds: Sequence[Mapping[str, Array]]) -> Path | None:
    """Write ``NAME.int8.onnx`` beside ``NAME.onnx``; None where no convolution is worth it.

    Args:
        path: ``…/weights.safetensors``; its graph ``name`` stands beside it.
        name: the graph.
        feeds: what the graph was fed in examples, one item a batch; ranges are measured on them.

    Raises:
        LikenessError: no such graph, or onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise LikenessError("graphs are written by onnx: pip install 'likeness[train]'") from None
    path = Path(path)
    source = path.with_name(f"{name}.onnx")
    if not source.is_file():
        raise LikenessError(f"{source}: is not there; write it: likeness export {path.parent}")
    model = onnx.load(str(source))
    notes = {one.key: one.value for one in model.metadata_props}
    pointers = {one.name: one for one in onnx.load(str(source), load_external_data=False).graph.initializer}
    recipes = _folded(model)
    learned = bool(read_card(path).recipe.get("rounded"))
    chosen = _inner(model, ENDS, ENDS) if learned else _inner(model)
    if not chosen:
        return None
    _quantise(model, chosen, feeds, learned)
    _repoint(model, recipes, pointers)
    del model.metadata_props[:]
    onnx.helper.set_model_props(
        model, {**notes, WEIGHTS_KEY: header(path)[DIGEST], PORTS_KEY: notes[PORTS_KEY], GRAPH_KEY: UNSEALED}
    )
    content = sealed(model.SerializeToString())
    if len(content) > LARGEST:
        raise LikenessError(f"{path}: the int8 graph {name} takes {len(content)} bytes; {LARGEST} are allowed")
    return write_content(path.with_name(f"{name}{INT8}.onnx"), content)


def _constants(model: Any) -> tuple[dict[str, Array], dict[str, list[Any]]]:
    """The values that a graph computes from its tensors alone, by name, and the nodes that compute each; they leave the model."""
    from onnx import numpy_helper

    stored = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    values: dict[str, Array] = {name: value.astype(np.float32) for name, value in stored.items() if value.dtype == np.float32}
    chains: dict[str, list[Any]] = {name: [] for name in values}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in stored:
            values[node.output[0]] = stored[node.input[0]].astype(np.float32)
        elif node.op_type == "DequantizeLinear" and node.input[0] in stored:
            rows = stored[node.input[0]]
            step = stored[node.input[1]].reshape(-1, *[1] * (rows.ndim - 1))
            values[node.output[0]] = rows.astype(np.float32) * step.astype(np.float32)
        else:
            continue
        chains[node.output[0]] = [node]
        model.graph.node.remove(node)
    return values, chains


def _folded(model: Any) -> dict[str, tuple[list[Any], Array | None]]:
    """Join every convolution with the normalisation behind it; tensors become float32 initializers.

    Returns:
        For each tensor that stands in the weights file: the nodes that read it there, and what its output channels are multiplied
        with (None: nothing).
    """
    from onnx import numpy_helper

    graph = model.graph
    values, chains = _constants(model)
    recipes: dict[str, tuple[list[Any], Array | None]] = {name: (nodes, None) for name, nodes in chains.items()}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for number, node in enumerate(graph.node):
        node.name = node.name or f"n{number}"
    for node in [one for one in graph.node if one.op_type == "Conv"]:
        after = readers.get(node.output[0], [])
        if len(after) != 1 or after[0].op_type != "BatchNormalization" or len(readers[node.input[1]]) != 1:
            continue
        norm = after[0]
        gain, shift, mean, variance = (values[name].astype(np.float64) for name in norm.input[1:5])
        epsilon = next((one.f for one in norm.attribute if one.name == "epsilon"), 1e-5)
        ratio = gain / np.sqrt(variance + epsilon)
        weight, bias = node.input[1], (values[node.input[2]] if len(node.input) > 2 else 0.0)
        recipes[weight] = (chains[weight], ratio.astype(np.float32))
        values[weight] = (values[weight] * ratio.reshape(-1, 1, 1, 1)).astype(np.float32)
        own = f"{weight}|bias"
        values[own] = (shift + (bias - mean) * ratio).astype(np.float32)
        del node.input[2:]
        node.input.append(own)
        node.output[0] = norm.output[0]
        graph.node.remove(norm)
    used = {name for node in graph.node for name in node.input}
    kept = [one for one in graph.initializer if one.name in used and one.name not in values]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items() if name in used)
    return recipes


def _inner(model: Any, first: int = FIRST, last: int = LAST) -> list[str]:
    """The convolutions that are worth it, without so many at the network's ends."""
    sizes = {one.name: list(one.dims) for one in model.graph.initializer}
    found = [node for node in model.graph.node if node.op_type == "Conv"][first:-last]
    return [node.name for node in found if len(sizes.get(node.input[1], ())) == 4 and sizes[node.input[1]][1] >= SMALLEST]


def _quantise(model: Any, chosen: Sequence[str], feeds: Sequence[Mapping[str, Array]], learned: bool = False) -> None:
    """Let these convolutions compute in 8 bits: their inputs, weights and outputs pass through QuantizeLinear.

    What is added up, such as the stream through residual blocks, stays float32 where the network has not ``learned`` in
    8-bit numbers.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    convolutions = [node for node in graph.node if node.name in chosen]
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def after(node: Any) -> str:
        """A convolution's output, or that of the ReLU that alone reads it."""
        (output,) = node.output
        follow = readers.get(output, [])
        return str(follow[0].output[0]) if len(follow) == 1 and follow[0].op_type == "Relu" else str(output)

    adding = [node.name for node in graph.node if node.op_type == "Add"] if learned else []
    made = {after(node) for node in convolutions} | {str(node.output[0]) for node in graph.node if node.name in adding}
    tensors = list(dict.fromkeys([*(node.input[0] for node in convolutions), *made]))
    known = ranges(model, tensors, feeds, LEARNED if learned else KEPT)
    weights = {node.name: (str(node.input[0]), held[node.input[1]]) for node in convolutions}
    errors = mean_errors(model, weights, known, feeds)

    def tensor(name: str, value: Any) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    pairs: dict[str, list[Any]] = {}
    for name in tensors:
        step, zero = tensor(f"{name}|step", known[name].step), tensor(f"{name}|zero", known[name].zero)
        pairs[name] = [
            helper.make_node("QuantizeLinear", [name, step, zero], [f"{name}|eight"]),
            helper.make_node("DequantizeLinear", [f"{name}|eight", step, zero], [f"{name}|read8"]),
        ]
    nodes = [node for one in graph.input for node in pairs.get(one.name, [])]
    for node in graph.node:
        for number, name in enumerate(node.input):
            if name in made or (name in pairs and (node.name in adding or (node.name in chosen and number == 0))):
                node.input[number] = f"{name}|read8"
        if node.name in chosen:
            (source, weight), bias = weights[node.name], held[node.input[2]] if len(node.input) > 2 else np.float32(0)
            steps, name = weight_steps(weight), node.input[1]
            both = steps * known[source].step
            eight = np.rint(weight / steps.reshape(-1, 1, 1, 1)).astype(np.int8)
            whole = np.rint((bias - errors[node.name]) / both).astype(np.int32)
            tensor(f"{name}_zero_point", np.zeros(len(steps), np.int8))
            places = [tensor(f"{name}_quantized", eight), tensor(f"{name}_scale", steps), f"{name}_zero_point"]
            nodes.append(helper.make_node("DequantizeLinear", places, [f"{name}|weight"], axis=0))
            places = [tensor(f"{name}|whole", whole), tensor(f"{name}|both", both)]
            nodes.append(helper.make_node("DequantizeLinear", places, [f"{name}|bias8"], axis=0))
            node.input[:] = [node.input[0], f"{name}|weight", f"{name}|bias8"]
        nodes += [node, *(other for output in node.output for other in pairs.get(output, []))]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _repoint(model: Any, recipes: Mapping[str, tuple[list[Any], Array | None]], pointers: Mapping[str, Any]) -> None:
    """Let float32 tensors and 8-bit weights be computed from the weights file when the graph is opened."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    before, initializers, seen = [], [], set()
    constant = {one.name for one in graph.initializer}

    def external(name: str) -> None:
        if name not in seen:
            seen.add(name)
            initializers.append(pointers[name])

    for own in graph.initializer:
        name = own.name.removesuffix("_quantized") if own.data_type == TensorProto.INT8 else own.name
        nodes, ratio = recipes.get(name, ([], None))
        if not nodes and not (name in pointers and pointers[name].external_data):
            initializers.append(own)
            continue
        eight, source = own.name != name, name
        for node in nodes:
            for one in node.input:
                external(one)
            source = f"{name}|read"
            before.append(helper.make_node(node.op_type, list(node.input), [source]))
            before[-1].attribute.extend(node.attribute)
        if not nodes and ratio is None:
            external(name)
        elif not nodes:  # its name is that of the product
            source = f"{name}|stored"
            stored = TensorProto()
            stored.CopyFrom(pointers[name])
            stored.name = source
            initializers.append(stored)
        if ratio is not None:
            factor = numpy_helper.from_array(ratio.reshape(-1, 1, 1, 1), f"{name}|ratio")
            initializers.append(factor)
            before.append(helper.make_node("Mul", [source, factor.name], [f"{name}|folded" if eight else name]))
            source = f"{name}|folded"
        if eight:
            before.append(helper.make_node("QuantizeLinear", [source, f"{name}_scale", f"{name}_zero_point"], [own.name], axis=0))
        elif ratio is None and nodes:
            before[-1].output[0] = name
    nodes = [*before, *graph.node]
    zeros = {one.name for one in initializers if not one.external_data and not numpy_helper.to_array(one).any()}
    for node in nodes:  # weights and biases have zero in the middle, which is what a missing third input says
        if node.op_type == "DequantizeLinear" and len(node.input) == 3 and node.input[2] in zeros and node.input[0] in constant:
            del node.input[2]
    used = {name for node in nodes for name in node.input}
    del graph.initializer[:]
    del graph.node[:]
    graph.initializer.extend(one for one in initializers if one.name in used)
    graph.node.extend(nodes)
    del graph.value_info[:]
    for number, node in enumerate(graph.node):
        node.name, node.doc_string = f"n{number}", ""
