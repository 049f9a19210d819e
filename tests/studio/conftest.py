"""A studio and a browser for the tests of a module, and a page for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, chromium, started, visit


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio's address."""
    pytest.importorskip("uvicorn", reason="needs likeness[studio]")
    with started(tmp_path_factory.mktemp("studio")) as made:
        yield made


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    """Requests to its API, of one session."""
    httpx = pytest.importorskip("httpx", reason="needs likeness[studio]")
    with httpx.Client(base_url=f"{address}api/v1", timeout=120) as made:
        yield made


@pytest.fixture(scope="module")
def play() -> Iterator[Any]:
    """Playwright, where there is a browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (likeness[browser])")
    if CHROMIUM is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    with playwright.sync_playwright() as begun:
        yield begun


@pytest.fixture(scope="module")
def browser(play: Any) -> Iterator[Any]:
    """Debian's chromium."""
    with chromium(play) as opened:
        yield opened


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, 1440 × 900."""
    with visit(browser, address) as opened:
        yield opened
