"""How face detectors are measured: squares against a closed form, and our detector on photos whose faces are known."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.evaluate.boxes import average_precision, overlap, score, square_of, squares_of
from likeness.faces.face_detector import FaceDetector
from likeness.faces.landmark_detector import box_of
from likeness.faces.reader import FaceReader
from likeness.faces.tools import open_tool
from likeness.image import read
from likeness.records import Face, Points


def test_overlap() -> None:
    """Of a square with itself, with one half a side away in both directions, with one inside it, and with one beside it."""
    one = np.array([10, 10, 4], np.float32)
    found = [overlap(one, np.array(other, np.float32)) for other in ([10, 10, 4], [12, 12, 4], [10, 10, 2], [20, 10, 4])]
    assert found == pytest.approx([1, 4 / 28, 4 / 16, 0])


def test_average_precision() -> None:
    """Two of four faces, with a wrong square between them: recall 1/4 at precision 1, then 1/2 at 2/3."""
    assert average_precision([0.9, 0.5, 0.7], [True, True, False], 4) == pytest.approx((1 + 2 / 3) / 4)
    assert average_precision([0.1, 0.9], [True, False], 1) == 0.5
    assert average_precision([], [], 3) == 0
    assert average_precision([3, 2], [True, True], 2) == 1


def test_squares(samples: list[Path]) -> None:
    """A face's square is its box; a box that is no square has the mean of its sides."""
    landmarks = FaceReader().face(read(samples[0]), "ada").landmarks
    left, top, right, bottom = box_of(landmarks)
    assert square_of(landmarks) == pytest.approx([(left + right) / 2, (top + bottom) / 2, right - left])
    assert squares_of([Face((0, 0, 4, 8), landmarks, 0.7)]) == pytest.approx(np.array([[2, 4, 6, 0.7]]))
    assert squares_of([]).shape == (0, 4)


def test_known_squares(samples: list[Path]) -> None:
    """One found beside a wrong one, one not found, one found twice: of that one's squares the better counts."""
    landmarks = FaceReader().face(read(samples[0]), "ada").landmarks
    x, y, side = square_of(landmarks)
    answers = iter(
        [
            [[x, y, side, 0.9], [x + 3 * side, y, side, 0.8]],
            [[x + side, y, side, 0.7]],
            [[x, y, side, 0.5], [x, y, 1.2 * side, 0.6]],
        ]
    )
    faces: list[tuple[np.ndarray, Points]] = [(np.zeros((8, 8, 3), np.uint8), landmarks)] * 3
    made = score("known", lambda photo: np.array(next(answers), np.float32), faces, lambda done: None)
    assert made.found == pytest.approx(2 / 3) and made.overlap == pytest.approx(1) and made.further == 3
    assert made.each["overlap"] == pytest.approx([1, 0, 1])
    assert made.precision == pytest.approx((1 + 2 / 5) / 3)


def test_ours_on_the_samples(samples: list[Path]) -> None:
    photos = [read(path) for path in samples]
    faces = [(photo, FaceReader().face(photo, "").landmarks) for photo in photos]
    own = open_tool(FaceDetector)
    for detector in (own.squares, own.largest):
        made = score("ours", detector, faces, lambda done: None)
        assert made.found == 1 and made.overlap > 0.7


def test_the_command(shared: Path, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("dlib")
    folder = shared / "data/youtube_faces"
    call = ["evaluate", "face_detector", "--real", folder, "--landmarks", folder / "landmarks68.csv", "--split", "validation"]
    assert likeness(*map(str, call), "--limit", "12", "--csv", str(tmp_path / "a.csv")) == 0
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["method"].split(",")[0] for row in rows] == ["ours", "ours", "dlib"]
    assert all(float(row["found"]) > 0.8 and 0.5 < float(row["overlap"]) < 1 for row in rows)
    assert likeness(*map(str, call), "--limit", "1") == 2
    assert "holds fewer than 2 photos of validation people" in capsys.readouterr().err
