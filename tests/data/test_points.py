"""Landmarks from a table, and faces of which the detector is not sure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.data.folder import Pointing, prepare
from likeness.data.points import disagreement, landmarks_in
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import WIDE, Framing, alignment
from likeness.faces.points import read_points, write_points
from likeness.faces.reader import FaceReader
from likeness.image import read

HEADER = "file," + ",".join(f"x{i},y{i}" for i in range(68))


@pytest.fixture
def album(tmp_path: Path, samples: list[Path]) -> Path:
    (tmp_path / "album").mkdir()
    for i in range(2):
        shutil.copy(samples[i], tmp_path / "album" / f"p_{i}.png")
    return tmp_path / "album"


def test_from_a_table(album: Path, tmp_path: Path, samples: list[Path]) -> None:
    """The table's points are the face's, whatever a detector would say; a photo without a line is skipped."""
    points = FaceReader().face(read(samples[0]), "ada").landmarks + np.float32([3, -2])
    numbers = ",".join(f"{value:.3f}" for value in points.reshape(-1))
    (tmp_path / "points.csv").write_text(f"{HEADER}\np_0.png,{numbers}\n")
    table = str(tmp_path / "points.csv")
    assert Pointing(table).plan() != Pointing(table, 3).plan()
    report = prepare([album], tmp_path / "f.parquet", Framing(), 1, pointing=Pointing(table))
    assert report.prepared == 1 and "no line" in dict(report.skipped)["p_1"]
    (face,) = FaceStore(tmp_path / "f.parquet")
    before = Pointing(table).plan()
    (tmp_path / "points.csv").write_text(f"{HEADER}\np_1.png,{numbers}\n")
    assert Pointing(table).plan() != before  # another table under the same name is another preparation
    assert np.allclose(face.landmarks, alignment(points, Framing()).apply(points), atol=0.01)


def test_a_detector_that_is_sure_and_one_that_is_not(album: Path, tmp_path: Path, samples: list[Path]) -> None:
    photo, reader = read(samples[0]), FaceReader()
    landmarks = reader.face(photo, "ada").landmarks
    sure = disagreement(reader, photo, landmarks)
    assert 0 < sure < 6
    assert disagreement(reader, photo, landmarks + 10) > sure + 5
    assert disagreement(reader, np.zeros_like(photo), landmarks) == float("inf")
    report = prepare([album], tmp_path / "f.parquet", Framing(), 1, pointing=Pointing(agree=20))
    assert report.prepared == 2
    with pytest.raises(LikenessError, match=r"none of 2 photos.*not sure"):
        prepare([album], tmp_path / "g.parquet", Framing(), 1, pointing=Pointing(agree=0.001))


def test_what_is_refused(album: Path, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    for name, text, message in (
        ("none.csv", None, "no such file"),
        ("short.csv", "file,x0\n", "no column y0"),
        ("words.csv", f"{HEADER}\np_0.png,{','.join(['1'] * 135)},one\n", "line 2"),
        ("nameless.csv", f"{HEADER}\n,{','.join(['1'] * 136)}\n", "no file's name"),
        ("twice.csv", f"{HEADER}\np_0.png,{','.join(['1'] * 136)}\np_0.jpg,{','.join(['1'] * 136)}\n", "there twice"),
        ("infinite.csv", f"{HEADER}\np_0.png,{','.join(['1'] * 135)},inf\n", "finite"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(LikenessError, match=message):
            landmarks_in(tmp_path / name)
        assert likeness("prepare", album, "--landmarks", tmp_path / name, "-o", "f.parquet") == 2
        assert message in capsys.readouterr().err
    assert likeness("prepare", album, "--agree", -1, "-o", "f.parquet") == 2
    assert likeness("prepare", album, "--wide", "--size", 64, "-o", "f.parquet") == 2
    capsys.readouterr()
    assert likeness("prepare", album, "--wide", "--processes", 1, "-o", "w.parquet") == 0
    assert "train face_detector:lite" in capsys.readouterr().out
    assert FaceStore(tmp_path / "w.parquet").framing == WIDE


def test_points_that_are_no_face(tmp_path: Path) -> None:
    """A file of Windows' Notepad is read; eyes at one place are refused, and numbers that are none are not written."""
    face = np.random.default_rng(0).uniform(0, 100, (68, 2)).astype(np.float32)
    write_points(tmp_path / "a.json", face, {})
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.json").read_bytes())
    assert np.abs(read_points(tmp_path / "bom.json") - face).max() < 0.01
    write_points(tmp_path / "b.json", np.full((68, 2), 7, np.float32), {})
    with pytest.raises(LikenessError, match="no face in these points"):
        read_points(tmp_path / "b.json")
    with pytest.raises(LikenessError, match="no numbers"):
        write_points(tmp_path / "c.json", face * np.float32(np.nan), {})
    assert not (tmp_path / "c.json").exists()
