"""Ctrl-C: once for a clean stop, twice for the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from likeness.signals import asked_to_stop

WORK = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
from likeness.signals import asked_to_stop
with asked_to_stop() as asked:
    print("working", flush=True)
    while not (asked and sys.argv[1] == "listens"):
        time.sleep(0.01)
print("stopped cleanly", flush=True)
"""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Python's own handler, also where these tests run in a shell's background, which ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def begun(how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline() == "working\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_for_a_clean_stop(number: int) -> None:
    process = begun("listens")
    process.send_signal(number)
    said, warned = process.communicate(timeout=60)
    assert (process.returncode, said, warned) == (0, "stopped cleanly\n", "likeness: stopping; once more ends at once\n")


def test_the_second_ends_at_once() -> None:
    """Also where the work never asks whether it shall stop."""
    process = begun("deaf")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None and process.stderr.readline() == "likeness: stopping; once more ends at once\n"
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, warned = process.communicate(timeout=60)
    assert process.returncode != 0 and said == "" and "KeyboardInterrupt" in warned


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with asked_to_stop() as asked:
        signal.raise_signal(signal.SIGTERM)
    assert asked == [signal.SIGTERM]
    with pytest.raises(KeyboardInterrupt), asked_to_stop():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_training_that_is_interrupted_twice_leaves_no_half_file(tmp_path: Path) -> None:
    """The real command: exit code 130, one line, and neither a lock nor a temporary file stays."""
    longer = 'training.phases=[{"steps":100000,"players":["G"],"disabled_terms":["adversarial"]}]'
    call = ["train", "parts:tiny", "-o", str(tmp_path / "run"), "--set", longer]
    process = subprocess.Popen([sys.executable, "-m", "likeness.cli", *call], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "recipe.json").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, warned = process.communicate(timeout=120)
    assert process.returncode in (130, 128 + signal.SIGINT) and "Traceback" not in warned
    assert not [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
