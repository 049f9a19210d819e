"""Graphs beside their weights: small, sealed to them, written by ``likeness export``, and equal to the torch engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from likeness import assets, checkpoint, systems
from likeness.card import DIGEST, STORES, header, storage
from likeness.checkpoint import read_weights, write_weights
from likeness.engine import open_weights
from likeness.engine.graph import in_batches
from likeness.engine.onnx import GRAPH_KEY, PORTS_KEY, WEIGHTS_KEY, check_sealed, provider
from likeness.errors import LikenessError
from likeness.export import export
from likeness.export.onnx import LARGEST
from likeness.image import from_planes

SHIPPED = sorted(assets.WEIGHTS.glob("*/*.onnx"))


@pytest.fixture(scope="module")
def run(tiny_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of a short training, its weights in float16, its graphs written."""
    return Path(shutil.copytree(tiny_run("parts"), tmp_path_factory.mktemp("runs") / "tiny"))


@pytest.fixture(scope="module", params=STORES)
def stored(request: pytest.FixtureRequest, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with its weights kept in each of the ways; int8 from small tensors on, since there are no large ones."""
    if request.param == "float16":
        return run
    folder = tmp_path_factory.mktemp(request.param)
    card, state = read_weights(run / "weights.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "LARGE", 256)
        path = write_weights(folder / "weights.safetensors", state, card, request.param)
    assert storage(path) == request.param
    assert export(path) == [folder / "generator.onnx"]
    return folder


def notes_of(path: Path) -> dict[str, str]:
    model = onnx.load(path, load_external_data=False)
    return {one.key: one.value for one in model.metadata_props}


def canvas(count: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 4, size, size)).astype(np.float32)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_graphs(path: Path) -> None:
    """They are small, hold no weights, know whose they are, and point at nothing but the file beside them."""
    assert path.stat().st_size <= LARGEST == 150_000
    notes = notes_of(path)
    digest = header(path.with_name("weights.safetensors"))[DIGEST]
    assert notes.keys() == {WEIGHTS_KEY, PORTS_KEY, GRAPH_KEY} and notes[WEIGHTS_KEY] == digest
    check_sealed(path, digest)
    ports = json.loads(notes[PORTS_KEY])
    assert all(one["shape"][0] == "batch" for side in ("inputs", "outputs") for one in ports[side])
    model = onnx.load(path, load_external_data=False)
    assert not model.doc_string and not model.graph.doc_string and not model.functions
    places = [entry for one in model.graph.initializer for entry in one.external_data if entry.key == "location"]
    assert places or path.stem == "converter-0"  # the generic target's converter is the identity
    assert {entry.value for entry in places} <= {"weights.safetensors"}
    assert str(path.parents[3]) not in path.read_bytes().decode("latin-1")  # no path of the machine that made it


def test_export_of_a_run(run: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes what is missing, again the same bytes, and takes away graphs that are no longer any."""
    graph = run / "generator.onnx"
    first = graph.read_bytes()
    graph.unlink()
    (run / "old.onnx").write_bytes(first)
    assert likeness("export", run) == 0
    assert capsys.readouterr().out.splitlines() == [str(graph)]
    assert graph.read_bytes() == first
    assert [path.name for path in run.glob("*.onnx")] == ["generator.onnx"]
    assert open_weights(run / "weights.safetensors").engine == "onnx"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_both_engines_agree(stored: Path, count: int) -> None:
    """To 1e-3 in [-1, 1], and to one step of 255 in the picture."""
    path = stored / "weights.safetensors"
    one, other = (open_weights(path, engine).graphs["generator"] for engine in ("onnx", "torch"))
    assert [port.shape for port in one.inputs] == [port.shape for port in other.inputs] == [("batch", 4, 64, 64)]
    z = canvas(count, 64)
    first, second = one(canvas=z)["face"], other(canvas=z)["face"]
    assert first.shape == (count, 3, 64, 64) and first.dtype == np.float32
    assert first.std() > 0.01
    np.testing.assert_allclose(first, second, atol=1e-3)
    assert np.abs(from_planes(first).astype(int) - from_planes(second)).max() <= 1
    np.testing.assert_allclose(in_batches(one, 2, canvas=z)["face"], first, atol=1e-5)


def test_a_run_is_used_without_torch(run: Path, likeness: Callable[..., int], samples: list[Path], tmp_path: Path) -> None:
    result = systems.load(run)(photo=samples[0])
    assert (result.picture.shape, result.made["engine"]) == ((64, 64, 3), "onnx")
    assert likeness("parts", samples[0], "--weights", run, "-o", tmp_path / "a.png") == 0


def test_new_weights_take_old_graphs_away(run: Path, tmp_path: Path) -> None:
    """So that no graph of an earlier step stands beside the weights of a later one."""
    from likeness.train.run import RunDirectory

    (tmp_path / "old.onnx").write_bytes(b"x")
    card, state = read_weights(run / "weights.safetensors")
    RunDirectory(tmp_path, {}).write_weights(state, card)
    assert not list(tmp_path.glob("*.onnx"))
    assert open_weights(tmp_path / "weights.safetensors").engine == "torch"


def line_of(folder: Path, engine: str = "auto", device: str = "auto") -> str:
    with pytest.raises(LikenessError) as told:
        open_weights(folder / "weights.safetensors", engine, device)
    line = str(told.value)
    assert "\n" not in line and len(line) < 600
    return line


def test_swapped_and_damaged_graphs_and_weights(run: Path, stored: Path, tmp_path: Path) -> None:
    for name in ("weights.safetensors", "generator.onnx"):
        shutil.copy(run / name, tmp_path)
    if stored != run:
        shutil.copy(stored / "generator.onnx", tmp_path)
        assert "belongs to other weights" in line_of(tmp_path) and "likeness export" in line_of(tmp_path)
    shutil.copy(assets.WEIGHTS / "parts" / "generator.onnx", tmp_path)
    assert "belongs to other weights" in line_of(tmp_path)
    whole = (run / "generator.onnx").read_bytes()
    for damaged in (whole[:-1], whole[:2000], b"", whole.replace(b"Conv", b"Gemm", 1), whole.replace(b"batch", b"bitch")):
        assert damaged != whole
        (tmp_path / "generator.onnx").write_bytes(damaged)
        assert "generator.onnx: is damaged" in line_of(tmp_path)
    (tmp_path / "generator.onnx").write_bytes(whole)
    weights = (run / "weights.safetensors").read_bytes()
    for damaged in (weights[:-1], weights[:-2] + bytes([weights[-2] ^ 1, weights[-1]])):
        (tmp_path / "weights.safetensors").write_bytes(damaged)
        assert "damaged" in line_of(tmp_path)
        assert "damaged" in line_of(tmp_path, "torch")


def test_engines_and_devices_that_are_not_there(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "there are auto, onnx, int8, torch" in line_of(run, "tensorflow")
    for engine in ("onnx", "torch"):
        for device in ("nonsense", "", "cpu:x", "cuda:-1", "coreml"):
            assert line_of(run, engine, device).startswith(f"device {device!r}: ")
    if "CUDAExecutionProvider" not in __import__("onnxruntime").get_available_providers():
        assert "this onnxruntime has no provider for it; it has cpu" in line_of(run, "onnx", "cuda")
    assert provider("cpu") == ["CPUExecutionProvider"] and provider("auto")[-1] == "CPUExecutionProvider"
    shutil.copy(run / "weights.safetensors", tmp_path)
    assert line_of(tmp_path, "onnx").endswith(f"has no graphs beside it; write them: likeness export {tmp_path}")
    monkeypatch.setattr("likeness.engine.opening.find_spec", lambda name: None)
    assert "pip install 'likeness[train]'" in line_of(tmp_path)


def test_what_cannot_be_exported(
    run: Path, likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    card, state = read_weights(run / "weights.safetensors")
    write_weights(tmp_path / "odd" / "weights.safetensors", state, replace(card, system="odd"))
    write_weights(tmp_path / "few" / "weights.safetensors", dict(list(state.items())[1:]), card)
    write_weights(tmp_path / "more" / "weights.safetensors", {**state, "more": next(iter(state.values()))}, card)
    write_weights(tmp_path / "other" / "weights.safetensors", state, replace(card, recipe={**card.recipe, "crop": "x"}))
    for folder, said in (
        ("odd", "is neither a system nor a baseline"),
        ("few", "do not fit"),
        ("more", "do not fit"),
        ("other", "crop"),
        ("none", "no such"),
    ):
        assert likeness("export", tmp_path / folder) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not list(tmp_path.rglob("*.onnx"))
