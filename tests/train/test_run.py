"""A run directory says whose code made it, and no other's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import likeness

SOURCE = Path(likeness.__file__).parent


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("place", "tracked", "ours"),
    [
        ("src/likeness", True, True),
        ("src/likeness", False, False),  # lies in somebody's folder, and is not theirs
        (".venv/lib/python3/site-packages/likeness", True, False),  # whoever commits their environment
        ("vendor/likeness", True, False),
    ],
)
def test_the_commit_is_never_another_repositorys(tmp_path: Path, place: str, tracked: bool, ours: bool) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    package = tmp_path / "project" / place
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("weights", "__pycache__", "*.png"))
    (tmp_path / "project" / "theirs.txt").write_text("somebody's work")
    git(tmp_path / "project", "init", "-q")
    git(tmp_path / "project", "add", "-A" if tracked else "theirs.txt", *(["-f"] if tracked else []))
    git(tmp_path / "project", "commit", "-qm", "theirs")
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); from likeness.train.run import commit, __file__ as own; "
    done = subprocess.run(
        [sys.executable, "-S", "-c", code + "print(own); print(commit())"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(path for path in sys.path if "site-packages" in path)},
    )
    own, said, *_ = [*done.stdout.split("\n"), ""]
    assert own == str(package / "train" / "run.py"), done.stderr
    expected = git(tmp_path / "project", "rev-parse", "--short=12", "HEAD") if ours else ""
    assert said.rstrip("+") == expected
