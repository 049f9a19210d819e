"""The page as it looks: small screenshots of every bench, light and dark, on a desk and a tablet, beside committed ones.

Fonts and weights differ from machine to machine and time to time; so screens are compared at a twentieth of their size. Run as a
script, this writes ``screens.png`` anew, and the pictures of docs/studio-tour.md:

    PYTHONPATH=src python tests/studio/test_studio_screens.py [FOLDER for the screens in full]
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import chromium, drop, settled, started, visit
from PIL import Image

REFERENCES = Path(__file__).with_name("screens.png")
DOCS = Path(__file__).parents[2] / "docs"
BENCHES = ("parts", "landmarks", "sketch", "portrait", "many", "make")
SIZES = {"desk": (1440, 900), "tablet": (820, 1180)}
THEMES = {"": "light", "-dark": "dark"}
LOOKS = [device + ending for device in SIZES for ending in THEMES]
CELL = (72, 59)
"""Width and height that a screen has at a twentieth of its size, at most."""
MEAN, FAR, SHARE = 7.0, 60, 0.03
"""How far a small screen may be from its reference: on average, and in at most SHARE of its pixels by more than FAR of 255."""
ANSWERED = "() => [...window.studio.backend.live.streams.values()].every(({ next, flying }) => !next && !flying.length)"
SHOWN = {
    "desk/parts": "studio-parts",
    "tablet-dark/landmarks": "studio-tablet",
    "desk/sketch": "studio-sketch",
    "desk/portrait": "studio-portrait",
    "desk/make": "studio-make",
}


def laid(page: Any, bench: str) -> None:
    """Bring a bench to where it is looked at; the samples are in the session."""
    page.locator(f"#tab-{bench}").click()
    if bench == "parts":
        settled(page)
        page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
        page.locator('.tile[data-tile^="nose:"]').nth(2).click()
    elif bench == "landmarks":
        page.locator('[aria-label="Landmarks of cleo.png"]').click()
        page.locator('[aria-label="Landmarks of cleo.png"][aria-pressed="true"]').wait_for()
        page.get_by_label("Turn", exact=True).fill("15")
        settled(page)
    elif bench == "sketch":
        page.locator('[aria-label="Draw dev.png"]').click()
        settled(page, which=1)
    elif bench == "portrait":
        page.locator('button:has-text("Use the photos of the session")').click()
        page.wait_for_function("() => window.studio.active.checks.size >= 4")
    elif bench == "make":
        settled(page)
        for slot, name in (("Eyes", "bo"), ("Mouth", "cleo"), ("Like", "ada")):
            page.locator(f'[aria-label="{slot}: empty"]').click()
            page.locator(f'dialog [aria-label="{name}.png"]').click()
            page.keyboard.press("Escape")
            page.wait_for_function("() => !window.studio.active.asked.size")
        page.locator(".mix .many .tile").nth(4).click()
        page.locator(".bench").evaluate("(one) => one.scrollTo(0, 0)")
    page.mouse.move(2, 2)
    page.wait_for_timeout(500)  # what follows the last change has been asked for
    page.locator(".toast").first.wait_for(state="detached")
    page.wait_for_function(ANSWERED)


def still(page: Any) -> Image.Image:
    """The page once nothing changes any more."""
    before = b""
    for _ in range(100):
        now = page.screenshot()
        if now == before:
            return Image.open(io.BytesIO(now)).convert("RGB")
        before = now
        page.wait_for_timeout(250)
    raise AssertionError("the page does not come to rest")


def screens(browser: Any, address: str, device: str) -> Iterator[tuple[str, str, Image.Image]]:
    """A screenshot of every bench in every theme, after the names of its look and of the bench.

    On the desk the browser asks for the light theme, on the tablet for the dark one; the other is chosen on the page.
    """
    asked = "light" if device == "desk" else "dark"
    with visit(browser, address, SIZES[device], color_scheme=asked, device_scale_factor=1, reduced_motion="reduce") as page:
        assert page.evaluate("document.documentElement.dataset.theme") == asked
        drop(page, "ada", "bo", "cleo", "dev")
        page.locator('.tile[data-tile^="mouth:"]').nth(3).wait_for()
        for bench in BENCHES:
            laid(page, bench)
            for ending, theme in THEMES.items():
                page.evaluate("(theme) => window.studio.theme(theme)", theme)
                yield device + ending, bench, still(page)


def small(screen: Image.Image) -> np.ndarray:
    """A twentieth of it, with each cell its mean."""
    return np.asarray(screen.resize((screen.width // 20, screen.height // 20), Image.Resampling.BOX), np.float32)


def reference(look: str, bench: str) -> np.ndarray:
    """What a bench looked like when the references were made."""
    sheet = Image.open(REFERENCES).convert("RGB")
    left, top = CELL[0] * BENCHES.index(bench), CELL[1] * LOOKS.index(look)
    width, height = (side // 20 for side in SIZES[look.partition("-")[0]])
    return np.asarray(sheet.crop((left, top, left + width, top + height)), np.float32)


@pytest.mark.parametrize("device", SIZES)
def test_screens_are_as_they_were(browser: Any, address: str, device: str) -> None:
    pytest.importorskip("dlib", reason="the Portrait bench says which photos match with likeness[dlib] alone")
    for look, bench, screen in screens(browser, address, device):
        far = np.abs(small(screen) - reference(look, bench)).max(2)
        assert far.mean() < MEAN, f"{look}, {bench}: differs by {far.mean():.1f} of 255 on average"
        assert (far > FAR).mean() < SHARE, f"{look}, {bench}: {100 * (far > FAR).mean():.1f} % of it looks otherwise"


def test_another_bench_is_not_taken_for_it() -> None:
    """The bounds tell the benches and the themes apart."""
    known = {(look, bench): reference(look, bench) for look in LOOKS for bench in BENCHES}
    for one, picture in known.items():
        for other, second in known.items():
            if one < other and picture.shape == second.shape:
                far = np.abs(picture - second).max(2)
                assert far.mean() > MEAN or (far > FAR).mean() > SHARE, (one, other)


def write(folder: Path | None) -> None:
    """The references, the tour's pictures, and the screens in full where a folder is named."""
    from playwright.sync_api import sync_playwright

    sheet = Image.new("RGB", (CELL[0] * len(BENCHES), CELL[1] * len(LOOKS)))
    with (
        tempfile.TemporaryDirectory() as work,
        started(Path(work)) as address,
        sync_playwright() as play,
        chromium(play) as browser,
    ):
        for device in SIZES:
            for look, bench, screen in screens(browser, address, device):
                place = CELL[0] * BENCHES.index(bench), CELL[1] * LOOKS.index(look)
                sheet.paste(Image.fromarray(small(screen).round().astype(np.uint8)), place)
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True)
                    screen.save(folder / f"{look}-{bench}.png")
                if (name := SHOWN.get(f"{look}/{bench}")) is not None:
                    screen.save(DOCS / f"{name}.webp", quality=82)
    sheet.save(REFERENCES, optimize=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
