"""Both engines over every weights folder that ships: the same ports, the same numbers, the same pictures, small graph files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness import assets, systems
from likeness.engine import Port, Weights, open_weights
from likeness.engine.onnx import OnnxGraph
from likeness.export.onnx import LARGEST
from likeness.image import from_planes

FOLDERS = sorted(path.parent.name for path in assets.WEIGHTS.glob("*/weights.safetensors") if any(path.parent.glob("*.onnx")))
"""The folders of shipped weights with graphs beside them."""


@pytest.fixture(scope="module", params=FOLDERS)
def shipped_folder(request: pytest.FixtureRequest) -> Path:
    """A folder of shipped weights; a test that takes it runs for each."""
    return assets.WEIGHTS / str(request.param)


@pytest.fixture(scope="module")
def both_engines(shipped_folder: Path) -> tuple[Weights, Weights]:
    """Its weights, opened by onnxruntime and by torch."""
    onnx, torch = (open_weights(shipped_folder / "weights.safetensors", engine) for engine in ("onnx", "torch"))
    return onnx, torch


def chance(port: Port, batch: int, seed: int) -> np.ndarray:
    """Values for a port in its range; named sizes but the batch are 64."""
    shape = [batch if size == "batch" else 64 if isinstance(size, str) else size for size in port.shape]
    return np.random.default_rng(seed).uniform(port.low, port.high, shape).astype(np.float32)


def test_graph_files_are_small_and_complete(shipped_folder: Path, both_engines: tuple[Weights, Weights]) -> None:
    onnx, torch = both_engines
    assert all(path.stat().st_size <= LARGEST for path in shipped_folder.glob("*.onnx"))
    assert set(onnx.graphs) == set(torch.graphs) and (onnx.digest, onnx.card) == (torch.digest, torch.card)
    for name, graph in onnx.graphs.items():
        assert (graph.inputs, graph.outputs) == (torch.graphs[name].inputs, torch.graphs[name].outputs)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_engines_agree(both_engines: tuple[Weights, Weights], batch: int) -> None:
    """To 1e-3 of the half of each port's range, which is [-1, 1] for pictures, and to one step of 255 in a picture."""
    onnx, torch = both_engines
    for name, graph in onnx.graphs.items():
        given = {port.name: chance(port, batch, seed) for seed, port in enumerate(graph.inputs)}
        one, other = graph(**given), torch.graphs[name](**given)
        for port in graph.outputs:
            assert one[port.name].shape == other[port.name].shape and len(one[port.name]) == batch
            apart = float(np.abs(one[port.name] - other[port.name]).max())
            assert apart <= 1e-3 * max((port.high - port.low) / 2, 1), (name, port.name, apart)
            if len(port.shape) == 4 and port.shape[1] == 3:
                steps = np.abs(from_planes(one[port.name]).astype(int) - from_planes(other[port.name]))
                assert steps.max() <= 1, (name, port.name)


def test_small_networks_compute_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sharing out their work costs more than it gains; larger ones take the threads that they may."""
    monkeypatch.setenv("LIKENESS_THREADS", "2")
    for name, count in (("face_detector", 1), ("landmark_detector", 2)):
        (graph,) = open_weights(assets.WEIGHTS / name / "weights.safetensors", "onnx").graphs.values()
        assert isinstance(graph, OnnxGraph) and graph._session.get_session_options().intra_op_num_threads == count


REQUESTS = {
    "parts": {},
    "landmark": {},
    "portrait": {"effect": "pencil", "noise": 3},
    "isegan": {},
    "parser": {},
    "landmark_detector": {},
    "face_detector": {},
    "joint": {"noise": 3},
    "facefeat": {"noise": 3},
}
"""What a request of each system holds beside a picture for its first condition."""


def test_pictures_agree(shipped_folder: Path, samples: list[Path]) -> None:
    """A request of each system by both engines: the same words about it, and pictures within one step of 255, but for
    pixels of a parsing between two classes and a dot's or a square's edge.
    """
    made = []
    for engine in ("onnx", "torch"):
        system = systems.load(shipped_folder, engine=engine)
        word = system.conditions[0].name
        requests = [system.prepare({word: path, **REQUESTS[system.card.system]}) for path in samples[:2]]
        made.append(system.make(requests))
        assert all(result.made["engine"] == engine for result in made[-1])
    for one, other in zip(*made, strict=True):
        assert set(one.intermediates) == set(other.intermediates)
        apart = np.abs(one.picture.astype(int) - other.picture).max(-1)
        assert (apart > 1).mean() < (
            0 if one.made["system"] in ("parts", "portrait", "isegan", "landmark", "joint") else 2e-3
        ) + 1e-9
