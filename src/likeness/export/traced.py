"""Networks traced as ONNX models; networks of the same structure are traced once."""

from __future__ import annotations

import gc
import hashlib
import io
import logging
import pickle
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch

from likeness.engine.graph import Port
from likeness.engine.torch import Network

EXAMPLE = {"batch": 2}
ELSE = 64
"""The example size of a named dimension that is not the batch."""
known: MutableMapping[str, bytes] = {}
"""Models of this process without the tensors of their weights files, by :func:`structure`: a study trains many networks alike."""


def traced(network: Network) -> Any:
    """The network as an ONNX model whose initializers have the names of its parameters and buffers, but not their values."""
    from onnx import ModelProto

    key = structure(network)
    if key in known:
        return ModelProto.FromString(known[key])
    model = trace(network)
    kept = network.module.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name in kept:
            tensor.ClearField("raw_data")
    if key:
        known[key] = model.SerializeToString()
    return model


def structure(network: Network) -> str:
    """A digest of all that a model depends on: classes, settings, ports, and the shapes of the weights; "" where nobody can tell.

    Tensors that are not in the module's state count by value.
    """
    state = {id(tensor) for tensor in network.module.state_dict(keep_vars=True).values()}

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            if not isinstance(thing, torch.Tensor):
                return None
            value = b"" if id(thing) in state else thing.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
            return str(thing.dtype), tuple(thing.shape), value

    into = io.BytesIO()
    try:
        Pickler(into).dump((network.module.eval(), network.inputs, network.outputs))
    except (pickle.PicklingError, AttributeError, TypeError, RuntimeError):
        return ""
    return hashlib.sha256(into.getvalue()).hexdigest()


def trace(network: Network) -> Any:
    """The network as an ONNX model whose initializers have the names and values of its parameters and buffers.

    Its parameters ask for no gradients from then on: the model is the same to the last byte, and is there sooner.
    """
    from torch.export import Dim

    dims = {size: Dim(size) for port in network.inputs for size in port.shape if isinstance(size, str)}
    shapes = tuple({i: dims[size] for i, size in enumerate(port.shape) if isinstance(size, str)} for port in network.inputs)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), _uncollected():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network.module.eval().requires_grad_(False),
                tuple(_example(port) for port in network.inputs),
                dynamo=True,
                external_data=False,
                optimize=False,
                input_names=[port.name for port in network.inputs],
                output_names=[port.name for port in network.outputs],
                dynamic_shapes=shapes,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    assert program is not None
    return program.model_proto


@contextmanager
def _uncollected() -> Iterator[None]:
    """Tracing makes millions of small objects: looking for garbage among them, again and again, takes part of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _example(port: Port) -> torch.Tensor:
    shape = [EXAMPLE.get(size, ELSE) if isinstance(size, str) else size for size in port.shape]
    chance = torch.rand(shape, generator=torch.Generator().manual_seed(len(port.name)))
    return port.low + (port.high - port.low) * chance
