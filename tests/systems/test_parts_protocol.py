"""The parts protocol: what it counts, on made features; and the real thing where the instruments are."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from likeness import assets
from likeness.baselines.trivial import NearestFace, PastedOnMean
from likeness.data.store import FaceStore
from likeness.evaluate import panel
from likeness.faces.align import Framing
from likeness.faces.average import average_face
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.image import read, to_images, to_tensor
from likeness.records import AlignedFace, Image
from likeness.systems.parts import protocol
from likeness.systems.parts.synthesis import PartsSynthesizer

SIZE = 128
ANCHORS = torch.tensor([[64.7, 95.7], [45.3, 51.8], [82.6, 51.8], [63.8, 73.0], [64.0, 97.2]])


class ColourRecogniser:
    """Stands in for a recogniser: the mean colour, as a unit vector."""

    def embed(self, crops: list[Image]) -> np.ndarray:
        found = np.stack([crop.reshape(-1, 3).mean(0) for crop in crops])
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class ColourFeatures:
    def of_images(self, images: Image) -> np.ndarray:
        return images.reshape(len(images), -1, 3).mean(1)


@pytest.fixture
def made_instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "Recogniser", ColourRecogniser)
    monkeypatch.setattr(panel, "SqueezeFeatures", ColourFeatures)


@pytest.fixture(scope="module")
def store() -> FaceStore:
    """The sample faces, aligned, as test people."""
    from likeness import assets
    from likeness.image import pictures_in

    reader, framing = FaceReader(), Framing()
    faces = []
    for path in pictures_in(assets.SAMPLES):
        image, landmarks, _ = reader.aligned(read(path), path.name, framing)
        faces.append(AlignedFace(image, landmarks, path.stem, path.stem, "test"))
    return FaceStore.of(faces, framing, "samples")


def test_a_perfect_method(store: FaceStore, made_instruments: None) -> None:
    photos = torch.cat([to_tensor(face.image) for face in store])

    def perfect(colours: Tensor, cover: Tensor) -> Tensor:
        return photos

    def grey(colours: Tensor, cover: Tensor) -> Tensor:
        return torch.zeros_like(colours)

    (best, worst), pictures = protocol.compare(store, ANCHORS, {"perfect": perfect, "grey": grey})
    assert best.count == worst.count == len(store)
    assert np.isinf(best.psnr[0])
    assert best.ssim[0] == pytest.approx(1)
    assert best.undetected == 0
    assert best.judged["identity"] == (pytest.approx(1, abs=1e-3), pytest.approx(0, abs=1e-3))
    assert best.judged["dlib_distance"][0] < 0.2  # by other landmarks of the same pictures; two people are over .6 apart
    assert best.judged["frechet_squeezenet"] == pytest.approx(0, abs=1e-6)
    assert best.judged["frechet_efficientnet_lite0"] == pytest.approx(0, abs=1e-4)
    # grey has no face: each counts 0, none is left out
    assert worst.undetected == len(store)
    assert worst.judged["identity"] == (0, 0)
    assert np.isnan(worst.each["dlib_distance"]).all()
    assert worst.judged["frechet_squeezenet"] > 1
    assert worst.judged["kernel_efficientnet_lite0"] > 1 > best.judged["kernel_efficientnet_lite0"]
    assert set(pictures) == {"photo", "parts", "perfect", "grey"}
    np.testing.assert_array_equal(pictures["perfect"], to_images(photos))


def test_straying(store: FaceStore) -> None:
    """A method that never looks at its input does not change; what cannot be found is counted."""
    photos = torch.cat([to_tensor(face.image) for face in store])
    lines, _ = protocol.perturb(store, ANCHORS, lambda colours, cover: photos)
    assert [line.change for line in lines] == list(protocol.CHANGES)
    assert all(line.error == 0 and line.undetected == 0 for line in lines)
    # the mean length of a vector in the square [-8, 8]² is 6.12 pixels
    distance = np.mean([eye_distance(face.landmarks) for face in store])
    assert lines[0].input_error == pytest.approx(6.12 / distance * 100, rel=0.2)
    assert lines[2].input_error == pytest.approx(lines[1].input_error * 0.25 / 0.2, rel=1e-4)
    blank, _ = protocol.perturb(store, ANCHORS, lambda colours, cover: torch.zeros_like(colours))
    assert all(line.undetected == len(store) and np.isnan(line.error) for line in blank)


def test_the_shipped_model_makes_these_faces(store: FaceStore, made_instruments: None) -> None:
    """Every sample person comes out as a face, nearer to its picture than the parts pasted on somebody else."""
    from likeness import systems

    system = systems.load("parts")
    assert isinstance(system, PartsSynthesizer)
    stranger = to_tensor(next(iter(store)).image)

    def pasted(colours: Tensor, cover: Tensor) -> Tensor:
        return stranger * (1 - cover) + colours

    others = store.take(list(range(1, len(store))))
    methods = {"ours": protocol.painter_of(system.complete), "pasted": pasted}
    (a, b), _ = protocol.compare(others, torch.from_numpy(system.anchors), methods)
    assert a.undetected == 0
    assert a.psnr[0] > b.psnr[0]


def test_trivial_baselines() -> None:
    faces = drawn_faces(6, Framing())
    train = FaceStore.of(faces, Framing(), "drawn")
    photos, masks, anchors, _ = protocol.inputs(train, ANCHORS)
    colours, cover = protocol._placed(photos, masks, anchors)
    mean, _ = average_face(train)
    made = PastedOnMean(train).paint(colours, cover)
    outside = (cover == 0).expand_as(made)
    torch.testing.assert_close(made[outside], to_tensor(mean).expand_as(made)[outside])
    inside = (cover == 1).expand_as(made)
    torch.testing.assert_close(made[inside], colours[inside])
    nearest = NearestFace(train, ANCHORS).paint(colours, cover)
    np.testing.assert_array_equal(to_images(nearest), to_images(photos))  # a training face's nearest is itself


def test_the_command(
    instruments: Path, shared: Path, likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``likeness evaluate parts`` on a handful of real people, train and test, to JSON, CSV and a sheet."""
    from likeness.data.split import split_of

    root, wanted = tmp_path / "lfw", {"train": 6, "test": 5}
    for person in sorted((shared / "data" / "lfw" / "images").iterdir()):
        side = split_of(person.name)
        if wanted.get(side, 0):
            wanted[side] -= 1
            shutil.copytree(person, root / person.name)
    assert likeness("prepare", root, "-o", "lfw.parquet", "--processes", "1") == 0
    assert (
        likeness("evaluate", "parts", "--data", "lfw.parquet", "-o", "a.json", "--csv", "a.csv", "--sheet", "a.png", "--groups")
        == 0
    )
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["faces"] == 5
    assert said["lines"][0]["method"] == "ours"
    assert len(said["names"]) == len(said["lines"][0]["each"]["psnr"]) == 5
    assert {line["kind"] for line in said["tables"]["groups"]} == {"skin tone (ITA)", "sharpness", "yaw"}
    assert len(said["instruments"]["mobilefacenet_b"]) == 12
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert rows[0]["psnr"] == " ± ".join(f"{value:.2f}" for value in said["lines"][0]["psnr"])
    assert float(rows[0]["psnr"].split()[0]) > float(rows[1]["psnr"].split()[0])
    assert likeness("evaluate", "parts", "--data", "lfw.parquet", "--perturb", "--limit", "3", "-o", "b.json") == 0
    lines = json.loads((tmp_path / "b.json").read_text())["lines"]
    assert [len(line["each"]["error"]) for line in lines] == [3, 3, 3]
    assert [line["title"] for line in lines] == list(protocol.CHANGES)
    with (tmp_path / "a_groups.csv").open() as file:
        assert {line["kind"] for line in csv.DictReader(file)} == {"skin tone (ITA)", "sharpness", "yaw"}
    outcome = protocol.measure(protocol.Options(data="lfw.parquet"))  # the same from Python
    assert [line["psnr"] for line in outcome.lines] == [tuple(line["psnr"]) for line in said["lines"]]
    assert list(outcome.names) == said["names"]
    capsys.readouterr()
    assert likeness("evaluate", "parts", "--data", "lfw.parquet", "--source", "mars") == 2
    assert "its sources are lfw" in capsys.readouterr().err


def test_a_stranger_gets_a_table_without_instruments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """No folder of instruments, no network: packages' networks judge, and lines say what is left out and how it could be had."""

    def unreachable(address: str, begin: int = 0) -> Any:
        raise OSError("no network")

    monkeypatch.delenv("LIKENESS_INSTRUMENTS", raising=False)
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(assets, "urlopen", unreachable)
    faces = drawn_faces(4, Framing())
    faces += [AlignedFace(face.image, face.landmarks, face.person, face.name, "test") for face in drawn_faces(3, Framing(), 50)]
    from likeness.data import store as files

    files.write_rows(tmp_path / "d.parquet", [files.row(face, "lfw", 30.0) for face in faces], Framing())
    assert likeness("evaluate", "parts", "--data", "d.parquet", "--csv", "t.csv") == 0
    said = capsys.readouterr().out
    assert "without identity and frechet_mobilefacenet_b" in said and "LIKENESS_INSTRUMENTS" in said
    with (tmp_path / "t.csv").open() as file:
        columns = next(iter(csv.DictReader(file))).keys()
    assert {"psnr", "ssim", "dlib_distance", "frechet_efficientnet_lite0", "kernel_efficientnet_lite0"} < columns
    assert not columns & {"identity", "lpips", "frechet_squeezenet", "frechet_mobilefacenet_b"}
