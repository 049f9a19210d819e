"""``likeness study portrait`` and ``evaluate portrait``: from a file of faces to tables and sheets, with tiny networks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from likeness.card import read_card
from likeness.data.split import split_of
from likeness.data.store import FaceStore, row, write_rows
from likeness.data.unaligned import unaligned
from likeness.errors import LikenessError
from likeness.evaluate import panel
from likeness.evaluate import portrait as measures
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.effects import EFFECTS
from likeness.faces.labels import coloured
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.recipe import Phase
from likeness.records import Face, Image, Points
from likeness.systems.portrait import report as portrait_report
from likeness.systems.portrait.experiments import MODELS, NEEDED, SNAPSHOTS, recipe_of
from likeness.systems.portrait.figures import wandering
from likeness.systems.portrait.recipes import tiny
from likeness.systems.portrait.system import PortraitSystem
from likeness.train.loop import train

Run = Callable[..., int]
ANN, BOB = [name for name in map("Person_{}".format, range(60)) if split_of(name) != "train"][:2]


class Eye:
    """Stands in for the recogniser where its file is not: the mean colours of a crop's quarters."""

    def embed(self, crops: Sequence[Image]) -> np.ndarray:
        found = np.stack([crop.reshape(2, 56, 2, 56, 3).mean((1, 3)).reshape(-1) for crop in crops]) - 128
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@cache
def usual(size: int) -> Points:
    """Where a drawn face's landmarks stand."""
    return drawn_faces(1, Framing(size=size))[0].landmarks


class Finds:
    """Stands in for dlib: a face in every picture, with the landmarks of a drawn one."""

    name = "drawn"

    def find(self, image: Image) -> list[Face]:
        size = len(image)
        return [Face((0.0, 0.0, float(size), float(size)), usual(size), 1.0)]


class Colours:
    """In place of SqueezeNet."""

    def of_images(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1, 3).mean(1)


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "Recogniser", Eye)
    monkeypatch.setattr(panel, "judging_reader", lambda: FaceReader(Finds()))
    monkeypatch.setattr(panel, "LPIPS", lambda backbone: lambda one, other: (one - other).square().mean((1, 2, 3)))
    monkeypatch.setattr(panel, "SqueezeFeatures", Colours)


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """Two people with 30 photos each, a third with 14; names on the test and validation side, but for Cy."""
    framing = Framing(size=64)
    names = [ANN] * 30 + [BOB] * 30 + ["Cy"] * 14
    pairs = zip(names, drawn_faces(74, framing), strict=True)
    faces = [replace(face, person=name, name=f"{name}/{i}") for i, (name, face) in enumerate(pairs)]
    return write_rows(tmp_path / "drawn.parquet", [row(face, "lfw", 20.0) for face in faces], framing)


def test_how_models_learn() -> None:
    """From nothing all steps at full rates; begun ones half as many, after a tenth in which D catches up."""
    first, second = recipe_of("A", 600), recipe_of("A+B", 600)
    assert first.training.phases == (Phase(600, ("D", "G")),)
    assert second.training.phases == (Phase(30, ("D",)), Phase(300, ("D", "G")))
    assert all(a > b for a, b in zip(first.training.rates, second.training.rates, strict=True))
    assert first.drawing.effects == ("style_a",) and second.drawing.effects == ("style_a", "style_b")
    assert recipe_of("reverse-5", 600).made == "drawing" and recipe_of("bootstrapped-5", 600).drawing.source == "pairs"
    assert recipe_of("eye", 600).drawing.flip and not recipe_of("eye-unmirrored", 600).drawing.flip
    assert [recipe_of(name, 600).drawing.jitter for name in ("A", "A-jitter", "eye", "eye-jitter")] == [0, 15, 0, 15]
    assert recipe_of("A-unaligned", 600).drawing.unaligned == 0.25
    assert recipe_of("eye+nose", 600).drawing.features == ("left_eye", "nose")
    for name, model in MODELS.items():  # as the page says: a model from nothing gets all the steps
        assert model.share == (0.5 if model.parent else 1.0)
        assert recipe_of(name, 600).training.phases[-1].steps == (300 if model.parent else 600)
    assert first.framing.size == 128 and first.width == 32
    with pytest.raises(LikenessError, match="no model"):
        recipe_of("Z", 600)
    with pytest.raises(LikenessError, match="at least 20"):
        recipe_of("A", 3)


def test_a_study(
    drawn: Path, likeness: Run, stand_ins: None, no_graphs: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stops, goes on, trains nothing twice, measures, and is the same for held-out photos whatever was asked before."""
    tiny = ("--steps", "20", "--tiny", "--threads", "1", "--general", "g")
    assert likeness("train", "portrait:tiny", "--steps", "1", "-o", "g", "--threads", "1") == 0
    common = ("--data", drawn, "-o", "s", "--csv", "t", *tiny)
    words = ("study", "portrait", "repair", "identity", *common, "--people", ANN, BOB)
    assert likeness(*words, "--minutes", "0.001") == 3
    assert likeness(*words, "--only-train") == 0
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("weights.safetensors")}
    assert len(stamps) == 2 * 7  # A, from which all begin, and the six of repair
    assert likeness(*words) == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert likeness("study", "portrait", "bootstrap", "reverse", "curve", *common, "--people", ANN) == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    # effects alone needs A-longer, A+B+hand; alignment A-jitter, A-unaligned
    assert len(list((tmp_path / "s" / ANN).rglob("weights.safetensors"))) == len(MODELS) - 4
    with (tmp_path / "t" / "portrait_repair.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6 * 7 and {line["count"] for line in lines} == {"16"}
    said = json.loads((tmp_path / "s" / "repair.json").read_text())
    assert said["names"] == [ANN, BOB] and len({line["title"] for line in said["lines"]}) == len(said["lines"]) == len(lines)
    first = said["lines"][0]
    assert first["absolute"] == pytest.approx(np.mean(first["each"]["absolute"]))
    assert [line["erased"] for line in lines[::7]] == [
        "nothing",
        "left eye",
        "right eye",
        "right eye; the left one measured",
        "nose",
        "left eye",
    ]
    strip = wandering([tmp_path / "s" / ANN / name for name in ("eye", "eye-jitter")])  # figure 2c, d
    assert strip.shape[0] > 2 * 128 and strip.shape[1] > SNAPSHOTS * 128
    with pytest.raises(LikenessError, match="has no sheets"):
        wandering([tmp_path / "s" / ANN / "A"])
    with (tmp_path / "s" / "identity_people.csv").open() as file:
        assert [line["person"] for line in csv.DictReader(file)] == [ANN] * 4 + [BOB] * 4
    for name in ("repair", "bootstrap", "reverse", "identity", "curve"):
        assert read(tmp_path / "s" / f"{name}.png").shape[0] > 64
    assert (tmp_path / "t" / "portrait_curve_plot.png").is_file()
    learned = read_card(tmp_path / "s" / ANN / "scratch-5" / "weights.safetensors").data
    assert "5 train faces" in next(iter(learned.values()))
    made = read_card(tmp_path / "s" / ANN / "bootstrapped-5" / "weights.safetensors").data
    assert "22 train faces" in next(iter(made.values()))  # 5 real pairs and 17 that the helper drew
    with (tmp_path / "t" / "portrait_curve.csv").open() as file:
        assert [line["pairs"] for line in csv.DictReader(file)] == ["5", "10", "20", "22", "5", "10", "20", "22", "0"]
    # without a general model, whose lines are left out; of the models of one's own those that are there are not trained again
    words = ("study", "portrait", "effects", "hand-drawn", "jitter", *common[:-1], "nothing", "--people", ANN)
    assert likeness(*words) == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    with (tmp_path / "s" / "effects.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["model"] for line in lines[:3]] == ["A", "A-longer", "A+B"] and len(lines) == 4 * 6
    assert read(tmp_path / "s" / "jitter-strip.png").shape[1] > 6 * 128  # figure 2c, d: a column a sheet
    with (tmp_path / "s" / "hand-drawn.csv").open() as file:
        assert {line["count"] for line in csv.DictReader(file)} == {"24"}


def test_what_alignment_is_worth(stand_ins: None) -> None:
    """The conclusion's row: models of aligned and of moved photos, each on aligned and on moved held-out photos."""
    framing = Framing(size=64)
    faces = [replace(face, name=f"{ANN}/{i}") for i, face in enumerate(drawn_faces(10, framing))]
    moved = [unaligned(face, 0.25) for face in faces]
    for face, other in zip(faces, moved, strict=True):
        assert np.array_equal(other.image, unaligned(face, 0.25).image) and not np.array_equal(other.image, face.image)
        line = np.polyfit(face.landmarks[:, 0], other.landmarks[:, 0], 1)
        assert 0.6 < line[0] < 1.3  # scaled and turned, not torn
    assert np.array_equal(unaligned(faces[0], 0.0).image, faces[0].image)
    system = PortraitSystem(replace(tiny(), drawing=recipe_of("A-unaligned", 20, True).drawing))
    store = FaceStore.of(faces, framing, "drawn")
    table, kept = system.table(store), next(iter(store))  # encoded by the store, so not to the bit what was drawn
    assert np.array_equal(table["photo"][0].permute(1, 2, 0).numpy(), unaligned(kept, 0.25).image)
    assert np.array_equal(table["landmarks"][0].numpy(), unaligned(kept, 0.25).landmarks)
    models = {name: lambda pictures: np.stack(list(pictures)) for name in NEEDED["alignment"]}
    subject = portrait_report.Subject(ANN, faces[:6], faces[6:], models)
    lines, sheet = portrait_report.EXPERIMENTS["alignment"](measures.Ruler(), [subject], list(models))
    assert [(line["photos"], line["model"]) for line in lines] == [
        (what, name) for what in ("aligned", "not aligned") for name in models
    ]
    assert all(line["score"].count == 4 for line in lines) and sheet.shape[0] > 4 * 128


def test_mistakes(drawn: Path, likeness: Run, stand_ins: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*given: object) -> str:
        capsys.readouterr()
        assert likeness("study", "portrait", *given, "-o", "s", "--tiny") == 2
        return capsys.readouterr().err

    some = ("--data", drawn, "--general", "nothing", "--people")
    fitting, general = tmp_path / "fitting", tmp_path / "general"
    for place, made in ((fitting, "photo"), (general, "drawing")):
        recipe = replace(tiny(), made=made)
        train(
            PortraitSystem(recipe),
            "portrait",
            FaceStore.of(drawn_faces(4, Framing(size=64)), Framing(size=64), "d"),
            place,
            steps=1,
        )
    assert "is not an experiment" in refused("effect", *some, ANN)
    assert "holds 14 photos of 'Cy', 29 are needed" in refused("curve", *some, "Cy")
    assert "holds 0 photos" in refused("effects", *some, ANN, "--source", "ytf")
    assert "does not fit" in refused("effects", "--data", drawn, "--general", general, "--people", ANN)
    assert "of the train people" in refused("effects", "--data", drawn, "--general", fitting, "--people", "Cy")
    assert "holds weights of 'parts'" in refused("effects", "--data", drawn, "--general", "parts", "--people", ANN)
    assert "is a file" in refused("effects", *some, ANN, "--csv", drawn)
    assert "at least two --people" in refused("identity", *some, ANN, ANN)
    assert "no such weights" in refused("effects", "--data", drawn, "--general", "x", "--people", ANN)
    assert "at least 20" in refused("effects", *some, ANN, "--steps", "2")
    assert "positive" in refused("effects", *some, ANN, "--minutes", "nan")
    assert not (tmp_path / "s").exists()


@pytest.fixture
def people(tmp_path: Path) -> list[Path]:
    """Train and test people whose other pictures are depths, and classes."""
    framing, made = Framing(size=64), []
    faces = [replace(face, split="train" if i < 8 else "test") for i, face in enumerate(drawn_faces(12, framing))]
    store = FaceStore.of(faces, framing, "lfw")
    ramp = np.linspace(60, 200, 64).astype(np.uint8)
    depths = [np.repeat(np.tile(np.roll(ramp, i), (64, 1))[..., None], 3, 2) for i in range(12)]
    classes = [coloured((face.image[..., 0] > 128).astype(np.uint8) + np.uint8(i % 2)) for i, face in enumerate(faces)]
    for name, pairs in (("depth", depths), ("classes", classes)):
        paired = [replace(face, pair=pair) for face, pair in zip(store, pairs, strict=True)]
        rows = [row(face, "lfw", 20.0) for face in paired]
        made.append(write_rows(tmp_path / f"{name}.parquet", rows, framing, "labels" if name == "classes" else "depth"))
    return made


def test_evaluating_portraits(
    people: list[Path],
    likeness: Run,
    stand_ins: None,
    no_graphs: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Photos by effect; depth and parsing beside what needs no photo; and refusals."""
    depth, classes = people
    tiny = ("--steps", "2", "--threads", "1")
    assert likeness("train", "portrait:tiny", "--data", depth, "-o", "a", *tiny) == 0
    words = ("evaluate", "portrait", "--photos", "all", "--data")
    assert likeness(*words, depth, "--weights", "a", "--csv", "a.csv", "-o", "a.json", "--sheet", "a.png") == 0
    with (tmp_path / "a.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["effect"] for line in lines[::2]] == [*EFFECTS] and {line["count"] for line in lines} == {"4"}
    assert [line["method"] for line in lines[:2]] == ["ours", "the drawing as it is"]
    said = json.loads((tmp_path / "a.json").read_text())
    assert len(said["names"]) == 4 and all(len(line["each"]["identity"]) == 4 for line in said["lines"])
    assert said["lines"][0]["title"] == f"{next(iter(EFFECTS))}, ours"
    erased = ("--erase", "mouth", "left_eye", "--against", "a", "--csv", "r.csv", "-o", "r.json")
    assert likeness(*words, depth, "--weights", "a", *erased) == 0
    with (tmp_path / "r.csv").open() as file:
        rubbed = list(csv.DictReader(file))
    assert [line["method"] for line in rubbed[:3]] == ["ours", "portrait:tiny", "the drawing as it is"]
    assert rubbed[0]["inside"] == rubbed[1]["inside"] and rubbed[0]["psnr"] != lines[0]["psnr"]
    said = json.loads((tmp_path / "r.json").read_text())
    assert said["erased"] == ["mouth", "left_eye"] and len(said["lines"][0]["each"]["inside"]) == 4
    capsys.readouterr()
    for more, message in (
        (("--erase", "chin"), "cannot be erased"),
        (("--against", "joint"), "is for faces framed"),
        (("--against", "parts"), "not of 'portrait'"),
    ):
        assert likeness(*words, depth, "--weights", "a", *more) == 2
        assert message in capsys.readouterr().err
    assert likeness(*words, depth, "--weights", "a", "--pairs-as-drawings") == 2
    assert "of the kind 'depth'" in capsys.readouterr().err
    maps = (*tiny, "--set", 'made="drawing"', "--set", 'drawing.source="pairs"', "--set", "drawing.light=0")
    assert likeness("train", "portrait:tiny", "--data", depth, "-o", "d", *maps) == 0
    assert likeness(*words, depth, "--weights", "d", "--csv", "d.csv") == 0
    assert likeness(*words, depth, "--weights", "d", "--erase", "mouth") == 2
    with (tmp_path / "d.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines] == ["ours", "the mean picture"] and float(lines[1]["gain"]) == 0
    assert likeness("train", "portrait:tiny", "--data", classes, "-o", "c", *maps) == 0
    assert likeness(*words, classes, "--weights", "c", "--csv", "c.csv", "--sheet", "c.png") == 0
    with (tmp_path / "c.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert lines[1]["method"] == "most frequent class" and 0 < float(lines[1]["mean_iou"]) < 1
    art = tmp_path / "art.parquet"
    faces = [replace(face, pair=255 - face.image) for face in FaceStore(depth)]
    write_rows(art, [row(face, "lfw", 20.0) for face in faces], Framing(size=64), "with")
    assert likeness(*words, art, "--weights", "a", "--pairs-as-drawings", "--csv", "b.csv") == 0
    assert likeness("train", "portrait:tiny", "--data", art, "-o", "e", *maps) == 0
    assert likeness(*words, art, "--weights", "e", "--csv", "e.csv") == 0
    with (tmp_path / "e.csv").open() as file:
        assert float(next(iter(csv.DictReader(file)))["absolute"]) > 0
    capsys.readouterr()
    assert likeness(*words, depth, "--weights", "e") == 2
    assert "of the kind 'depth'" in capsys.readouterr().err
    test_only = tmp_path / "test.parquet"
    write_rows(test_only, [row(face, "lfw", 20.0) for face in faces if face.split == "test"], Framing(size=64), "with")
    assert likeness(*words, test_only, "--weights", "e") == 2
    assert "no train people" in capsys.readouterr().err
    assert likeness(*words, test_only, "--weights", "e", "--trivial-from", art) == 0
    assert likeness(*words, depth, "--weights", "a", "--perturb") == 2  # an option of the parts protocol
    assert likeness(*words, depth, "--weights", "parts") == 2
