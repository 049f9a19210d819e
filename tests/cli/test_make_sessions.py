"""``likeness make`` with any conditions, several faces, and sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.cli import main
from likeness.image import read
from likeness.systems.joint.recipes import CHANCES


@pytest.fixture(scope="module")
def run(tiny_run: Callable[[str], Path]) -> str:
    return str(tiny_run("joint"))


def test_the_forensic_way_of_working(run: str, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session, out = str(tmp_path / "s.json"), tmp_path / "out.png"
    common = ["--weights", run, "--session", session, "-o", str(out)]
    assert main(["make", "--parts", str(samples[0]), "-n", "4", *common]) == 0
    assert 128 <= read(out).shape[0] == read(out).shape[1] < 192  # four faces of 64, two by two
    assert main(["make", "--choose", "3", "--vary", "hair", "-n", "2", *common]) == 0
    assert main(["make", "--choose", "5", "--mouth", str(samples[1]), *common]) == 0
    faces = json.loads(Path(session).read_text())["faces"]
    assert [face["parent"] for face in faces] == [0, 0, 0, 0, 3, 3, 5]
    chosen, varied, changed = faces[2]["request"], faces[4]["request"], faces[6]["request"]
    assert chosen["noise"] == 2 and varied["noise"] == 3
    assert varied["hold"] == {code: 2 for code in CHANCES if code != "hair"}
    assert changed == {**varied, "mouth": str(samples[1])}
    last = read(out)
    assert main(["make", "--choose", "7", *common]) == 0  # the same face again
    assert np.array_equal(read(out), last)
    assert "faces 8 to 8" in capsys.readouterr().out


def test_no_condition_is_somebody(run: str, tmp_path: Path) -> None:
    for seed in (0, 1):
        assert main(["make", "--weights", run, "--noise", str(seed), "-o", str(tmp_path / f"{seed}.png")]) == 0
    one, other = (read(tmp_path / f"{seed}.png") for seed in (0, 1))
    assert one.shape == (64, 64, 3) and (one != other).any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--choose", "1"], "name the --session"),
        (["-n", "0"], "-n 0"),
        (["-n", "2", "--vary", "beard"], "vary 'beard'"),
        (["--session", "{}/bad.json"], "is no session"),
        (["--session", "{}/new.json", "--choose", "2"], "has 0 faces"),
        (["--landmarks", "{}/none.json"], "none.json"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    run: str, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text("{")
    out = tmp_path / "out.png"
    assert main(["make", "--weights", run, "-o", str(out), *(word.format(tmp_path) for word in words)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not out.exists() and not (tmp_path / "new.json").exists()
