"""The measures of sketch → photo: perfect pictures score perfectly, worse ones worse; the commands that print them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from likeness.data.store import FaceStore
from likeness.evaluate.sketches import Judge, grey
from likeness.faces.cufs import FRAMING
from likeness.faces.drawing import drawn_faces
from likeness.image import read
from likeness.systems.isegan.recipes import tiny
from likeness.systems.isegan.system import ISEGANSystem
from likeness.train.loop import train

Run = Callable[..., int]


def test_grey() -> None:
    """White is 255, pure green 0.587 of it; a picture is a row."""
    pictures = np.zeros((2, 2, 3, 3), np.uint8)
    pictures[0] = 255
    pictures[1, 0, 0, 1] = 255
    assert grey(pictures).shape == (2, 6)
    assert np.allclose(grey(pictures)[0], 255) and grey(pictures)[1, 0] == pytest.approx(0.587 * 255)


def test_perfect_and_worse(instruments: Path, samples: list[Path]) -> None:
    photos = np.stack([np.asarray(Pillow.fromarray(read(path)).resize((200, 250))) for path in samples])
    judge = Judge(photos)
    best = judge.score("the photos", photos)
    assert best.fsim == pytest.approx(1, abs=1e-6) and best.lpips["lpips_squeeze"] == pytest.approx(0, abs=1e-6)
    assert best.nlda == 100 and best.judged["identity"] == pytest.approx(1, abs=1e-4) and best.undetected == 0
    assert best.judged["frechet_squeezenet"] == pytest.approx(0, abs=1e-2) and best.judged["dlib_distance"] == 0
    chance = np.random.default_rng(0)
    noisy = np.clip(photos + chance.normal(0, 40, photos.shape), 0, 255).astype(np.uint8)
    worse = judge.score("noisy", noisy)
    assert worse.fsim < 0.95 and worse.lpips["lpips_squeeze"] > 0.1
    assert worse.judged["identity"] < 0.95 and worse.judged["frechet_squeezenet"] > 1 and worse.judged["dlib_distance"] > 0.1
    blank = judge.score("blank", np.full_like(photos, 128) + chance.integers(0, 2, photos.shape).astype(np.uint8))
    assert blank.undetected == len(photos) and blank.judged["identity"] == 0
    assert np.isnan(blank.judged["frechet_mobilefacenet_b"]) and blank.line()["frechet_mobilefacenet_b"] == "-"
    assert list(best.line())[:4] == ["method", "count", "fsim", "lpips_squeeze"]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Drawn faces with parsings, six to learn from, six to test on."""
    framing = replace(FRAMING, size=64)
    store = FaceStore.of(drawn_faces(12, framing, paired=True), framing, "cufs", "labels")
    path = tmp_path / "c.parquet"
    pq.write_table(store.with_sides(["train"] * 6 + ["test"] * 6).table, path)
    return path


def test_the_tables(
    prepared: Path, instruments: Path, no_graphs: None, tmp_path: Path, likeness: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything trained for two steps, stopped, gone on with, and measured on one footing; then one model by itself."""
    words = ("study", "isegan", "--data", prepared, "--source", "cufs", "--steps", 2, "--tiny", "-o", "out", "--threads", 1)
    for extra in (("--only", "scagan"), ("--only", "full", "stylegan")):
        assert likeness(*words, *extra) == 2
    assert likeness(*words, "--also", "parts") == 2 and not (tmp_path / "out").exists()  # told before anything is trained
    assert likeness(*words, "--minutes", 0.0001) == 3 and not (tmp_path / "out" / "isegan.csv").exists()
    assert likeness(*words, "--csv", "too.csv") == 0 and (tmp_path / "too.csv").is_file()
    with (tmp_path / "out" / "isegan.csv").open() as file:
        lines = {line["method"]: line for line in csv.DictReader(file)}
    assert list(lines) == [
        "ISEGAN, stage I",
        "ISEGAN",
        "SCA-GAN",
        "pix2pix",
        "Base",
        "Base + L_per",
        "Base + L_per + L_cmp",
        "Base + L_per + L_cmp + L_PM",
        "DualGAN",
        "CycleGAN",
        "the mean picture",
        "what was given",
    ]
    assert all(line["count"] == "6" and 0 < float(line["fsim"]) < 1 for line in lines.values())
    assert (tmp_path / "out" / "isegan.png").is_file()
    before = (tmp_path / "out" / "base" / "weights.safetensors").stat().st_mtime_ns
    assert likeness(*words, "--only-train") == 0
    assert (tmp_path / "out" / "base" / "weights.safetensors").stat().st_mtime_ns == before
    capsys.readouterr()
    run = tmp_path / "out" / "full"
    asked = ("evaluate", "isegan", "--data", prepared, "--source", "cufs", "--weights", run)
    assert likeness(*asked, "--against", tmp_path / "out" / "cyclegan", "--csv", "t.csv", "--sheet", "t.png") == 0
    assert "cyclegan:tiny" in (tmp_path / "t.csv").read_text()
    other = tmp_path / "other"
    store = FaceStore(prepared)
    train(ISEGANSystem(replace(tiny(), made="sketch")), "isegan", store, other, steps=1)
    assert likeness(*asked[:-1], other) == 0  # sketches against sketches
    capsys.readouterr()
    for extra, message in (
        (("--against", other), "makes a sketch each"),
        (("--perturb",), "unrecognized arguments: --perturb"),
        (("--against", "parts"), "holds weights of 'parts'"),
        (("--against", "portrait"), "is for faces framed"),
        (("--weights", tmp_path / "out" / "cyclegan"), "not of 'isegan'"),
        (("--source", "nowhere"), "holds no test people"),
    ):
        assert likeness(*asked, *extra) == 2
        assert message in capsys.readouterr().err
