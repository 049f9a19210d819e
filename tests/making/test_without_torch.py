"""The making half runs where torch, pyarrow and the learning rooms cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_shipped_system_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "try_base.py"), "--block"], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert "all systems ran without torch" in done.stdout


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (["train", "parts:tiny", "-o", "x"], "'likeness[train]'"),
        (["prepare", ".", "-o", "x.parquet"], "'likeness[train]'"),
        (["reenact", "clip.mp4", "-o", "x.mp4"], "'likeness[video]'"),
    ],
)
def test_a_command_that_needs_an_extra_says_which(call: list[str], line: str, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    code = "import sys\nfor name in ('torch', 'pyarrow', 'av'): sys.modules[name] = None\n"
    code += f"from likeness import cli\nsys.exit(cli.main({call!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
