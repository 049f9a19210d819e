"""CUFS in both its layouts: whose sketch is whose, what is padding, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from likeness.card import Card
from likeness.checkpoint import write_weights
from likeness.data import cufs
from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.engine import open_weights
from likeness.errors import LikenessError
from likeness.faces.cufs import FRAMING, cropped, padded, parsed
from likeness.faces.landmarks import five_points
from likeness.faces.parser import FaceParser
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.recipe import freeze
from likeness.systems.parser.recipes import tiny
from likeness.systems.parser.system import ParserSystem


@pytest.fixture
def parser(tmp_path: Path) -> FaceParser:
    """One that knows nothing, but answers in the right form."""
    path = write_weights(tmp_path / "parser.safetensors", ParserSystem(tiny()).shipped_state(), Card("parser", freeze(tiny()), 0))
    return FaceParser(open_weights(path, "torch"))


@pytest.fixture
def ours(tmp_path: Path, samples: list[Path]) -> Path:
    """Two pairs as a list has them: a photo, and its negative for a sketch."""
    root = tmp_path / "set"
    lines = ["id,subset,split"]
    for i, side in enumerate(("train", "test")):
        face = Pillow.open(samples[i]).convert("RGB").resize((200, 200))
        photo = Pillow.new("RGB", (200, 250), (90, 120, 200))
        photo.paste(face, (0, 25))
        for kind in ("photos", "sketches"):
            (root / kind).mkdir(parents=True, exist_ok=True)
        photo.save(root / "photos" / f"x_{i}.png")
        photo.point(lambda value: 255 - value).save(root / "sketches" / f"x_{i}.png")
        lines.append(f"x_{i},AR,{side}")
    (root / "pairs.csv").write_text("\n".join(lines))
    return root


def test_pairs_with_parsings(ours: Path, parser: FaceParser, tmp_path: Path) -> None:
    """Pictures are padded, not scaled; parsings are distributions, all background in the padding, and come back as they were."""
    report = cufs.prepare(ours, tmp_path / "c.parquet", parser)
    store = FaceStore(tmp_path / "c.parquet")
    assert report.prepared == 2 and store.mapped and store.pairs == "with" and store.framing == FRAMING
    assert [face.split for face in store] == ["train", "test"]
    for face in store:
        photo = read(ours / "photos" / f"{face.name}.png")
        assert face.pair is not None and face.maps is not None and face.maps.shape == (2, 8, 256, 256)
        assert np.abs(cropped(face.image).astype(int) - photo).mean() < 3  # WebP
        assert np.array_equal(cropped(face.pair), 255 - photo)
        assert not face.pair[:3].any() and not face.pair[:, :28].any() and face.pair[3, 28].any()
        assert np.abs(face.maps.sum(1, dtype=int) - 255).max() <= 4  # eight roundings
        assert (face.maps[:, 0, :3] == 255).all() and not face.maps[:, 1:, :, 228:].any()
        again = parsed(parser, [padded(photo), face.pair])
        assert np.array_equal(face.maps, again)
    assert store.fingerprint() != store.with_pairs([face.image for face in store]).fingerprint()
    assert not store.with_pairs([face.image for face in store]).mapped


def test_validation_people(ours: Path, parser: FaceParser, tmp_path: Path) -> None:
    """Asked for, training people whose name says so are kept for choices; test people stay what they are."""
    name = next(f"y_{i}" for i in range(100) if split_of(f"y_{i}") == "validation")
    for kind in ("photos", "sketches"):
        (ours / kind / "x_0.png").rename(ours / kind / f"{name}.png")
    text = (ours / "pairs.csv").read_text().replace("x_0", name)
    (ours / "pairs.csv").write_text(text)
    for asked, side in ((False, "train"), (True, "validation")):
        cufs.prepare(ours, tmp_path / "c.parquet", parser, validation=asked)
        assert {face.name: face.split for face in FaceStore(tmp_path / "c.parquet")} == {name: side, "x_1": "test"}


def test_folders_as_they_are_handed_on(tmp_path: Path) -> None:
    """CUHK's names differ in case and suffix; the others have a number. What has no partner is named."""
    for name in (
        "cuhk/training_88/photos/f-005-01.jpg",
        "cuhk/training_88/sketches/F2-005-01-sz1.jpg",
        "cuhk/training_88/photos/f1-005-01.jpg",
        "cuhk/training_88/sketches/f1-005-01-sz1.jpg",
        "AR/testing/photo/12.png",
        "AR/testing/sketch/sketch_012.png",
    ):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", (200, 250)).save(path)
    pairs = cufs.pairs_in(tmp_path / "raw")
    assert [(pair.name, pair.subset, pair.side) for pair in pairs] == [
        ("ar_12", "ar", "test"),
        ("cuhk_f-5", "cuhk", "train"),
        ("cuhk_f1-5", "cuhk", "train"),
    ]
    assert [pair.sketch.name for pair in pairs] == ["sketch_012.png", "F2-005-01-sz1.jpg", "f1-005-01-sz1.jpg"]
    for kind in ("photo", "sketch"):
        path = tmp_path / "raw" / "AR" / "training" / kind / "12.png"
        path.parent.mkdir(parents=True)
        Pillow.new("RGB", (200, 250)).save(path)
    with pytest.raises(LikenessError, match="ar_12 is there on the sides"):
        cufs.pairs_in(tmp_path / "raw")
    shutil.rmtree(tmp_path / "raw" / "AR" / "training")
    (tmp_path / "raw" / "AR" / "testing" / "photo" / "12.png").unlink()
    with pytest.raises(LikenessError, match=r"sketch_012\.png: has no photo"):
        cufs.pairs_in(tmp_path / "raw")


def test_what_is_refused(
    ours: Path, parser: FaceParser, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert likeness("prepare", "cufs", tmp_path / "none", "-o", tmp_path / "c.parquet") == 2
    assert "none: no such folder" in capsys.readouterr().err
    assert likeness("prepare", "cufs", ours, "-o", tmp_path / "c.parquet", "--parser", tmp_path / "none") == 2
    assert "no such weights" in capsys.readouterr().err
    assert likeness("prepare", "cufs", ours, "-o", tmp_path / "c.parquet", "--size", 64) == 2
    assert "unrecognized arguments: --size" in capsys.readouterr().err
    assert likeness("prepare", ours, "-o", tmp_path / "c.parquet", "--validation") == 2
    assert "unrecognized arguments: --validation" in capsys.readouterr().err
    with pytest.raises(LikenessError, match="neither"):
        cufs.pairs_in(tmp_path)
    listed = (ours / "pairs.csv").read_text()
    (ours / "pairs.csv").write_text(listed + "\nx_0,AR,test")
    with pytest.raises(LikenessError, match="x_0 is there on the sides"):
        cufs.pairs_in(ours)
    (ours / "pairs.csv").write_text(listed)
    (ours / "photos" / "x_1.png").write_bytes(b"no picture")
    Pillow.new("RGB", (100, 125)).save(ours / "photos" / "x_0.png")
    with pytest.raises(LikenessError, match=r"none of 2 pairs.*100×125"):
        cufs.prepare(ours, tmp_path / "c.parquet", parser)
    (ours / "sketches" / "x_0.png").unlink()
    with pytest.raises(LikenessError, match="has no picture x_0"):
        cufs.pairs_in(ours)
    (ours / "pairs.csv").write_text("id,split\n" + "x" * 200000 + ",train\n")
    with pytest.raises(LikenessError, match="cannot be read as CSV"):
        cufs.pairs_in(ours)
    (ours / "pairs.csv").write_text("id,split\n../x,train\n")
    with pytest.raises(LikenessError, match="line 2"):
        cufs.pairs_in(ours)


def test_the_real_set(shared: Path) -> None:
    """525 pairs, 268 to learn from; their faces stand where the framing says, photos and sketches alike."""
    pairs = cufs.pairs_in(shared / "data" / "cufs")
    assert len(pairs) == 525 and sum(pair.side == "train" for pair in pairs) == 268
    papers = cufs.pairs_in(shared / "data" / "cufs", "paper_split")
    assert (sum(pair.side == "train" for pair in papers), sum(pair.side == "test" for pair in papers)) == (187, 338)
    reader, wanted = FaceReader(), FRAMING.template
    for kind in ("photo", "sketch"):
        found = []
        for pair in pairs[::40]:
            five = five_points(reader.face(padded(read(getattr(pair, kind))), pair.name).landmarks)
            found.append(np.stack([five[0], five[1], (five[3] + five[4]) / 2]))
        assert np.abs(np.median(np.stack(found), 0) - wanted).max() < 3
