"""A further system is one folder and one row: installed from a temporary folder, it works through every command."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from likeness.data.store import row, write_rows
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import read

TOY = Path(__file__).parent / "toy" / "colourist"
BLOCKED = (
    "torch",
    "pyarrow",
    *(f"likeness.{room}" for room in ("nn", "losses", "data", "system", "train", "export", "evaluate")),
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that Python finds packages in: the toy, and what an installer writes of it."""
    site = tmp_path / "site"
    shutil.copytree(TOY, site / "colourist")
    note = site / "colourist-1.0.dist-info"
    note.mkdir()
    (note / "METADATA").write_text("Metadata-Version: 2.1\nName: colourist\nVersion: 1.0\n")
    (note / "entry_points.txt").write_text("[likeness.systems]\ncolourist = colourist:ROW\n")
    return site


def run(folder: Path, site: Path | None, *words: object, block: bool = False) -> tuple[int, str, str]:
    """``likeness`` with these words in a process of its own."""
    code = f"import sys\nfor name in {BLOCKED if block else ()!r}: sys.modules[name] = None\n"
    code += f"from likeness.cli import main\nsys.exit(main({[str(word) for word in words]!r}))"
    paths = [str(path) for path in (site, os.environ.get("PYTHONPATH")) if path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_one_folder_and_one_row(installed: Path, tmp_path: Path, samples: list[Path]) -> None:
    framing = Framing(size=64)
    sides = ["train"] * 60 + ["validation"] * 2 + ["test"] * 8
    faces = [replace(face, split=side) for face, side in zip(drawn_faces(70, framing), sides, strict=True)]
    write_rows(tmp_path / "f.parquet", [row(face, "lfw", 20.0) for face in faces], framing)

    def good(*words: object, block: bool = False) -> str:
        status, out, error = run(tmp_path, installed, *words, block=block)
        assert status == 0, error
        return out

    assert "colourist: colours for a grey photo" in good("systems")
    assert "next: likeness make colourist" in good("train", "colourist:tiny", "--data", "f.parquet", "-o", "run", "--threads", 1)
    graph = tmp_path / "run" / "colourer.onnx"
    first = graph.read_bytes()
    graph.unlink()
    good("export", "run")
    assert graph.read_bytes() == first

    good("make", "colourist", "--weights", "run", "--photo", samples[0], "-o", "a.png", "--json", block=True)  # without torch
    assert read(tmp_path / "a.png").shape == (64, 64, 3)
    assert json.loads((tmp_path / "a.json").read_text())["engine"] == "onnx"

    asked = ("evaluate", "colourist", "--data", "f.parquet", "--weights", "run")
    good(*asked, "-o", "e.json", "--csv", "e.csv", "--sheet", "e.png")
    with (tmp_path / "e.csv").open() as file:
        lines = {line["method"]: line for line in csv.DictReader(file)}
    assert list(lines) == ["ours", "grey"] and lines["ours"]["recipe"] == "colourist:tiny"
    assert float(lines["ours"]["psnr"]) > float(lines["grey"]["psnr"])  # drawn faces have colours, and it has learned some
    assert "8 faces" in good("compare", "e.json", "e.json")

    study = ("study", "colourist", "widths", "--data", "f.parquet", "-o", "s", "--threads", 1)
    good(*study, "--csv", "w.csv")
    assert (tmp_path / "s" / "width-2" / "colourer.onnx").is_file() and (tmp_path / "s" / "colourist.png").is_file()
    with (tmp_path / "w.csv").open() as file:
        assert [line["method"] for line in csv.DictReader(file)] == ["ours", "s/width-2", "grey"]

    status, _, error = run(tmp_path, installed, "make", "colourist", "--photo", samples[0])
    assert status == 2 and "no weights of colourist ship" in error
    status, _, error = run(tmp_path, installed, "evaluate", "colourist", "--data", "f.parquet")
    assert status == 2 and "--weights W is needed" in error
    status, _, error = run(tmp_path, None, "systems", "run")  # its card can be read, but nothing is known of it
    assert status == 0
    status, _, error = run(tmp_path, None, "train", "colourist:tiny", "-o", "x")
    assert status == 2 and "'colourist' is neither a system nor a baseline" in error
