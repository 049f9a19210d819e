"""Graphs that compute in int8: small, over the same weights file, near the float32 graph, written by ``likeness export``."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from likeness import assets, systems
from likeness.card import STEPS, read_stored
from likeness.cli import main
from likeness.engine import open_weights
from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.export.int8 import export_int8, quantise
from likeness.export.onnx import LARGEST
from likeness.image import pictures_in

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
    assert agreement(PARTS / "weights.safetensors", canvases) > 36


def test_written_over_the_same_weights(canvases: Array, tmp_path: Path) -> None:
    """Its tensors are those of the weights file, its inner convolutions have 8-bit inputs and weights, and it agrees."""
    folder = Path(shutil.copytree(PARTS, tmp_path / "parts"))
    path = folder / "weights.safetensors"
    (folder / "generator.int8.onnx").unlink()
    written = export_int8(path, "generator", [{"canvas": one[None]} for one in canvases])
    assert written == folder / "generator.int8.onnx" and written.stat().st_size <= LARGEST
    model = onnx.load(written, load_external_data=False)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["Conv"] - 5 <= kinds["QuantizeLinear"] // 2 and "BatchNormalization" not in kinds
    large = [one for one in model.graph.initializer if not one.external_data and np.prod(one.dims) > 2000]
    assert not large
    assert agreement(path, canvases) > 36


def test_int8_rows(canvases: Array, tmp_path: Path) -> None:
    """Weights that are kept as int8 rows are read in their own way."""
    from likeness.checkpoint import read_weights, write_weights
    from likeness.export import export

    card, state = read_weights(PARTS / "weights.safetensors")
    path = write_weights(tmp_path / "weights.safetensors", state, card, "int8")
    assert any(name.endswith(STEPS) for name in read_stored(path)[1])
    export(path)
    assert export_int8(path, "generator", [{"canvas": one[None]} for one in canvases])
    assert agreement(path, canvases) > 36


def test_a_result_says_so() -> None:
    made = systems.load("parts", engine="int8")(photo=pictures_in(assets.SAMPLES)[0])
    assert made.made["engine"] == "int8"


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
