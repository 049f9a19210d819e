"""The soak of ``tools/soak_studio.py``, a short one: the tool itself makes 10,000 requests and prints the figures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
pytest.importorskip("httpx")
TOOL = Path(__file__).parents[2] / "tools" / "soak_studio.py"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_short_soak_fails_nowhere_and_leaves_nothing_open() -> None:
    """Three users, each of whom begins a new session once and uses every route; memory is judged by the long one alone."""
    done = subprocess.run([sys.executable, str(TOOL), "240", "--users", "3"], capture_output=True, text=True, timeout=280)
    assert "240 requests of 3 users" in done.stdout and ", 0 failed" in done.stdout.splitlines()[-3], done.stdout + done.stderr
    kinds = {line.split()[0] for line in done.stdout.splitlines() if "median" in line}
    assert {"send", "parts", "grid", "landmarks", "sketch", "live", "mistake", "file", "session"} <= kinds
    threads, files = map(int, re.findall(r"at the end: (\d+) threads, (\d+) open files", done.stdout)[0])
    assert threads < 60 and files < 60
