"""Landmarks as JSON, faces from them, and a target from a clip: real files through the real commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.checkpoint import read_weights
from likeness.errors import LikenessError
from likeness.evaluate.landmark_error import interocular_error
from likeness.faces.align import upright
from likeness.faces.landmarks import eye_distance
from likeness.faces.points import read_points, write_points
from likeness.faces.reader import DlibBackend, FaceReader
from likeness.image import read, write
from likeness.systems.landmark.synthesis import LandmarkSynthesizer
from likeness.video import Writer

Run = Callable[..., int]


def test_points_come_back(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 500, (68, 2)).astype(np.float32)
    write_points(tmp_path / "p.json", points, {"file": "a.jpg"})
    assert np.abs(read_points(tmp_path / "p.json") - points).max() <= 0.01
    for text in ("", "[]", '{"points": 3}', '{"points": [[1, 2]]}', '{"points": [["a", "b"]]}', "[" * 100000):
        (tmp_path / "wrong.json").write_text(text)
        with pytest.raises(LikenessError, match=r"wrong\.json"):
            read_points(tmp_path / "wrong.json")
    (tmp_path / "wrong.json").write_text(json.dumps({"points": [[float("nan"), 1]] * 68}))
    with pytest.raises(LikenessError, match="68 pairs"):
        read_points(tmp_path / "wrong.json")
    with pytest.raises(LikenessError, match="no such file"):
        read_points(tmp_path / "none.json")


def test_landmarks(tmp_path: Path, likeness: Run, samples: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Of a photo, of a folder; changed on the way; drawn; and what is refused."""
    assert likeness("landmarks", samples[0], "-o", "a.json", "--draw", "a.png") == 0
    true = FaceReader().face(read(samples[0]), "ada").landmarks
    found = read_points(tmp_path / "a.json")
    assert np.abs(found - true).max() < 0.01
    about = json.loads((tmp_path / "a.json").read_text())
    assert about["size"] == [256, 256] and about["detector"] == "likeness"
    x, y = true[30].round().astype(int)
    assert read(tmp_path / "a.png")[y, x, 1] > 180
    words = ("--eyes", 0, "--mouth", 0.4, "--shift", "brows=0,-0.1", "--scale", "nose=1.5", "--yaw", 10)
    assert likeness("landmarks", "a.json", "-o", "b.json", *words) == 0
    changed = read_points(tmp_path / "b.json")
    assert changed[66, 1] - changed[62, 1] > 0.3 * eye_distance(changed)
    assert likeness("landmarks", "b.json", "-o", "c.json") == 0
    assert np.abs(read_points(tmp_path / "c.json") - changed).max() < 0.011
    (tmp_path / "in").mkdir()
    shutil.copy(samples[0], tmp_path / "in" / "one.png")
    (tmp_path / "in" / "two.png").write_bytes(b"no picture")
    assert likeness("landmarks", "in", "-o", "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one.json"]
    capsys.readouterr()
    for words, message in (
        (("a.json", "-o", "a.json"), "overwritten"),
        ((samples[0], "-o", "d.png"), "is written as .json"),
        ((samples[0], "-o", "d.json", "--yaw", "nan"), "degrees"),
        (("in", "-o", "in"), "overwritten"),
        ((samples[0], "-o", "d.json", "--shift", "brows=1"), "--shift"),
        ((samples[0], "-o", "d.json", "--scale", "ears=1"), "no part"),
        ((samples[0], "-o", "d.json", "--eyes", 9), "eyes are opened"),
        ((samples[0], "-o", "d.json", "--face", 3), "no face 3"),
        (("a.json", "-o", "d.json", "--draw", "d.png"), "needs one photo"),
        (("in", "-o", "out", "--draw", "d.png"), "needs one photo"),
        ((samples[0], "-o", "d.json", "--draw", samples[0]), "is another file"),
    ):
        assert likeness("landmarks", *words) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1


def test_a_target(tmp_path: Path, likeness: Run, samples: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """From a clip to a target, a face from landmarks and one from a photo; far landmarks are told, not hidden."""
    photo = read(samples[0])
    with Writer(tmp_path / "ada.mp4", Fraction(25)) as out:
        for i in range(14):
            frame = np.full((288, 320, 3), 90, np.uint8)
            frame[20:276, 20 + 2 * i : 276 + 2 * i] = photo
            out.add(frame)
    assert (
        likeness("target", "train", "ada.mp4", "-o", "training", "--recipe", "tiny", "--threads", 1) == 0
    )  # a name of torch's own
    words = ("target", "train", "ada.mp4", "-o", "ada", "--recipe", "tiny", "--threads", 1)
    assert likeness(*words) == 0
    said = capsys.readouterr().out
    assert "faces to learn from" in said and (tmp_path / "ada" / "contact-sheet.png").is_file()
    assert likeness(*words) == 0  # nothing is left to do
    assert likeness("landmarks", samples[0], "-o", "p.json") == 0
    capsys.readouterr()
    assert likeness("face", "p.json", "--target", "ada", "-o", "f.png", "--sheet") == 0
    assert read(tmp_path / "f.png").shape == (64, 128, 3)
    assert likeness("face", samples[0], "--target", "ada", "-o", "g.png", "--own") == 0
    assert read(tmp_path / "g.png").shape == (64, 64, 3)
    capsys.readouterr()
    assert likeness("face", "p.json", "--target", "ada", "-o", "h.png", "--own", "--shift", "mouth=0,1") == 0
    assert "outside what this model has seen" in capsys.readouterr().err
    (tmp_path / "some").mkdir()
    shutil.copy(tmp_path / "p.json", tmp_path / "some" / "x.json")
    shutil.copy(samples[1], tmp_path / "some" / "x.png")
    shutil.copy(samples[1], tmp_path / "some" / "y.png")
    assert likeness("face", "some", "--target", "ada", "-o", "made") == 0
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["x_json.png", "x_png.png", "y.png"]
    kept = (tmp_path / "some" / "y.png").read_bytes()
    assert likeness("face", "some", "--target", "ada", "-o", "some") == 2 and (tmp_path / "some" / "y.png").read_bytes() == kept
    capsys.readouterr()
    for words, message in (
        (("face", "p.json", "--target", "ada", "--name", "bob"), "no target"),
        (("face", "none.json", "--target", "ada"), "no such file"),
        (("face", "p.json", "--target", "parts"), "not of 'landmark'"),
        (("target", "train", "none.mp4", "-o", "x"), "no such file"),
        (("target", "train", "ada.mp4", "-o", "x", "--most", 3), "--most"),
        (("target", "train", "ada.mp4", "-o", "x", "--set", 'targets=["a","b"]'), "called after its folder"),
        (("target", "train", tmp_path / "some", "-o", tmp_path / "some" / "x"), "lies in the folder"),
    ):
        assert likeness(*words) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1


def test_the_generic_face(tmp_path: Path, likeness: Run, samples: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """What ships follows a photo's landmarks, and opens and shuts its mouth, as dlib sees it."""
    assert likeness("landmarks", samples[0], "-o", "p.json") == 0
    points = read_points(tmp_path / "p.json")
    reader = FaceReader(DlibBackend())
    assert likeness("face", "p.json", "-o", "f.png") == 0 and "outside" not in capsys.readouterr().err
    face = read(tmp_path / "f.png")
    system = systems.load("landmark")
    assert isinstance(system, LandmarkSynthesizer) and face.shape == (128, 128, 3)
    wanted = upright(points, system.framing).apply(points)
    assert interocular_error(reader.faces(face)[0].landmarks, wanted) < 10
    gaps = []
    for gap in (0, 0.4):
        assert likeness("face", "p.json", "--mouth", gap, "-o", "m.png") == 0
        seen = reader.faces(read(tmp_path / "m.png"))[0].landmarks
        gaps.append(float(seen[66, 1] - seen[62, 1]) / eye_distance(seen))
    assert gaps[0] < 0.12 < 0.2 < gaps[1]


def test_a_target_begun_from_the_generic_face(
    tmp_path: Path,
    likeness: Run,
    samples: list[Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its Φ rests, its generator moves on; it stops when it is told to, and says how to go on; it needs no instrument."""
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path / "none"))
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "none"))
    photo = read(samples[1])
    (tmp_path / "bo").mkdir()
    for i in range(6):
        write(tmp_path / "bo" / f"{i}.png", photo)
    assert likeness("target", "train", "bo", "-o", "own", "--set", "training.batch=2", "--minutes", 0.05, "--threads", 1) == 0
    said = capsys.readouterr()
    assert "the same command goes on" in said.out and "without the perceptual term" in said.err
    asked = ("bo", "-o", "asked", "--set", "weights.perceptual=2", "--minutes", 0.05)
    assert likeness("target", "train", *asked) == 2 and "VGG-19" in capsys.readouterr().err  # what was asked for is not left out
    own, shipped = read_weights(tmp_path / "own" / "weights.safetensors")[1], read_weights(systems.weights_path("landmark"))[1]
    still = [key for key in own if key.startswith("converter.encoder.")]
    assert still and all(torch.allclose(own[key], shipped[key], atol=2e-3) for key in still)
