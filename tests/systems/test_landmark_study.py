"""LandmarkGAN's tables and figures through the commands: two clips become targets, drive each other, and are measured."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from likeness.data.store import FaceStore
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import read
from likeness.systems.landmark.study import recipes, stores
from likeness.video import Writer

Run = Callable[..., int]


def clip(path: Path, photo: np.ndarray, count: int = 10) -> None:
    """A head that goes to the right."""
    with Writer(path, Fraction(25)) as out:
        for i in range(count):
            frame = np.full((288, 320, 3), 90, np.uint8)
            frame[20:276, 20 + 2 * i : 276 + 2 * i] = photo
            out.add(frame)


def test_what_is_trained() -> None:
    """All targets together, then a pix2pix each, which sees its target's faces twice as often; each its own alone."""
    plans = recipes(["ann", "bob", "cleo"], 128, 600, False)
    assert list(plans) == ["landmark", "pix2pix-ann", "pix2pix-bob", "pix2pix-cleo"]
    ours, theirs = plans["landmark"][1].training, plans["pix2pix-bob"][1].training
    drawn = [sum(phase.steps for phase in plan.phases if "G" in phase.players) * plan.batch for plan in (ours, theirs)]
    assert 2 * drawn[0] == 3 * drawn[1]
    framing, names = Framing(size=64), ["ann", "bob"]
    faces = [replace(face, person=names[i % 2], split="train") for i, face in enumerate(drawn_faces(6, framing))]
    found = stores(FaceStore.of(faces, framing, "drawn"), names)
    assert len(found["landmark"]) == 6 and [len(found[f"pix2pix-{name}"]) for name in names] == [3, 3]
    for face in found["pix2pix-bob"]:
        assert face.person == "bob" and face.pair is not None and 0 < (face.pair.max(-1) > 0).mean() < 0.3


def test_two_clips(
    tmp_path: Path, likeness: Run, instruments: Path, samples: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Prepare targets, study landmark, evaluate landmark, face --edits, reenact --strip."""
    clip(tmp_path / "ada.mp4", read(samples[0]))
    clip(tmp_path / "bo.mp4", read(samples[1]))
    assert likeness("prepare", "targets", "ada.mp4", "bo.mp4", "--size", 64, "-o", "both.parquet") == 0
    assert "faces of 2 targets" in capsys.readouterr().out
    store = FaceStore("both.parquet")
    assert set(store.column("person")) == {"ada", "bo"} and len(store.of_person("bo").select("test")) == 2
    words = ("study", "landmark", "--tiny", "--steps", 8, "--data", "both.parquet", "-o", "s", "--threads", 1)
    assert likeness(*words, "--minutes", 0.0001) == 3 and "goes on" in capsys.readouterr().out
    assert likeness(*words, "--csv", "table.csv") == 0
    rows = {line["method"]: line for line in csv.DictReader((tmp_path / "table.csv").read_text().splitlines())}
    assert next(iter(rows)) == "LandmarkGAN" and "pix2pix, drawn landmarks" in rows and len(rows) == 5
    near, warped = rows["nearest frame"], rows["a frame, warped"]
    assert near["pairs"] == "2" and float(near["id_distance"]) < 0.1 < float(warped["id_distance"])
    assert float(warped["lmk"]) < float(near["lmk"]) and float(warped["ssim"]) > 0.7
    said = json.loads((tmp_path / "s" / "landmark.json").read_text())
    assert said["faces"] == 4 and said["faces_of"] == "2 targets, their first 2 test frames"
    assert read(tmp_path / "s" / "landmark.png").shape[0] > 128
    assert (
        likeness("evaluate", "landmark", "--data", "both.parquet", "--weights", "s/landmark", "--limit", 2, "-o", "e.json") == 0
    )
    said = json.loads((tmp_path / "e.json").read_text())
    assert len(said["lines"]) == 4 and said["names"] == ["ada → bo", "bo → ada"]
    assert all(len(line["each"]["lmk"]) == 2 for line in said["lines"])

    assert likeness("face", samples[0], "--target", "s/landmark", "--edits", "-o", "edits.png") == 0
    assert read(tmp_path / "edits.png").shape[0] > 12 * 128  # four figures of landmarks and both targets
    assert likeness("reenact", "ada.mp4", "--target", "s/landmark", "--name", "bo", "--beside", "--strip", "strip.png") == 0
    strip = read(tmp_path / "strip.png")
    assert strip.shape[0] == 3 * 70 + 6 and strip.shape[1] == 10 * 70 + 6  # driver, landmarks and face; every frame

    shutil.copy(tmp_path / "ada.mp4", tmp_path / "s" / "ada.mp4")
    capsys.readouterr()
    for words, message in (
        (("prepare", "targets", "none.mp4", "-o", "x.parquet"), "no such file"),
        (("prepare", "targets", "ada.mp4", "s/ada.mp4", "-o", "x.parquet"), "two targets are called ada"),
        (("prepare", "targets", "ada.mp4", "-o", "x.json"), ".parquet"),
        (("prepare", "targets", "ada.mp4", "-o", "x.parquet", "--size", 0), "--size 0"),
        (("prepare", "targets", "ada.mp4", "-o", "x.parquet", "--depth"), "unrecognized arguments: --depth"),
        (("prepare", tmp_path, "-o", "x.parquet", "--detector", "luck"), "'luck' finds no faces"),
        (("study", "landmark", "--data", "both.parquet", "-o", "t", "--also", "parts"), "--also"),
        (("face", samples[0], "--target", "s/landmark", "--edits", "--name", "eve", "-o", "f.png"), "there are ada, bo"),
        (("reenact", samples[0], "--target", "s/landmark", "--strip", "x.png"), "--strip"),
    ):
        assert likeness(*words) == 2, words
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
    assert likeness("prepare", "targets", "ada.mp4", "--size", 64, "-o", "one.parquet") == 0
    capsys.readouterr()
    assert likeness("study", "landmark", "--data", "one.parquet", "-o", "u") == 2
    assert "shows 1 people" in capsys.readouterr().err
