"""What parts are laid with, and that ``likeness make`` takes each option and condition as text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import likeness as library
from likeness import LikenessError
from likeness.faces.donors import layings
from likeness.image import read


def test_layings_are_by_the_table_and_in_pixels() -> None:
    how = layings({"eyes": (0.1, -0.2)}, [("left_eye", 1.5)], {"mouth": (1, 1.1, 0.9)}, 30.0)
    assert (how["left_eye"].right, how["left_eye"].down, how["left_eye"].scale) == pytest.approx((3, -6, 1.5))
    assert (how["right_eye"].right, how["right_eye"].scale) == pytest.approx((3, 1))
    assert how["mouth"].tint == (1, 1.1, 0.9)
    assert set(how) == {"left_eye", "right_eye", "mouth"}


@pytest.mark.parametrize(
    "given",
    [
        {"shift": {"ear": (0, 0)}},
        {"shift": {"mouth": (0, float("nan"))}},
        {"shift": {"mouth": 3}},
        {"shift": "mouth"},
        {"scale": {"mouth": 0}},
        {"scale": {"mouth": "wide"}},
        {"tint": {"nose": (1, 1)}},
        {"tint": {"nose": (1, 1, -1)}},
    ],
    ids=str,
)
def test_what_cannot_be_laid_is_refused(given: dict[str, object], samples: list[Path]) -> None:
    with pytest.raises(LikenessError):
        library.load("parts").prepare({"photo": samples[0], **given})


def test_a_moved_mouth_moves(samples: list[Path]) -> None:
    parts = library.load("parts")
    still, moved = parts(photo=samples[0]), parts(photo=samples[0], shift={"mouth": (0, 0.2)}, tint={"eyes": (0.5, 0.5, 0.5)})
    before, after = still.intermediates["parts"].astype(int), moved.intermediates["parts"].astype(int)
    down = round(0.2 * 0.27 * 128)
    assert np.abs(before[90:115] - after[90 + down : 115 + down]).mean() < 1
    assert after[40:60].sum() < before[40:60].sum()
    assert moved.made["shift"] == {"mouth": [0, 0.2]}


def test_make_takes_options_as_text(likeness, samples: list[Path], tmp_path: Path) -> None:
    """JSON for tables, numbers where a number may be meant, seeds as seeds: the same pictures as from Python."""
    given = ["make", "parts", "--photo", samples[0], "--shift", json.dumps({"mouth": [0, 0.2]}), "--only", "eyes,mouth"]
    assert likeness(*given, "-o", "a.png") == 0
    wanted = library.load("parts")(photo=samples[0], shift={"mouth": (0, 0.2)}, only=("eyes", "mouth"))
    assert (read("a.png") == wanted.picture).all()
    assert likeness("make", "landmark", "--landmarks", samples[1], "--mouth", "0.3", "--yaw", "10", "-o", "b.png") == 0
    assert (read("b.png") == library.load("landmark")(landmarks=samples[1], mouth=0.3, yaw=10.0).picture).all()
    assert likeness("make", "portrait", "--drawing", samples[2], "--effect", "pencil", "--noise", "3", "-o", "c.png") == 0
    assert (read("c.png") == library.load("portrait")(drawing=samples[2], effect="pencil", noise=3).picture).all()


def test_make_says_what_it_cannot_read(likeness, samples: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert likeness("make", "parts", "--photo", samples[0], "--shift", "{mouth}", "-o", "a.png") == 2
    assert capsys.readouterr().err.count("\n") == 1
