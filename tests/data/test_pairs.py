"""Other pictures of a photo: brought to its framing, kept in the file, and refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from likeness.data import folder
from likeness.data.pairs import Pairing, _scaled
from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity
from likeness.faces.drawing import drawn_faces
from likeness.faces.labels import CLASSES, coloured, folded, read_off
from likeness.image import read


@pytest.fixture
def album(tmp_path: Path, samples: list[Path]) -> Path:
    (tmp_path / "album").mkdir()
    for i in range(3):
        shutil.copy(samples[i], tmp_path / "album" / f"p_{i}.png")
    return tmp_path / "album"


def test_pictures_of_the_same_names(album: Path, tmp_path: Path) -> None:
    """The negative, at three times the size: in the framing it is the photo's negative. One is missing, one has another shape."""
    others = tmp_path / "others"
    others.mkdir()
    for name in ("p_0", "p_1"):
        Pillow.fromarray((255 - read(album / f"{name}.png")).repeat(3, 0).repeat(3, 1)).save(others / f"{name}.png")
    Pillow.new("RGB", (300, 100)).save(others / "p_2.jpg")
    report = folder.prepare([album], tmp_path / "f.parquet", processes=1, pairing=Pairing("with", str(others)))
    assert report.prepared == 2 and "other proportions" in dict(report.skipped)["p_2"]
    store = FaceStore(tmp_path / "f.parquet")
    assert store.paired
    for face in store:
        assert face.pair is not None and np.abs(face.pair.astype(int) - (255 - face.image.astype(int))).mean() < 4
    notes = json.loads(pq.read_schema(tmp_path / "f.parquet").metadata[b"huggingface"])
    assert notes["info"]["features"]["pair"] == {"_type": "Image"}
    (others / "p_2.jpg").unlink()
    report = folder.prepare([album], tmp_path / "g.parquet", processes=1, pairing=Pairing("with", str(others)))
    assert "no picture of that name" in dict(report.skipped)["p_2"]


def test_another_resolution_keeps_pixel_centres() -> None:
    """The centre of pixel x of a photo is that of pixel 3x + 1 of one three times as large."""
    transform = Similarity(np.array([[0.6, -0.2, 5.0], [0.2, 0.6, -3.0]]))
    larger = _scaled(transform, (90, 120), (30, 40), Path("x"))
    points = np.array([[0, 0], [7, 12], [39, 29]], np.float32)
    assert np.allclose(larger.apply(3 * points + 1), transform.apply(points), atol=1e-5)


def test_masks(album: Path, tmp_path: Path) -> None:
    """Index masks become pure colours of the classes: nothing is mixed at their edges."""
    masks = tmp_path / "masks"
    masks.mkdir()
    height, width = read(album / "p_0.png").shape[:2]
    mask = np.ones((height, width), np.uint8)
    mask[:, : width // 2] = 13
    Pillow.fromarray(mask).save(masks / "p_0.png")
    Pillow.fromarray(np.full((height, width), 77, np.uint8)).save(masks / "p_1.png")
    Pillow.new("RGB", (width, height)).save(masks / "p_2.png")
    report = folder.prepare([album], tmp_path / "f.parquet", processes=1, pairing=Pairing("labels", str(masks)))
    assert "index 77" in dict(report.skipped)["p_1"] and "not a mask" in dict(report.skipped)["p_2"]
    pair = next(iter(FaceStore(tmp_path / "f.parquet"))).pair
    assert pair is not None
    assert {tuple(colour) for colour in pair.reshape(-1, 3).tolist()} == {CLASSES["hair"], CLASSES["skin"]}


def test_a_damaged_mask_costs_only_its_photo(album: Path, tmp_path: Path) -> None:
    """And a mask of twice the photo's size comes to the same place as one of its size."""
    masks = tmp_path / "masks"
    masks.mkdir()
    height, width = read(album / "p_0.png").shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 :, width // 3 : width // 2] = 13
    Pillow.fromarray(mask.repeat(2, 0).repeat(2, 1)).save(masks / "p_0.PNG")
    shutil.copy(album / "p_0.png", album / "p_3.png")
    Pillow.fromarray(mask).save(masks / "p_3.png")
    (masks / "p_1.png").write_bytes((masks / "p_3.png").read_bytes()[:60])
    (masks / "p_2.png").write_bytes(b"no picture")
    report = folder.prepare([album], tmp_path / "f.parquet", processes=1, pairing=Pairing("labels", str(masks)))
    assert report.prepared == 2 and {name for name, _ in report.skipped} == {"p_1", "p_2"}
    one, other = (face.pair for face in FaceStore(tmp_path / "f.parquet"))
    assert (one != other).any(-1).mean() < 0.002  # type: ignore[union-attr]
    assert FaceStore(tmp_path / "f.parquet").pairs == "labels"


def test_ambiguous_names(album: Path, tmp_path: Path) -> None:
    shutil.copytree(album, tmp_path / "others")
    Pillow.new("RGB", (10, 10)).save(tmp_path / "others" / "p_0.jpg")
    pairing = Pairing("with", str(tmp_path / "others"))
    report = folder.prepare([album], tmp_path / "f.parquet", processes=1, pairing=pairing)
    assert "several pictures" in dict(report.skipped)["p_0"]
    with pytest.raises(LikenessError, match="one folder of photos"):
        folder.prepare([album, tmp_path / "others"], tmp_path / "g.parquet", processes=1, pairing=pairing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LikenessError, match=r"none of 3 photos could be used.*no picture of that name"):
        folder.prepare([album], tmp_path / "h.parquet", processes=1, pairing=Pairing("with", str(tmp_path / "empty")))


def test_held_out_people(album: Path, tmp_path: Path) -> None:
    """The last by name are test people; photos ``p_0`` … are one person's."""
    for i, name in enumerate(("Zoe_1.png", "Yan_1.png", "Abe_1.png")):
        shutil.copy(album / f"p_{i}.png", album / name)
    folder.prepare([album], tmp_path / "f.parquet", processes=1, hold_out=2)
    sides = {face.person: face.split for face in FaceStore(tmp_path / "f.parquet")}
    assert sides["Zoe"] == sides["p"] == "test" or sides["Zoe"] == sides["Yan"] == "test"
    assert sides["Abe"] == split_of("Abe")


def test_folding_and_reading_off() -> None:
    assert folded(np.array([[0, 1, 2, 3, 5, 7, 8, 10, 11, 13, 17]], np.uint8)).tolist() == [[0, 1, 4, 3, 3, 2, 1, 5, 6, 7, 1]]
    with pytest.raises(LikenessError, match="from 0 to 18"):
        folded(np.array([[19]], np.uint8))
    classes = np.arange(8, dtype=np.uint8).reshape(2, 4)
    noise = np.random.default_rng(0).integers(-15, 16, (2, 4, 3))
    noisy = np.clip(coloured(classes).astype(int) + noise, 0, 255).astype(np.uint8)
    assert np.array_equal(read_off(noisy), classes)


def test_a_blurred_parsing_is_read_off_right() -> None:
    """Blends of neighbouring classes' colours are nearest to one of the two, not to a third."""
    names = list(CLASSES)
    colours = np.array([CLASSES[name] for name in names], np.float64)
    beside = [("background", "skin"), ("background", "hair"), ("hair", "skin"), ("skin", "brows"), ("skin", "eyes")]
    beside += [("skin", "nose"), ("skin", "lips"), ("lips", "inner mouth")]
    for pair in beside:
        a, b = (names.index(name) for name in pair)
        for share in np.linspace(0, 1, 21):
            blend = np.round(colours[a] * (1 - share) + colours[b] * share).astype(np.uint8)
            assert int(read_off(blend[None, None])[0, 0]) in (a, b), (pair, share)


def test_a_store_with_other_pictures_and_sides() -> None:
    framing = Framing(size=64)
    store = FaceStore.of(drawn_faces(4, framing), framing, "drawn")
    pairs = [face.image[::-1] for face in store]
    both = store.with_pairs(pairs)
    assert not store.paired and both.paired and both.fingerprint() != store.fingerprint()
    assert all(np.array_equal(face.pair, pair) for face, pair in zip(both, pairs, strict=True))  # type: ignore[arg-type]
    again = both.with_pairs(pairs[::-1])
    assert np.array_equal(next(iter(again)).pair, pairs[-1]) and len(again.head(2)) == 2  # type: ignore[arg-type]
    assert again.with_sides(["test", "train", "test", "validation"]).select("test").column("name") == [
        store.column("name")[i] for i in (0, 2)
    ]
    with pytest.raises(LikenessError, match="not a split"):
        store.with_sides(["exam"] * 4)
    with pytest.raises(ValueError, match="3 pictures for 4"):
        store.with_pairs(pairs[:3])


def test_by_the_command(
    album: Path, likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert likeness("prepare", album, "--labels", "nowhere", "-o", "f.parquet") == 2
    assert "no such folder" in capsys.readouterr().err
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path))
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path))
    assert likeness("prepare", album, "--depth", "-o", "f.parquet", "--processes", "1") == 2
    assert "sfm_shape" in capsys.readouterr().err and not (tmp_path / "f.parquet").exists()
    assert likeness("prepare", album, "--with", album, "-o", "f.parquet", "--processes", "1", "--size", "64") == 0
    assert "portrait:maps" in capsys.readouterr().out
    assert FaceStore(tmp_path / "f.parquet").paired


def test_depth_by_the_command(album: Path, likeness: Callable[..., int], tmp_path: Path, instruments: Path) -> None:
    """Nearer is lighter: the nose's tip over the eyes, these over the cheeks' far ends; nothing beside the face."""
    assert likeness("prepare", album, "--depth", "-o", "f.parquet", "--processes", "1") == 0
    for face in FaceStore(tmp_path / "f.parquet"):
        assert face.pair is not None
        depth = face.pair[..., 0].astype(int)
        nose, jaw = face.landmarks[30].round().astype(int), face.landmarks[2].round().astype(int)
        eyes = np.mean([depth[y, x] for x, y in face.landmarks[[36, 39, 42, 45]].round().astype(int)])
        assert depth[nose[1], nose[0]] > eyes + 20 and abs(eyes - 150) < 25
        assert depth[jaw[1], jaw[0] + 4] < eyes - 20
        assert (depth[:8] == 0).all() and (face.pair.min(-1) == face.pair.max(-1)).all()
