"""The parts protocol: what it counts, on made features; and the real thing where the instruments are."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from likeness.baselines.floors import NearestFace, PastedOnMean
from likeness.data.store import FaceStore
from likeness.evaluate import features, parts
from likeness.evaluate.features import ARCFACE, face_crop, similarity_to
from likeness.faces.align import Framing
from likeness.faces.average import average_face
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import eye_distance, five_points
from likeness.faces.reader import FaceReader
from likeness.image import read, to_images, to_tensor
from likeness.records import AlignedFace, Image
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
    monkeypatch.setattr(parts, "Recogniser", ColourRecogniser)
    monkeypatch.setattr(parts, "SqueezeFeatures", ColourFeatures)


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

    (best, worst), pictures = parts.compare(store, ANCHORS, {"perfect": perfect, "grey": grey})
    assert best.count == worst.count == len(store)
    assert np.isinf(best.psnr[0])
    assert best.ssim[0] == pytest.approx(1)
    assert best.undetected == 0
    assert best.identity == (pytest.approx(1, abs=1e-3), pytest.approx(0, abs=1e-3))
    assert best.frechet_squeezenet == pytest.approx(0, abs=1e-6)
    # grey has no face: each counts 0, none is left out
    assert worst.undetected == len(store)
    assert worst.identity == (0, 0)
    assert worst.frechet_squeezenet > 1
    assert set(pictures) == {"photo", "parts", "perfect", "grey"}
    np.testing.assert_array_equal(pictures["perfect"], to_images(photos))


def test_straying(store: FaceStore) -> None:
    """A method that never looks at its input does not stray; what cannot be found is counted."""
    photos = torch.cat([to_tensor(face.image) for face in store])
    lines, _ = parts.stray(store, ANCHORS, lambda colours, cover: photos)
    assert [line.change for line in lines] == list(parts.CHANGES)
    assert all(line.error == 0 and line.undetected == 0 for line in lines)
    # the mean length of a vector in the square [-8, 8]² is 6.12 pixels
    distance = np.mean([eye_distance(face.landmarks) for face in store])
    assert lines[0].input_error == pytest.approx(6.12 / distance * 100, rel=0.2)
    assert lines[2].input_error == pytest.approx(lines[1].input_error * 0.25 / 0.2, rel=1e-4)
    blank, _ = parts.stray(store, ANCHORS, lambda colours, cover: torch.zeros_like(colours))
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
    methods = {"ours": parts.painter_of(system.complete), "pasted": pasted}
    (a, b), _ = parts.compare(others, torch.from_numpy(system.anchors), methods)
    assert a.undetected == 0
    assert a.psnr[0] > b.psnr[0]


def test_floors() -> None:
    faces = drawn_faces(6, Framing())
    train = FaceStore.of(faces, Framing(), "drawn")
    photos, masks, anchors, _ = parts.inputs(train, ANCHORS)
    colours, cover = parts._placed(photos, masks, anchors)
    mean, _ = average_face(train)
    made = PastedOnMean(train).paint(colours, cover)
    outside = (cover == 0).expand_as(made)
    torch.testing.assert_close(made[outside], to_tensor(mean).expand_as(made)[outside])
    inside = (cover == 1).expand_as(made)
    torch.testing.assert_close(made[inside], colours[inside])
    nearest = NearestFace(train, ANCHORS).paint(colours, cover)
    np.testing.assert_array_equal(to_images(nearest), to_images(photos))  # a training face's nearest is itself


def test_crops_for_recognisers() -> None:
    """The similarity is found exactly where there is one, and mirrored points do not make it flip."""
    source = np.array([[30, 40], [80, 44], [55, 70], [38, 95], [75, 97]], np.float32)
    angle, scale = 0.3, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity_to(source, (source @ turn.T + [5, -9]).astype(np.float32))
    np.testing.assert_allclose(matrix[:, :2], turn, atol=1e-5)
    np.testing.assert_allclose(matrix[:, 2], [5, -9], atol=1e-3)
    assert np.linalg.det(similarity_to(source, source * [-1, 1])[:, :2]) > 0
    face = drawn_faces(1, Framing())[0]
    crop = face_crop(face.image, face.landmarks)
    assert crop.shape == (112, 112, 3)
    placed = five_points(face.landmarks) @ similarity_to(five_points(face.landmarks), ARCFACE)[:, :2].T
    assert np.linalg.norm(placed - placed.mean(0) - ARCFACE + ARCFACE.mean(0), axis=1).max() < 6


def test_the_judge_knows_people(instruments: Path, shared: Path) -> None:
    """mobilefacenet_b on real photos: the same person is nearer than another, each time."""
    recogniser, reader = features.Recogniser(), FaceReader()

    def embed(person: str, number: int) -> np.ndarray:
        photo = read(shared / "data" / "lfw" / "images" / person / f"{person}_{number:04d}.jpg")
        return recogniser.embed([face_crop(photo, reader.face(photo, person).landmarks)])[0]

    people = ["Serena_Williams", "Winona_Ryder", "Hugo_Chavez", "Tony_Blair"]
    first, second = (np.stack([embed(person, number) for person in people]) for number in (1, 2))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    cosine = first @ second.T
    assert (cosine.diagonal() > 0.4).all()
    assert (cosine - 2 * np.eye(4)).max() < 0.35


def test_squeezenet_features(instruments: Path) -> None:
    """Real weights fit the layout; the same pictures give the same features in any batch."""
    network = features.SqueezeFeatures()
    images = np.stack([face.image for face in drawn_faces(5, Framing())])
    together = network.of_images(images)
    assert together.shape == (5, 512)
    assert (together >= 0).all() and together.std() > 0
    np.testing.assert_allclose(together, np.concatenate([network.of_images(image[None]) for image in images]), atol=1e-3)


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
    assert likeness("evaluate", "parts", "--data", "lfw.parquet", "-o", "a.json", "--csv", "a.csv", "--sheet", "a.png") == 0
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["faces"] == 5
    assert said["lines"][0]["method"] == "ours"
    assert len(said["instruments"]["mobilefacenet_b"]) == 12
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert rows[0]["psnr"] == " ± ".join(f"{value:.2f}" for value in said["lines"][0]["psnr"])
    assert float(rows[0]["psnr"].split()[0]) > float(rows[1]["psnr"].split()[0])
    assert likeness("evaluate", "parts", "--data", "lfw.parquet", "--stray", "--limit", "3", "-o", "b.json") == 0
    assert len(json.loads((tmp_path / "b.json").read_text())["lines"]) == 3
    capsys.readouterr()
    assert likeness("evaluate", "parts", "--data", "lfw.parquet", "--source", "mars") == 2
    assert "its sources are lfw" in capsys.readouterr().err


def test_instruments_are_asked_for_clearly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LIKENESS_INSTRUMENTS", raising=False)
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    faces = drawn_faces(4, Framing())
    faces += [AlignedFace(face.image, face.landmarks, face.person, face.name, "test") for face in drawn_faces(3, Framing(), 50)]
    from likeness.data import store as files

    files.write_rows(tmp_path / "d.parquet", [files.row(face, "lfw", 30.0) for face in faces], Framing())
    assert likeness("evaluate", "parts", "--data", "d.parquet") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "mobilefacenet_b" in error
    assert "LIKENESS_INSTRUMENTS" in error
