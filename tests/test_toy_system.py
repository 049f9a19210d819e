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


COMMANDS = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
for name in json.loads(sys.argv[1]): sys.modules[name] = None
from likeness.cli import main
for line in sys.stdin:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as error:
        status = main(json.loads(line))
    print(json.dumps([status, out.getvalue(), error.getvalue()]), flush=True)
"""


class Commands:
    """A process that runs ``likeness`` with the words that it is given, command after command."""

    def __init__(self, folder: Path, site: Path | None, block: bool = False) -> None:
        paths = [str(path) for path in (site, os.environ.get("PYTHONPATH")) if path]
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMANDS, json.dumps(BLOCKED if block else [])],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Commands:
        return self

    def __exit__(self, *problem: object) -> None:
        self._process.communicate()

    def run(self, *words: object) -> tuple[int, str, str]:
        """Status, output and errors of one command."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([str(word) for word in words]), file=self._process.stdin, flush=True)
        status, out, error = json.loads(self._process.stdout.readline())
        return status, out, error

    def good(self, *words: object) -> str:
        """The output of a command that succeeds."""
        status, out, error = self.run(*words)
        assert status == 0, error
        return out


def test_one_folder_and_one_row(installed: Path, tmp_path: Path, samples: list[Path]) -> None:
    framing = Framing(size=64)
    sides = ["train"] * 60 + ["validation"] * 2 + ["test"] * 8
    faces = [replace(face, split=side) for face, side in zip(drawn_faces(70, framing), sides, strict=True)]
    write_rows(tmp_path / "f.parquet", [row(face, "lfw", 20.0) for face in faces], framing)

    with Commands(tmp_path, installed) as one:
        tried(one, installed, tmp_path, samples)
    with Commands(tmp_path, None) as without:
        status, _, error = without.run("systems", "run")  # its card can be read, but nothing is known of it
        assert status == 0
        status, _, error = without.run("train", "colourist:tiny", "-o", "x")
        assert status == 2 and "'colourist' is neither a system nor a baseline" in error


def tried(one: Commands, installed: Path, folder: Path, samples: list[Path]) -> None:
    """Every command, with the toy installed."""
    good = one.good
    assert "colourist: colours for a grey photo" in good("systems")
    assert "next: likeness make colourist" in good("train", "colourist:tiny", "--data", "f.parquet", "-o", "run", "--threads", 1)
    graph = folder / "run" / "colourer.onnx"
    first = graph.read_bytes()
    graph.unlink()
    good("export", "run")
    assert graph.read_bytes() == first

    with Commands(folder, installed, block=True) as light:  # without torch
        light.good("make", "colourist", "--weights", "run", "--photo", samples[0], "-o", "a.png", "--json")
    assert read(folder / "a.png").shape == (64, 64, 3)
    assert json.loads((folder / "a.json").read_text())["engine"] == "onnx"

    asked = ("evaluate", "colourist", "--data", "f.parquet", "--weights", "run")
    good(*asked, "-o", "e.json", "--csv", "e.csv", "--sheet", "e.png")
    with (folder / "e.csv").open() as file:
        lines = {line["method"]: line for line in csv.DictReader(file)}
    assert list(lines) == ["ours", "grey"] and lines["ours"]["recipe"] == "colourist:tiny"
    assert float(lines["ours"]["psnr"]) > float(lines["grey"]["psnr"])  # drawn faces have colours, and it has learned some
    assert "8 faces" in good("compare", "e.json", "e.json")

    study = ("study", "colourist", "widths", "--data", "f.parquet", "-o", "s", "--threads", 1)
    good(*study, "--csv", "w.csv")
    assert (folder / "s" / "width-2" / "colourer.onnx").is_file() and (folder / "s" / "colourist.png").is_file()
    with (folder / "w.csv").open() as file:
        assert [line["method"] for line in csv.DictReader(file)] == ["ours", "s/width-2", "grey"]

    status, _, error = one.run("make", "colourist", "--photo", samples[0])
    assert status == 2 and "no weights of colourist ship" in error
    status, _, error = one.run("evaluate", "colourist", "--data", "f.parquet")
    assert status == 2 and "--weights W is needed" in error
