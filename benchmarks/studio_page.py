"""The studio's page in a real browser, for the benchmarks beside this file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright


@contextmanager
def opened(bench: str) -> Iterator[Page]:
    """A bench of a studio of its own, once its first face is shown and the other systems have been opened."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as started:
        command = [sys.executable, "-m", "likeness.cli", "studio", "--port", "0", "--no-browser", "--work", work]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(server.stdout.readline().strip() + f"#{bench}")
            page.locator(".ms:not(:empty)").wait_for()
            page.wait_for_timeout(4000)
            yield page
            browser.close()
            server.terminate()
