"""How detectors are measured: a known error is found, what is not found fails, and real ones on real photos."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.evaluate.detectors import of_reader, score
from likeness.evaluate.landmark_error import interocular_error
from likeness.faces.reader import FaceReader
from likeness.faces.solid import SOLID, rotation
from likeness.image import read
from likeness.records import Image, Points


def faces() -> list[tuple[Image, Points]]:
    """The solid face turned by 0, 20 and 40 degrees, the last to the left."""
    shown = []
    for yaw in (0, 20, -40):
        points = np.asarray((np.asarray(SOLID) @ rotation(yaw, 0, 0).T)[:, :2] * 50 + 100, np.float32)
        shown.append((np.zeros((200, 200, 3), np.uint8), points))
    return shown


def test_known_errors() -> None:
    """A detector that is off by 4 % of the outer corners' distance, by 12 % on the second, and blind to the third."""
    some = faces()
    wrong = iter([0.04, 0.12, None])

    def detector(photo: Image, truth: Points) -> Points | None:
        share = next(wrong)
        return None if share is None else truth + np.array([share * np.linalg.norm(truth[36] - truth[45]), 0], np.float32)

    found = score("off", detector, some, lambda done: None)
    assert (found.count, found.undetected) == (3, 1)
    assert found.error == pytest.approx(8, abs=1e-3) and found.median == pytest.approx(8, abs=1e-3)
    assert found.failed == pytest.approx(2 / 3) and found.auc == pytest.approx(0.5 / 3, abs=1e-4)
    assert found.by_yaw[:2] == pytest.approx((4, 12), abs=1e-3) and np.isnan(found.by_yaw[2])
    assert interocular_error(some[0][1], some[0][1]) == 0
    with pytest.raises(LikenessError, match="no face at all"):
        score("blind", lambda photo, truth: None, some, lambda done: None)


def test_a_reader_is_asked_for_the_right_face(samples: list[Path]) -> None:
    """Of two faces the one that is meant; none where none is near."""
    one, other = read(samples[0]), read(samples[1])
    photo, reader = np.concatenate([one, other], 1), FaceReader()
    truth = reader.face(other, "bo").landmarks + np.float32([256, 0])
    found = of_reader(reader)(photo, truth)
    assert found is not None and interocular_error(found, truth) < 5
    assert of_reader(reader)(photo, truth + np.float32([0, 400])) is None


def test_the_command(
    shared: Path, instruments: Path, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """On twelve photos of test people; what is missing is told."""
    folder = shared / "data" / "youtube_faces"
    words = ("evaluate", "landmark_detector", "--real", folder, "--landmarks", folder / "landmarks68.csv")
    assert likeness(*words, "--limit", 12, "--csv", "d.csv") == 0
    lines = (tmp_path / "d.csv").read_text().splitlines()
    assert "ours" in lines[1] and "dlib" in lines[2] and "pfld68" in lines[3]
    errors = [float(line["nme"]) for line in csv.DictReader(lines)]
    assert 2 < errors[0] < errors[1]  # better than dlib; and no detector is better than these photos' own points are
    assert likeness(*words[:4]) == 2 and "--landmarks" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert likeness("evaluate", "landmark_detector", "--real", tmp_path / "empty", "--landmarks", folder / "landmarks68.csv") == 2
