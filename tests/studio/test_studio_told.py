"""What the page says and takes: what is missing here, pictures that cannot be used, and how one is removed."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from browsing import drop, painted, settled, visit
from PIL import Image

from likeness.studio import job

pytest.importorskip("fastapi", reason="needs likeness[studio]")


def test_what_is_missing_is_told_with_the_pip_of_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """To somebody at this machine; others are not told where anything lies."""
    monkeypatch.setattr(job, "find_spec", lambda name: None if name == "torch" else object())
    pip = shutil.which("pip", path=str(Path(sys.executable).parent)) or "pip"
    assert job.possible(here=True) == {
        "reenact": True,
        "portrait": f"this needs torch: {pip} install 'likeness[train]', then start the studio anew",
    }
    assert job.possible()["portrait"] == "this needs torch: pip install 'likeness[train]', then start the studio anew"


def test_a_bench_says_up_front_what_it_lacks(page: Any) -> None:
    def without(route: Any) -> None:
        answer = route.fetch()
        lacks = {"reenact": "this needs av: pip A", "portrait": "this needs torch: pip B"}
        route.fulfill(response=answer, body=json.dumps({**answer.json(), "jobs": lacks}))

    page.route("**/api/v1/tables", without)
    page.reload()
    page.locator("#tab-portrait").click()
    assert "Nothing can be trained here yet: this needs torch: pip B." in page.locator(".board .empty .note").inner_text()
    page.locator("#tab-landmarks").click()
    assert "cannot be made as a whole here: this needs av: pip A." in page.locator(".side.left .note").inner_text()


def test_a_text_is_no_clip(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-landmarks").click()
    (tmp_path / "notes.txt").write_text("no frames")
    page.locator('input[accept="video/*"]').set_input_files(tmp_path / "notes.txt")
    page.locator('p:has-text("notes.txt is no video")').wait_for()
    assert page.locator('button:has-text("Make the whole clip")').is_hidden()


def meadow(path: Path) -> Path:
    """A picture without a face, green all over."""
    Image.new("RGB", (320, 200), (90, 140, 80)).save(path)
    return path


def given(page: Any, *files: Path) -> None:
    page.locator(".side.left input[type=file]").first.set_input_files(files)


def test_a_photo_is_removed_from_the_session(page: Any) -> None:
    """By keyboard, after a question; no bench, step of undo or face on the shelf names it any more."""
    drop(page, "ada", "bo")
    page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
    settled(page)
    page.wait_for_timeout(800)
    page.keyboard.press("k")
    page.locator(".kept").wait_for()
    id = page.evaluate("window.studio.pictures[1].id")
    page.locator("#tab-many").click()
    page.locator('[aria-label="The person: bo.png"]').click()
    page.locator('[aria-label="The person: bo.png"][aria-pressed="true"]').wait_for()
    page.locator('[aria-label="The person: bo.png"]').press("Delete")
    page.locator("dialog >> text=taken out of Parts, Many faces, the shelf").wait_for()
    page.keyboard.press("Escape")
    assert page.locator('[aria-label="The person: bo.png"]').count() == 1
    page.locator('[aria-label="The person: bo.png"]').press("Delete")
    page.locator('dialog button:has-text("Remove it")').press("Enter")
    page.locator('[aria-label="The person: bo.png"]').wait_for(state="detached")
    assert page.evaluate("document.activeElement.ariaLabel") == "The person: ada.png"
    held = "JSON.stringify([window.studio.store.docs, window.studio.store.past, window.studio.store.future])"
    assert id not in page.evaluate(held) and page.evaluate("window.studio.store.get('many').photo") is None
    assert page.request.get(f"{page.url.split('#')[0]}api/v1/pictures/{id}").status == 404
    page.locator("#tab-parts").click()
    page.locator('.tile[data-tile^="mouth:"]').nth(1).wait_for(state="detached")
    assert page.evaluate("Object.keys(window.studio.active.doc.applied).sort()") == ["eyes", "nose"]
    page.reload()
    page.locator('.tile[data-tile^="mouth:"]').wait_for()
    assert page.evaluate("window.studio.pictures.map(({ name }) => name)") == ["ada.png"]


def test_a_picture_without_a_face_is_told_and_can_be_removed(browser: Any, address: str, tmp_path: Path) -> None:
    with visit(browser, address, allowed=("422",)) as opened:
        refused(opened, meadow(tmp_path / "meadow.png"))


def refused(page: Any, picture: Path) -> None:
    """By Parts and Many faces, laid by Sketch with a warning, removed by its cross."""
    given(page, picture)
    page.locator('.toast:has-text("meadow.png: no face was found")').wait_for()
    assert "no face was found" in page.locator('[data-tile^="photo:"].refused').get_attribute("aria-label")
    page.locator("#tab-many").click()
    page.locator('[aria-label="The person: meadow.png"]').click()
    page.locator('.toast:has-text("meadow.png: no face was found")').nth(1).wait_for()
    assert page.locator('[aria-pressed="true"]').count() == 0
    page.locator("#tab-sketch").click()
    page.locator('[aria-label="Draw meadow.png"]').click()
    page.locator('.chip:has-text("no face was seen in meadow.png")').wait_for()
    page.keyboard.press("Control+z")
    page.locator(".chip:visible").wait_for(state="detached")
    page.locator(".held").hover()
    page.locator('[aria-label="Remove meadow.png from the session"]').click()
    page.locator('dialog button:has-text("Remove it")').click()
    page.locator(".held").wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "dropzone"


def test_a_photo_on_the_paper_is_drawn_anew_in_another_way(page: Any, samples: list[Path], tmp_path: Path) -> None:
    """What was drawn over it stays; undo brings the first drawing back. A large photo has its eyes where a small one has."""
    page.locator("#tab-sketch").click()
    with Image.open(samples[0]) as photo:
        photo.convert("RGB").resize((1536, 1536), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    drop(page, "ada")
    small = settled(page)
    page.wait_for_timeout(500)
    small = painted(page)
    page.locator('button:has-text("Mouth")').click()
    page.wait_for_function("() => window.studio.active.doc.ops.length === 2")
    before = settled(page, small)
    page.get_by_label("Photos are drawn as").select_option("line")
    settled(page, before)
    assert page.evaluate("window.studio.active.doc.ops.map(({ t, effect }) => [t, effect ?? null])") == [
        ["i", "line"],
        ["e", None],
    ]
    page.keyboard.press("Control+z")
    page.wait_for_function("() => window.studio.active.doc.ops[0].effect === 'pencil'")
    assert page.get_by_label("Photos are drawn as").input_value() == "pencil"
    first = width_on_paper(page)
    given(page, tmp_path / "large.png")
    page.wait_for_function("() => window.studio.active.doc.ops.length === 1")
    assert width_on_paper(page) == pytest.approx(first, rel=0.05)


def width_on_paper(page: Any) -> float:
    """How wide the picture on the paper lies there, in eye distances."""
    page.wait_for_function("() => window.studio.active.drawing.image(window.studio.active.doc.ops[0].id)")
    found = page.evaluate(
        "(({ drawing, doc: { ops: [{ id, m }] } }) => m[0] * drawing.image(id).naturalWidth)(window.studio.active)"
    )
    return float(found)


def test_keys_choose_parts_that_are_on(page: Any) -> None:
    """From sample faces the focus is on the face; where there is no jaw, ] passes over it."""
    page.locator('button:has-text("Use sample faces")').focus()
    page.keyboard.press("Enter")
    page.locator('.tile[data-tile^="mouth:"]').nth(5).wait_for()
    page.wait_for_function("() => document.activeElement.classList.contains('stage')")
    seen = []
    for _ in range(4):
        page.keyboard.press("]")
        seen.append(page.evaluate("window.studio.active.selected"))
    assert seen == ["eyes", "nose", "mouth", "eyes"]
    page.locator('[data-value="jaw"]').click()
    page.locator(".stage").press("ArrowUp")
    page.locator('.toast:has-text("Jaw: not put on")').wait_for()


def test_nothing_moves_or_sticks_out(page: Any) -> None:
    """Comparing moves no button, no button is wider than its panel, no bench scrolls the page, messages cover no button."""
    page.locator("#tab-landmarks").click()
    settled(page)
    drop(page, "ada")
    page.locator('.tile[aria-pressed="true"]').wait_for()
    page.wait_for_timeout(500)
    row = page.locator(".actions .button")
    before = [row.nth(n).bounding_box() for n in range(4)]
    page.locator('.actions button:has-text("Compare")').click()
    page.locator(".stage .choices button").nth(1).wait_for()
    assert [row.nth(n).bounding_box() for n in range(4)] == before
    page.locator(".stage .choices button").nth(1).click()
    assert page.locator(".stage .tag.left").inner_text() == page.locator(".stage .choices button").nth(1).inner_text()
    out = """() => [...document.querySelectorAll(".side .button")]
      .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
    for bench in ("parts", "landmarks", "sketch", "portrait", "many", "make"):
        page.locator(f"#tab-{bench}").click()
        page.wait_for_timeout(200)
        assert page.evaluate(out) == [], bench
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), bench
    tabs = page.locator(".tabs").bounding_box()
    page.evaluate("window.studio.offline.hidden = false")
    assert page.locator(".tabs").bounding_box() == tabs
    page.evaluate("import('/js/dom.js').then(({ toast }) => toast('a message'))")
    toast, row = page.locator(".toast").last.bounding_box(), page.locator(".actions:visible").bounding_box()
    assert toast["y"] + toast["height"] < row["y"]
