"""Pixel shuffles as two transpositions: the same numbers, and no operator that moves one number at a time."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from likeness import assets
from likeness.engine.graph import Array
from likeness.export.shuffles import quick_shuffles


def shuffle(channels: int, height: int | str, width: int, r: int, mode: str = "CRD") -> onnx.ModelProto:
    """A model of one DepthToSpace."""
    node = helper.make_node("DepthToSpace", ["x"], ["y"], blocksize=r, mode=mode)
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", channels, height, width])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", None, None, None])
    graph = helper.make_graph([node], "one", [taken], [given])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def made(model: onnx.ModelProto, x: Array) -> Array:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("channels, height, width, r", [(8, 3, 5, 2), (27, 4, 2, 3), (4, 1, 1, 2)])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_numbers(channels: int, height: int, width: int, r: int, batch: int) -> None:
    model, x = shuffle(channels, height, width, r), np.random.default_rng(0).normal(size=(batch, channels, height, width))
    before = made(model, x.astype(np.float32))
    quick_shuffles(model)
    assert "DepthToSpace" not in {node.op_type for node in model.graph.node}
    assert np.array_equal(before, made(model, x.astype(np.float32)))


@pytest.mark.parametrize("model", [shuffle(8, "rows", 5, 2), shuffle(8, 3, 5, 2, "DCR")])
def test_what_stays(model: onnx.ModelProto) -> None:
    """A picture whose size is not known, and the other order of channels."""
    before = model.SerializeToString()
    quick_shuffles(model)
    assert model.SerializeToString() == before


def test_taken_apart() -> None:
    """PyTorch's pixel_unshuffle as it is exported."""
    torch = pytest.importorskip("torch")
    from likeness.engine.graph import Port
    from likeness.engine.torch import Network
    from likeness.export.traced import trace

    ports = (Port("x", ("batch", 3, 8, 12)),), (Port("y", ("batch", 12, 4, 6)),)
    model, x = trace(Network(torch.nn.PixelUnshuffle(2), *ports)), torch.randn(2, 3, 8, 12)
    quick_shuffles(model)
    orders = [list(node.attribute[0].ints) for node in model.graph.node if node.op_type == "Transpose"]
    assert orders == [[0, 2, 1, 3], [0, 2, 1]]
    assert np.array_equal(made(model, x.numpy()), torch.nn.functional.pixel_unshuffle(x, 2).numpy())


def test_what_ships() -> None:
    for path in assets.WEIGHTS.glob("*/*.onnx"):
        assert "DepthToSpace" not in {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}, path
