"""The studio's page in Debian's chromium: each bench from a first action to a saved file, by mouse and by keyboard."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import PEOPLE, by_menu, drop, is_marked, painted, saved, settled, visit
from people import one_person

from likeness.faces import moves
from likeness.faces.landmarks import mirror
from likeness.faces.reader import FaceReader
from likeness.faces.solid import SOLID
from likeness.image import read


def test_parts_by_mouse(page: Any, tmp_path: Path) -> None:
    """Drop photos, put on a mouth by dragging its tile, move it, save; undo brings the first face back."""
    drop(page, *PEOPLE)
    page.locator('.tile[data-tile^="mouth:"]').nth(3).wait_for()
    settled(page)
    page.wait_for_timeout(500)
    first = painted(page)
    box = page.locator(".stage").bounding_box()
    tile = page.locator('.tile[data-tile^="mouth:"]').nth(1)
    tile.scroll_into_view_if_needed()
    there = tile.bounding_box()
    page.mouse.move(there["x"] + 20, there["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    second = settled(page, first)
    assert tile.get_attribute("aria-pressed") == "true"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.78
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 10, steps=4)
    page.mouse.up()
    settled(page, second)
    page.wait_for_timeout(600)
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    assert path.name == "face-parts.png" and read(path).shape == (128, 128, 3)
    is_marked(path, "parts")
    bundle = saved(page, tmp_path, by_menu(page, "as a zip"))
    with zipfile.ZipFile(bundle) as held:
        assert {"again.sh", "again.py", "ada.png"} <= set(held.namelist())
    for _ in range(2):
        page.locator('button[aria-label^="Undo"]').click()
    page.wait_for_timeout(800)
    assert np.abs(painted(page).astype(int) - first.astype(int)).mean() < 1
    undone = painted(page)
    page.keyboard.press("Control+y")
    settled(page, undone)
    assert page.locator('.tile[data-tile^="mouth:"]').nth(1).get_attribute("aria-pressed") == "true"


def test_parts_by_keyboard(page: Any, tmp_path: Path) -> None:
    drop(page, "ada", "bo")
    page.locator('.tile[data-tile^="nose:"]').nth(1).wait_for()
    page.wait_for_timeout(500)
    first = settled(page)
    page.locator('.tile[data-tile^="nose:"]').nth(1).focus()
    page.keyboard.press("Enter")
    second = settled(page, first)
    page.locator(".stage").focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowUp")
    settled(page, second)
    is_marked(saved(page, tmp_path, lambda: page.keyboard.press("Control+s")), "parts")


def test_landmarks_by_mouse(page: Any, tmp_path: Path) -> None:
    """Read a photo, drag the mouth, turn the head; the warning comes with what the model has not seen; the JSON can be opened."""
    page.locator("#tab-landmarks").click()
    plain = settled(page)
    drop(page, "cleo")
    first = settled(page, plain)
    page.locator('.tile[aria-pressed="true"]').wait_for()
    page.wait_for_timeout(500)
    first = painted(page)
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.75
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y - 15, steps=4)
    settled(page, first)
    page.mouse.move(x, y - 330, steps=4)
    page.locator(".chip:visible").wait_for()
    assert "outside what this model has seen" in page.locator(".chip").inner_text()
    page.mouse.up()
    page.keyboard.press("Control+z")
    page.locator(".chip").wait_for(state="hidden")
    page.get_by_label("Turn").fill("20")
    page.wait_for_timeout(500)
    is_marked(saved(page, tmp_path, by_menu(page, "As PNG")), "landmark")
    page.locator('.actions button:has-text("Make it again")').click()
    assert "--yaw 20" in page.locator("dialog pre").first.inner_text()
    page.keyboard.press("Escape")
    points = saved(page, tmp_path, lambda: page.locator('button:has-text("Save the landmarks")').click())
    assert np.shape(json.loads(points.read_text())["points"]) == (68, 2)


def test_landmarks_by_keyboard(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-landmarks").focus()
    page.keyboard.press("Enter")
    first = settled(page)
    page.locator(".stage").focus()
    for key in ("p", "]", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    second = settled(page, first)
    page.get_by_label("Mouth", exact=True).focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    settled(page, second)
    page.wait_for_timeout(300)
    is_marked(saved(page, tmp_path, lambda: page.keyboard.press("Control+s")), "landmark")


def test_sketch_by_mouse(page: Any, tmp_path: Path) -> None:
    """Draw, see the photo, take ISEGAN, paint on its parsing, save."""
    page.locator("#tab-sketch").click()
    box = page.locator(".stage").first.bounding_box()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.45
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 5, steps=6)
    before = settled(page, which=1)
    page.mouse.move(x + 90, y + 60, steps=6)
    page.mouse.up()
    settled(page, before, which=1)
    drop(page, "dev")
    page.locator(".side.left input[type=file]").first.wait_for(state="attached")
    settled(page, painted(page, 1), which=1)
    page.locator(".side.right select").select_option("isegan")
    page.locator('[data-value="parsing"]').click()
    page.wait_for_timeout(2500)
    before = settled(page, which=1)
    box = page.locator(".stage").first.bounding_box()
    x, y = box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=6)
    page.mouse.up()
    settled(page, before, which=1)
    page.locator('button:has-text("Follow the drawing again")').wait_for()
    page.wait_for_timeout(800)
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    is_marked(path, "isegan")
    assert read(path).shape == (250, 200, 3)


def test_sketch_by_keyboard(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-sketch").focus()
    page.keyboard.press("Enter")
    page.locator(".stage").first.focus()
    page.keyboard.press(" ")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press(" ")
    settled(page, which=1)
    page.wait_for_timeout(300)
    is_marked(saved(page, tmp_path, lambda: page.keyboard.press("Control+s")), "isegan")


def test_an_erased_feature_is_painted_by_any_mix(page: Any, tmp_path: Path) -> None:
    """A drawn photo whose mouth is rubbed out has one again, where it was; undo brings the drawn one back."""
    page.locator("#tab-sketch").click()
    drop(page, "dev")
    first = settled(page, which=1)
    page.locator(".side.right select").first.select_option("joint")
    settled(page, first, which=1)
    page.wait_for_timeout(1500)
    whole = painted(page, 1)
    page.locator('.side.right button:has-text("Mouth")').click()
    settled(page, whole, which=1)
    page.wait_for_timeout(1500)
    assert 150 < page.evaluate("window.studio.active.doc.ops.at(-1).tone") < 256  # that of the drawn skin round a mouth
    repaired = painted(page, 1)
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    is_marked(path, "joint")
    assert FaceReader().largest(read(path)) is not None
    page.keyboard.press("Control+z")
    settled(page, repaired, which=1)


def test_portrait_marks_strangers(page: Any) -> None:
    page.locator("#tab-portrait").click()
    drop(page, "ada", "bo", "cleo")
    page.locator(".person.odd").first.wait_for()
    assert page.locator('button:has-text("Train")').first.is_disabled()
    page.locator('button:has-text("Remove mismatches")').click()
    page.locator(".person").nth(1).wait_for(state="detached")
    page.keyboard.press("Control+z")
    page.locator(".person").nth(2).wait_for()


@pytest.mark.timeout(600)
def test_a_person_is_trained_and_drawn(page: Any, samples: list[Path], tmp_path: Path) -> None:
    """Drop photos, train for a few steps, draw with the model, save; a reload in between ends nothing."""
    pytest.importorskip("torch", reason="needs likeness[train]")

    def shorten(route: Any) -> None:
        if route.request.method != "POST":
            return route.continue_()
        return route.continue_(post_data=json.dumps({**route.request.post_data_json, "steps": 3}))

    page.route("**/api/v1/jobs", shorten)
    photos = []
    for name, content in one_person(samples[0]):
        photos.append(tmp_path / name)
        photos[-1].write_bytes(content)
    page.locator("#tab-portrait").click()
    page.locator(".side.left input[type=file]").first.set_input_files(photos)
    page.locator(".person").nth(len(photos) - 1).wait_for()
    assert page.locator(".person.odd").count() == 0
    page.get_by_label("Name").fill("Ada")
    page.locator('button:has-text("Train"):not([disabled])').first.click()
    page.locator('.job strong:has-text("Ada")').wait_for()
    page.reload()
    page.locator('button:has-text("Draw with it")').click(timeout=400_000)
    page.locator('option:checked:has-text("Ada")').wait_for(state="attached")
    page.locator('[aria-label^="Draw ada-0"]').click()
    settled(page, which=1)
    page.wait_for_timeout(800)
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    is_marked(path, "portrait")
    assert read(path).shape == (128, 128, 3)
    page.locator("#tab-portrait").click()
    page.locator('.job button:has-text("Delete")').click()
    page.keyboard.press("Escape")
    assert page.locator(".job").count() == 1
    page.locator('.job button:has-text("Delete")').click()
    page.locator('dialog button:has-text("Delete")').click()
    page.locator(".job").wait_for(state="detached")


def test_session_is_a_file_and_survives_a_reload(page: Any, tmp_path: Path) -> None:
    drop(page, "ada", "bo")
    page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
    settled(page)
    page.wait_for_timeout(1500)
    page.keyboard.press("k")
    page.locator(".kept").wait_for()

    def act() -> None:
        page.locator('.tools button[title="Session"]').click()
        page.locator('[role=menuitem]:has-text("Save the session")').click()

    path = saved(page, tmp_path, act)
    page.wait_for_timeout(1200)
    page.reload()
    page.locator(".kept").wait_for()
    settled(page)
    page.locator('.tools button[title="Session"]').click()
    page.locator('[role=menuitem]:has-text("Start anew")').click()
    page.locator('dialog button:has-text("Delete without saving")').click()
    page.locator('h2:has-text("A face of parts")').wait_for()
    page.locator(".tools input[type=file]").set_input_files(path)
    page.locator('.tile[data-tile^="mouth:"]').nth(1).wait_for()
    page.locator('.tile[data-tile^="mouth:"][aria-pressed="true"]').wait_for()
    assert page.locator('.tile[data-tile^="mouth:"]').nth(1).get_attribute("aria-pressed") == "true"


def test_compare_shows_what_it_was_made_from(page: Any) -> None:
    drop(page, "ada")
    settled(page)
    page.wait_for_timeout(800)
    page.keyboard.press("c")
    slide = page.locator(".stage .slide")
    slide.wait_for()
    slide.fill("80")
    assert page.locator(".stage .before").evaluate("(one) => one.style.clipPath").startswith("inset(0px 20%")
    page.keyboard.press("Escape")
    slide.wait_for(state="detached")


def test_page_moves_landmarks_as_the_library(page: Any) -> None:
    """faces.js and likeness.faces.moves agree to a thousandth of a pixel."""
    solid = np.asarray(SOLID, np.float32)[:, :2] * 34.56 + np.array([64, 70], np.float32)
    points = solid + np.random.default_rng(1).normal(0, 1.5, solid.shape).astype(np.float32)
    for how in (
        {"yaw": 20, "pitch": -8, "roll": 5},
        {"eyes": 0.3},
        {"mouth": 0.4},
        {"mouth": 0},
        {"yaw": -35, "eyes": 1.4, "mouth": 0.2},
    ):
        found = page.evaluate(
            "async ([points, how]) => (await import('/js/faces.js')).changed(points, how)", [points.tolist(), how]
        )
        assert np.abs(np.asarray(found) - moves.changed(points, **how)).max() < 1e-3
    found = page.evaluate("async (points) => (await import('/js/faces.js')).mirrored(points, 128)", points.tolist())
    assert np.abs(np.asarray(found) - mirror(points, 128)).max() < 1e-3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("bench", ["parts", "landmarks", "sketch", "portrait", "many", "make"])
def test_axe_finds_no_serious_fault(page: Any, bench: str, theme: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs axe-core-python (likeness[browser])")
    drop(page, "ada", "bo")
    settled(page)
    page.locator(f"#tab-{bench}").click()
    page.evaluate("(theme) => window.studio.theme(theme)", theme)
    page.wait_for_timeout(500)
    found = axe.Axe().run(page)
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious


def test_a_tablet_shows_everything(browser: Any, address: str) -> None:
    with visit(browser, address, (820, 1180), has_touch=True) as opened:
        drop(opened, "ada", "bo", "cleo")
        opened.locator('.tile[data-tile^="jaw:"]').nth(2).wait_for()
        for bench in ("parts", "landmarks", "sketch", "portrait", "many", "make"):
            opened.locator(f"#tab-{bench}").click()
            opened.wait_for_timeout(200)
            assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
            box = opened.locator(".board").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 820
            middle, side = (opened.locator(f".{name}:visible").first.bounding_box() for name in ("middle", "side.left"))
            assert side is None or middle["y"] + middle["height"] <= side["y"] + 1, f"{bench}: the canvas covers the panels"
            cut = "[...document.querySelectorAll('.side')].some((one) => one.scrollHeight > one.clientHeight + 1)"
            assert not opened.evaluate(cut), f"{bench}: a panel is shorter than what is in it"
