"""LandmarkGAN's graphs: both engines agree, whatever the targets are called; and what the synthesizer makes of a request."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import likeness as library
from likeness.card import Card
from likeness.checkpoint import write_weights
from likeness.engine import open_weights
from likeness.engine.onnx import OnnxGraph
from likeness.errors import LikenessError
from likeness.export import export
from likeness.faces import moves
from likeness.faces.align import upright
from likeness.faces.points import write_points
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.image import from_planes, read
from likeness.nn.dsnt import expected, heat
from likeness.nn.hourglass import open_landmark_net
from likeness.recipe import freeze
from likeness.systems import weights_path
from likeness.systems.landmark.networks import networks_of, slot
from likeness.systems.landmark.recipes import tiny
from likeness.systems.landmark.synthesis import LandmarkSynthesizer

NAMES = ("Ann Lee", "\u00dcn\u00ef \u4eba/x", 'a"b\\c%22', "training")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of targets with odd names, the first of which has a range, and their graphs."""
    recipe, chance = replace(tiny(), targets=NAMES), torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    networks, some = networks_of(recipe), torch.rand(300, 68, 2, generator=chance)
    networks["ranges"][slot(NAMES[0])].learn(0.5 + 0.05 * torch.randn(80, 68, 2, generator=chance))  # type: ignore[index]
    networks["seen"].learn(some)
    networks["converter"].given.learn(some)  # type: ignore[union-attr]
    folder = tmp_path_factory.mktemp("run")
    export(write_weights(folder / "weights.safetensors", networks.state_dict(), Card("landmark", freeze(recipe), 1)))
    return folder


def agree(weights: Path) -> None:
    first, second = (open_weights(weights, engine) for engine in ("onnx", "torch"))
    assert first.graphs.keys() == second.graphs.keys()
    chance = np.random.default_rng(0)
    for name, graph in first.graphs.items():
        assert isinstance(graph, OnnxGraph) and (weights.parent / f"{name}.onnx").stat().st_size <= 150_000
        for batch in (1, 2, 5):
            landmarks = chance.uniform(0, 1, (batch, 68, 2)).astype(np.float32)
            one, other = graph(landmarks=landmarks), second.graphs[name](landmarks=landmarks)
            for port in graph.outputs:
                assert one[port.name].shape == (batch, *port.shape[1:])
                assert np.abs(one[port.name] - other[port.name]).max() < 1e-3
            if name.startswith("generator"):
                assert np.abs(from_planes(one["face"]).astype(int) - from_planes(other["face"])).max() <= 1


def test_engines_agree(run: Path) -> None:
    """To 1e-3 and one step of 255, in batches of 1, 2 and 5; files are called by number, so any name will do."""
    agree(run / "weights.safetensors")
    expected_names = [f"{kind}-{i}" for kind in ("converter", "generator") for i in range(4)] + ["ood-score"]
    assert sorted(path.stem for path in run.glob("*.onnx")) == expected_names
    assert len({slot(name) for name in (*NAMES, 'a"b\\c%2522', "a%22b%5cc%22")}) == 6


def test_engines_agree_on_what_ships() -> None:
    agree(weights_path("landmark"))


def test_the_range_is_in_the_graph(run: Path) -> None:
    """Where a target has a range its converter keeps to it; where it has none, and of the generic target, nothing changes."""
    far = np.random.default_rng(0).uniform(0, 1, (3, 68, 2)).astype(np.float32)
    graphs = open_weights(run / "weights.safetensors", "onnx").graphs
    bounded, free = graphs["converter-0"](landmarks=far), graphs["converter-1"](landmarks=far)
    assert np.abs(bounded["converted"] - bounded["unbounded"]).max() > 0.05
    assert np.array_equal(free["converted"], free["unbounded"])
    generic = open_weights(weights_path("landmark"), "onnx").graphs["converter-0"](landmarks=far)
    assert np.array_equal(generic["converted"], far) and np.array_equal(generic["unbounded"], far)


def test_a_request(run: Path, samples: list[Path], tmp_path: Path) -> None:
    """Landmarks as an array, a JSON file, a photo or a face that was read before are one; targets are batched each by itself."""
    model = library.load(run, "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    photo = read(samples[0])
    points = FaceReader().face(photo, "ada").landmarks
    write_points(tmp_path / "p.json", points, {})
    ways = (points, points.tolist(), tmp_path / "p.json", samples[0], photo, PhotoFace("ada", photo, points))
    first, *others = model.make([model.prepare({"landmarks": way, "target": NAMES[1]}) for way in ways])
    for other in others:
        assert np.abs(first.picture.astype(int) - other.picture).max() <= 1  # JSON keeps two decimals
    assert first.picture.shape == first.intermediates["landmarks"].shape == (64, 64, 3) and first.intermediates["landmarks"].any()
    assert first.made["conditions"] == {"landmarks": "ndarray", "target": NAMES[1]} and json.dumps(first.made)
    mixed = model.make([model.prepare({"landmarks": points, "target": name}) for name in (NAMES[2], NAMES[1], NAMES[2])])
    assert np.array_equal(mixed[1].picture, first.picture) and np.array_equal(mixed[0].picture, mixed[2].picture)
    assert not np.array_equal(mixed[0].picture, mixed[1].picture)
    with pytest.raises(LikenessError, match="no target"):
        model(landmarks=points, target="nobody")
    with pytest.raises(LikenessError, match="landmarks is needed"):
        model(target=NAMES[0])
    with pytest.raises(LikenessError, match="did you mean 'mouth'"):
        model(landmarks=points, mouht=1)
    with pytest.raises(LikenessError, match="68 finite points"):
        model(landmarks=points[:5])


def test_changes_and_notes(samples: list[Path]) -> None:
    """Changes are those of faces.moves after framing; what is outside of what was learned is noted, with its score."""
    model = library.load("landmark")
    assert isinstance(model, LandmarkSynthesizer)
    points = FaceReader().face(read(samples[0]), "ada").landmarks
    framed = upright(points, model.framing).apply(points)
    wanted = moves.open_mouth(moves.shift(moves.scale(framed, "nose", 1.2), "brows", 0, -0.1), 0.3)
    options = {"mouth": 0.3, "shift": {"brows": (0, -0.1)}, "scale": {"nose": 1.2}}
    assert np.allclose(model.framed({"landmarks": points, **options}), wanted)
    assert np.array_equal(model(landmarks=points, **options).picture, model.draw([wanted])[0])
    assert np.array_equal(moves.changed(framed, roll=5), moves.turn(framed, roll=5))
    assert np.array_equal(model(landmarks=wanted, framed=True).picture, model.draw([wanted])[0])
    near, far = model(landmarks=points), model(landmarks=points, shift={"mouth": (1.2, 0.3)})
    assert not near.notes and near.made["ood_score"] < 1 < far.made["ood_score"]
    assert "outside what this model has seen" in far.notes[0]


def test_the_detector_of_equation_3_is_the_one_that_ships() -> None:
    """The network that is rebuilt for training gives the graph's landmarks."""
    path = weights_path("landmark_detector")
    network, size = open_landmark_net(path)
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 3, size, size)).astype(np.float32)
    found = expected(heat(network(torch.from_numpy(pictures)))).numpy()
    assert np.abs(found - open_weights(path, "onnx").graphs["detector"](picture=pictures)["landmarks"]).max() < 1e-3
    with pytest.raises(LikenessError, match="not of a landmark detector"):
        open_landmark_net(weights_path("parts"))


def test_convolutions_without_a_bias_have_none() -> None:
    """Otherwise onnxruntime does not join them with the normalisation that follows."""
    import onnx

    for name in ("landmark_detector", "face_detector"):
        model = onnx.load(weights_path(name).with_name("detector.onnx"), load_external_data=False)
        made = {output: node.op_type for node in model.graph.node for output in node.output}
        convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
        assert any(len(node.input) == 2 for node in convolutions)
        assert all(made.get(node.input[2]) in (None, "Cast", "DequantizeLinear") for node in convolutions if len(node.input) == 3)


ROOMS = ("nn", "losses", "data", "system", "train", "export", "evaluate", "baselines")
BLOCKED = ("torch", "pyarrow", *(f"likeness.{room}" for room in ROOMS))


def test_commands_need_no_torch(tmp_path: Path, samples: list[Path]) -> None:
    """landmarks, face and reenact run where torch, pyarrow and the learning rooms cannot be imported."""
    code = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
from likeness.cli import main
photo = {str(samples[0])!r}
assert main(["landmarks", photo, "-o", "p.json", "--draw", "p.png"]) == 0
assert main(["face", "p.json", "-o", "f.png", "--sheet", "--mouth", "0.3"]) == 0
assert main(["reenact", photo, "-o", "r.png", "--beside"]) == 0
assert main(["reenact", "in", "-o", "r.mp4"]) == 0
"""
    (tmp_path / "in").mkdir()
    for i in range(2):
        (tmp_path / "in" / f"{i}.png").write_bytes(samples[i].read_bytes())
    pytest.importorskip("av")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "f.png").shape == (128, 256, 3) and (tmp_path / "r.mp4").is_file()
