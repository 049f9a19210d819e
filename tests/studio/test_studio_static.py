"""The studio in the browser alone: the same faces as Python's, a saved file, and no network after the first visit."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import CHROMIUM, drop, settled, visit

import likeness
from likeness import assets, provenance
from likeness.errors import LikenessError
from likeness.image import read
from likeness.studio import static

pytest.importorskip("playwright.sync_api", reason="needs playwright (likeness[browser])")
needs = pytest.mark.skipif(CHROMIUM is None or shutil.which("npm") is None, reason="needs chromium and npm")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("static") / "page"
    size = static.build(folder)
    assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 40 * 2**20
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with visit(browser, address, (1280, 860)) as opened:
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.reload()
        opened.locator(".tabs").wait_for()
        yield opened
        assert asked and all(url.startswith((address, "blob:", "data:")) for url in asked)


FACE = """async ([system, request, blobs]) => {
  const made = await window.studio.backend.face(system, request, blobs);
  return Array.from(made.pixels.data);
}"""


def shown(page: Any, system: str, request: dict[str, Any], blobs: list[Any]) -> np.ndarray:
    return np.asarray(page.evaluate(FACE, [system, request, blobs]), np.uint8).reshape(128, 128, 4)[..., :3]


@needs
def test_faces_are_pythons_within_2_of_255(page: Any) -> None:
    """Landmarks of samples, also moved, and their drawings: the page's pixels and the library's."""
    landmark, portrait = likeness.load("landmark"), likeness.load("portrait")
    for sample in page.evaluate("window.studio.backend.samples")[:3]:
        for how in ({}, {"yaw": 15, "mouth": 0.3}, {"eyes": 0.2, "roll": -10}):
            mine = landmark(landmarks=np.asarray(sample["framed"], np.float32), framed=True, **how).picture
            his = shown(page, "landmark", {"conditions": {"landmarks": sample["framed"]}, "options": {"framed": True, **how}}, [])
            assert np.abs(mine.astype(int) - his.astype(int)).max() <= 2
    for name in ("ada", "dev"):
        photo = read(assets.SAMPLES / f"{name}.png")
        drawing = portrait(drawing=photo, effect="pencil").intermediates["drawing"]
        grey = np.round(drawing.mean(-1)).astype(np.uint8)
        mine = portrait(drawing=np.repeat(grey[..., None], 3, 2), frame="as-is").picture
        his = shown(page, "portrait", {"conditions": {}}, [{"data": grey.ravel().tolist(), "width": 128, "height": 128}])
        assert np.abs(mine.astype(int) - his.astype(int)).max() <= 2


@needs
def test_works_offline_after_the_first_visit_and_saves(page: Any, tmp_path: Path) -> None:
    assert "MB" in page.locator(".bar").inner_text()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.reload()
    page.locator("#tab-landmarks").wait_for()
    assert page.locator("[role=tab]").count() == 2
    page.locator(".side.left .tile").nth(1).click()
    page.locator(".ms:not(:empty)").wait_for()
    for bench, system in (("landmarks", "landmark"), ("sketch", "portrait")):
        page.locator(f"#tab-{bench}").click()
        if bench == "sketch":
            page.locator(".side.left .tile").nth(2).click()
            page.locator(".actions .ms:not(:empty)").wait_for()
        page.wait_for_timeout(500)
        with page.expect_download() as waiting:
            page.keyboard.press("Control+s")
        path = tmp_path / f"{bench}.png"
        waiting.value.save_as(path)
        assert read(path).shape == (128, 128, 3)
        mark = provenance.read(path)
        assert mark is not None and mark.trained and system in mark.software


@needs
def test_a_reload_brings_drawing_and_undo_back(page: Any) -> None:
    """From what the browser keeps; starting anew empties it."""
    page.locator("#tab-sketch").click()
    drop(page, "ada")
    face = settled(page, which=1)
    page.wait_for_timeout(1500)
    page.reload()
    page.locator("#tab-sketch").wait_for()
    assert (settled(page, which=1) == face).all()
    assert page.locator('button[aria-label^="Undo"]').is_enabled()
    page.locator('.tools button[title="Session"]').click()
    page.locator('[role=menuitem]:has-text("Start anew")').click()
    page.locator('dialog button:has-text("Delete without saving")').click()
    page.wait_for_timeout(1500)
    page.reload()
    page.locator('h2:has-text("Draw a face")').wait_for()
    assert page.evaluate("window.studio.backend.vault.pictures()") == []


def test_refuses_a_folder_of_something_else_and_another_package(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LikenessError, match="holds something else"):
        static.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(LikenessError, match="as it was published"):
        static.build(tmp_path / "new", tmp_path / "mine.txt")
    assert not (tmp_path / "new").exists()
