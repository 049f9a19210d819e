"""The studio's page in a browser, for its tests: how it is opened, and what a user does on it."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likeness import assets, provenance

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PEOPLE = ("ada", "bo", "cleo", "dev")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (apt-get install chromium)")


@contextmanager
def started(work: Path, *words: str) -> Iterator[str]:
    """A studio of its own, as a user starts it: its address."""
    command = [sys.executable, "-m", "likeness.cli", "studio", "--port", "0", "--no-browser", "--work", str(work), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def chromium(play: Any, *flags: str) -> Iterator[Any]:
    """A browser without a window."""
    opened = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def visit(
    browser: Any, address: str, size: tuple[int, int] = (1440, 900), allowed: Sequence[str] = (), **more: Any
) -> Iterator[Any]:
    """The page with a session of its own.

    A mistake in its scripts fails the test, but for lines of the console that hold a word of ``allowed``.
    """
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, **{"color_scheme": "light", **more})
    page = context.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(address)
    page.locator(".tabs").wait_for()
    yield page
    problems = [one for one in problems if not any(word in one for word in allowed)]
    assert not problems, problems
    context.close()


def drop(page: Any, *names: str) -> None:
    """Give the open bench sample photos by its first input of files."""
    page.locator(".side.left input[type=file]").first.set_input_files([assets.SAMPLES / f"{name}.png" for name in names])


def painted(page: Any, which: int = 0) -> np.ndarray:
    """The picture on a stage, S × S × 4, as the page painted it."""
    data = page.locator(".stage").nth(which).locator("canvas").first.evaluate("(canvas) => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGBA")).copy()


def settled(page: Any, before: np.ndarray | None = None, which: int = 0) -> np.ndarray:
    """The picture on a stage once there is one, another than ``before``."""
    for _ in range(200):
        now = painted(page, which)
        if now[..., 3].any() and (before is None or before.shape != now.shape or (before != now).any()):
            return now
        page.wait_for_timeout(50)
    raise AssertionError("nothing new was painted")


def saved(page: Any, folder: Path, act: Any) -> Path:
    with page.expect_download() as waiting:
        act()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def by_menu(page: Any, entry: str) -> Any:
    def act() -> None:
        page.locator(".actions .menu > button").click()
        page.locator(f'[role=menuitem]:has-text("{entry}")').click()

    return act


def is_marked(path: Path, system: str) -> None:
    mark = provenance.read(path)
    assert mark is not None and mark.trained and system in mark.software
