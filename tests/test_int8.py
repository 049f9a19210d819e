"""Graphs that compute in int8: small, over the same weights file, near the float32 graph, written by ``likeness export``."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
import torch

from likeness import assets, systems
from likeness.card import STEPS, Card, read_stored
from likeness.checkpoint import read_weights, write_weights
from likeness.cli import main
from likeness.engine import open_weights
from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.export import export
from likeness.export.calibration import WEIGHT, Range, mean_errors, ranges, rounded_weight
from likeness.export.int8 import ENDS, FIRST, LAST, export_int8, quantise
from likeness.export.onnx import LARGEST
from likeness.image import pictures_in
from likeness.recipe import freeze
from likeness.systems.parts.recipes import Networks
from likeness.systems.parts.system import PartsSystem

PARTS = assets.WEIGHTS / "parts"


@pytest.fixture(scope="module")
def canvases() -> Array:
    """What the generator is fed for the samples."""
    system = systems.load("parts")
    return np.stack([system.prepare({"photo": path}).arrays["canvas"] for path in pictures_in(assets.SAMPLES)])


def agreement(weights: Path, canvases: Array) -> float:
    """PSNR between the faces of both graphs, in dB."""
    plain, eight = (open_weights(weights, engine).graphs["generator"](canvas=canvases)["face"] for engine in ("onnx", "int8"))
    assert (plain != eight).any()
    return float(10 * np.log10(4 / np.square(plain - eight).mean()))


def test_what_ships(canvases: Array) -> None:
    assert (PARTS / "generator.int8.onnx").stat().st_size <= LARGEST
    assert agreement(PARTS / "weights.safetensors", canvases) > 44


def painter(folder: Path, learned: bool) -> PartsSystem:
    """Untrained weights of a small parts painter, with their float32 graph; its norms have seen some pictures."""
    networks = Networks("lean", 64, 1, 96, "patch", 8, 2, cover=True)
    recipe = replace(systems.recipe("parts:tiny"), networks=networks, rounded=learned)
    torch.manual_seed(0)
    system = PartsSystem(recipe).train()
    with torch.no_grad():
        for _ in range(60):
            system.generator(torch.rand(4, 4, 64, 64) * 2 - 1)
    state = {name: value for name, value in system.state_dict().items() if name.split(".")[0] in PartsSystem.ships}
    export(write_weights(folder / "weights.safetensors", state, Card("parts", freeze(recipe), 60), "float32"))
    return system


@pytest.mark.parametrize("learned", [False, True])
def test_written_over_the_same_weights(learned: bool, tmp_path: Path) -> None:
    """Its tensors are those of the weights file, its inner convolutions have 8-bit inputs and weights, and it agrees.

    Where the network learned in 8 bits its sums are of 8-bit numbers, too, and training met errors of the same size.
    """
    path, chance = tmp_path / "weights.safetensors", np.random.default_rng(0)
    system = painter(tmp_path, learned)
    feeds = chance.uniform(-1, 1, (12, 1, 4, 64, 64)).astype(np.float32)
    written = export_int8(path, "generator", [{"canvas": one} for one in feeds])
    assert written == tmp_path / "generator.int8.onnx" and written.stat().st_size <= LARGEST
    model = onnx.load(written, load_external_data=False)
    kinds = Counter(node.op_type for node in model.graph.node)
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    eight = [node for node in model.graph.node if node.op_type == "Conv" and made.get(node.input[1]) == "DequantizeLinear"]
    # the stem's has too few channels to be worth it
    assert kinds["Conv"] - len(eight) == (2 * ENDS if learned else FIRST + LAST) and "BatchNormalization" not in kinds
    assert all(made[name] == "DequantizeLinear" for node in eight for name in node.input)
    sums = [node for node in model.graph.node if node.op_type == "Add"]
    assert all(all(made[name] in ("DequantizeLinear", "Reshape") for name in node.input) for node in sums) == learned
    large = [one for one in model.graph.initializer if not one.external_data and np.prod(one.dims) > 2000]
    assert not large
    plain, fast = (open_weights(path, engine).graphs["generator"](canvas=feeds[:, 0])["face"] for engine in ("onnx", "int8"))
    assert 10 * np.log10(np.square(plain).mean() / np.square(plain - fast).mean()) > (20 if learned else 25)
    if learned:
        for norm in (one for one in system.modules() if isinstance(one, torch.nn.BatchNorm2d)):
            norm.eval()
        trained = system.generator(torch.from_numpy(feeds[:, 0])).detach().numpy()
        assert 0.3 < np.square(trained - plain).mean() / np.square(fast - plain).mean() < 3


def test_int8_rows(canvases: Array, tmp_path: Path) -> None:
    """Weights that are kept as int8 rows are read in their own way."""
    card, state = read_weights(PARTS / "weights.safetensors")
    path = write_weights(tmp_path / "weights.safetensors", state, card, "int8")
    assert any(name.endswith(STEPS) for name in read_stored(path)[1])
    export(path)
    assert export_int8(path, "generator", [{"canvas": one[None]} for one in canvases])
    assert agreement(path, canvases) > 44


@pytest.mark.parametrize("engine", ["int8", "auto"])
def test_a_result_says_so(engine: str) -> None:
    made = systems.load("parts", engine=engine, device="cpu")(photo=pictures_in(assets.SAMPLES)[0])
    assert made.made["engine"] == "int8"


def test_auto_without_such_graphs() -> None:
    assert systems.load("portrait", device="cpu").weights.engine == "onnx"


def convolution(kernel: int, weight: Array) -> onnx.ModelProto:
    """A model of one convolution of ``x`` with a weight, without bias."""
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[kernel // 2] * 4)
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None, None, None]) for name in "xy"]
    graph = helper.make_graph([node], "one", ports[:1], ports[1:], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def first(model: onnx.reference.ReferenceEvaluator, x: Array) -> Array:
    """A model's output, by ONNX's own evaluator."""
    return np.asarray(next(iter(model.run(None, {"x": x}))))


def test_a_range() -> None:
    """0 is exact, what lies beyond is clipped, and nothing inside is further off than half a step."""
    one = Range(-1.0, 4.1)
    values = np.linspace(-1, 4.1, 777, dtype=np.float32)
    assert one.step == np.float32(0.02) and one.zero == 50
    assert np.abs(one.rounded(values) - values).max() <= 0.0101
    assert one.rounded(np.array([0, 9, -9], np.float32)).tolist() == pytest.approx([0, 4.1, -1.0])
    assert Range(0.0, 0.0).rounded(np.zeros(1, np.float32)).tolist() == [0.0]


def test_ranges_leave_out_few() -> None:
    """One number of a million does not set a tensor's range; an input's and an inner one's are measured alike."""
    weight = np.full((1, 1, 1, 1), 2, np.float32)
    values = np.random.default_rng(0).uniform(0, 1, (30, 1, 80, 80)).astype(np.float32)
    values[7, 0, 3, 3] = 1000
    found = ranges(convolution(1, weight), ["x", "y"], [{"x": one[None]} for one in values])
    assert found["x"].low == 0 and found["x"].high == pytest.approx(1, abs=0.001)
    assert found["y"].high == pytest.approx(2, abs=0.002)


def test_mean_errors(tmp_path: Path) -> None:
    """With a kernel of 1 × 1 they are the mean difference exactly; of an even picture, that of its inside with 3 × 3."""
    chance = np.random.default_rng(0)
    for kernel, pictures in ((1, chance.normal(size=(4, 5, 6, 6))), (3, np.ones((2, 5, 6, 6)) * chance.normal(size=(5, 1, 1)))):
        weight, known = chance.normal(size=(3, 5, kernel, kernel)).astype(np.float32), Range(-2.0, 2.0)
        feeds = [{"x": one[None].astype(np.float32)} for one in pictures]
        (found,) = mean_errors(convolution(kernel, weight), {"c": ("x", weight)}, {"x": known}, feeds).values()
        run = onnx.reference.ReferenceEvaluator
        plain, eight = run(convolution(kernel, weight)), run(convolution(kernel, rounded_weight(weight)))
        inside = np.s_[:, :, kernel // 2 : 6 - kernel // 2, kernel // 2 : 6 - kernel // 2]
        apart = [first(eight, known.rounded(feed["x"])) - first(plain, feed["x"]) for feed in feeds]
        assert found == pytest.approx(np.mean([one[inside].mean((0, 2, 3)) for one in apart], 0), abs=1e-5)
        assert np.abs(found).max() > 1e-3
    assert np.abs(rounded_weight(weight) / np.abs(weight).max((1, 2, 3), keepdims=True) * WEIGHT).max() == pytest.approx(WEIGHT)


def test_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(LikenessError, match="has no graphs that compute in int8; write them: likeness export"):
        systems.load("portrait", engine="int8")
    with pytest.raises(LikenessError, match="none of the pictures can be used"):
        quantise(open_weights(PARTS / "weights.safetensors", "onnx"), lambda weights: None)
    with pytest.raises(LikenessError, match="is not there; write it"):
        export_int8(PARTS / "weights.safetensors", "other", [])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture without a face is left out; a further export takes the int8 graph away, which is of the old weights."""
    folder, photos = shutil.copytree(PARTS, tmp_path / "parts"), tmp_path / "photos"
    photos.mkdir()
    for path in pictures_in(assets.SAMPLES)[:2]:
        shutil.copy(path, photos)
    (photos / "none.png").write_bytes(b"none")
    assert main(["export", str(folder), "--int8", str(photos)]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == ["generator.onnx", "generator.int8.onnx"]
    assert main(["export", str(folder)]) == 0
    assert not (Path(folder) / "generator.int8.onnx").exists()
