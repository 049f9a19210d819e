"""What becomes of a session on the page: restarts and reloads, files, starting anew, and the lines of Make it again."""

from __future__ import annotations

import json
import shlex
import subprocess
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from browsing import drop, painted, saved, settled, started, visit
from serving import serving

from likeness.image import read

MENU = '.tools button[title="Session"]'
GONE = ("ERR_CONNECTION_REFUSED", "WebSocket", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "500 (Internal")
"""What a browser's console says while a server stops, which ends requests that are under way, and while there is none."""


def entry(page: Any, word: str) -> None:
    page.locator(MENU).click()
    page.locator(f'[role=menuitem]:has-text("{word}")').click()


def names(page: Any) -> list[str]:
    return list(page.evaluate("window.studio.pictures.map(({ name }) => name)"))


def mixed(page: Any) -> np.ndarray:
    """Three photos, with the second's mouth and the third's nose on the first; a drawing made of the second; the face."""
    drop(page, "bo", "ada", "cleo")
    page.locator('.tile[data-tile^="mouth:"]').nth(2).wait_for()
    before = settled(page)
    page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
    after = settled(page, before)
    page.locator('.tile[data-tile^="nose:"]').nth(2).click()
    settled(page, after)
    page.keyboard.press("k")
    page.locator(".kept").wait_for()
    page.locator("#tab-sketch").click()
    page.locator('[aria-label="Draw ada.png"]').click()
    settled(page, which=1)
    page.locator("#tab-parts").click()
    page.wait_for_timeout(1500)  # the state is kept a while after the last change
    return painted(page)


def is_whole(page: Any, face: np.ndarray) -> None:
    """The session of ``mixed`` is here, and can be gone on with."""
    assert names(page) == ["bo.png", "ada.png", "cleo.png"]
    assert page.locator(".kept").count() == 1
    assert page.locator('.tile[data-tile^="mouth:"]').nth(1).get_attribute("aria-pressed") == "true"
    assert (settled(page) == face).all()
    page.locator('.tile[data-tile^="mouth:"]').nth(2).click()
    settled(page, face)
    page.locator('button[aria-label^="Undo"]').click()
    page.wait_for_function("() => !window.studio.backend.live.stream('parts').flying.length")
    page.wait_for_timeout(500)
    assert (painted(page) == face).all()
    page.keyboard.press("k")
    page.locator(".kept").nth(1).wait_for()
    page.locator("#tab-sketch").click()
    drawn = settled(page, which=1)
    page.locator('button:has-text("Nose")').click()
    settled(page, drawn, which=1)
    assert page.locator(".toast.bad").count() == 0


def test_a_restart_loses_nothing(browser: Any, tmp_path: Path) -> None:
    """With the page left open, a change goes on; with another key of sessions and a reload, all is there again, undo too."""
    with ExitStack() as stack:
        with started(tmp_path / "work") as address:
            port = address.rsplit(":", 1)[1].strip("/")
            page = stack.enter_context(visit(browser, address, allowed=GONE))
            face = mixed(page)
        page.locator(".offline:visible").wait_for()
        with started(tmp_path / "work", "--port", port):
            page.locator(".offline").wait_for(state="hidden")
            is_whole(page, face)
            page.keyboard.press("Control+z")
            page.locator("#tab-parts").click()
            page.wait_for_timeout(1500)
        page.locator(".offline:visible").wait_for()
        with started(tmp_path / "another", "--port", port):
            page.reload()
            page.locator('.tile[data-tile^="mouth:"]').nth(2).wait_for()
            page.locator(".kept").nth(1).locator("button.drop").click()
            for _ in range(2):
                page.keyboard.press("Control+z")
            page.wait_for_function("() => document.querySelectorAll('.tile[data-tile^=nose][aria-pressed=true]').length === 1")
            assert page.locator('.tile[data-tile^="nose:"]').nth(0).get_attribute("aria-pressed") == "true"
            for _ in range(2):
                page.keyboard.press("Control+y")
            page.wait_for_timeout(1000)
            is_whole(page, face)


def test_a_session_that_was_forgotten_is_gone_on_with(browser: Any, tmp_path: Path) -> None:
    """A server forgets what nobody uses for a day, also while its page is open and connected."""
    with serving(tmp_path) as served, visit(browser, served.address + "/", allowed=("404",)) as page:
        drop(page, "ada", "bo")
        page.locator('.tile[data-tile^="mouth:"]').nth(1).wait_for()
        before = settled(page)
        (client,) = served.studio.pictures.sessions()
        served.studio._sessions.clear()
        served.studio.pictures.clear(client)
        page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
        settled(page, before)
        assert page.locator(".toast.bad").count() == 0
        assert [one.name for one in served.studio.pictures.all(client)] == ["ada.png", "bo.png"]


def test_start_anew_asks_and_leaves_nothing(page: Any, tmp_path: Path) -> None:
    """By keyboard: Escape keeps all; the first choice saves the session, which brings all back; then nothing is left."""
    face = mixed(page)
    entry(page, "Start anew")
    page.keyboard.press("Escape")
    assert len(names(page)) == 3
    entry(page, "Start anew")
    assert page.evaluate("document.activeElement.textContent") == "Save and start anew"
    path = saved(page, tmp_path, lambda: page.keyboard.press("Enter"))
    page.locator('h2:has-text("A face of parts")').wait_for()
    page.reload()
    page.locator('h2:has-text("A face of parts")').wait_for()
    assert names(page) == [] and page.locator(".kept").count() == 0
    assert page.evaluate("window.studio.backend.vault.pictures()") == []
    assert page.evaluate("fetch('api/v1/pictures').then((one) => one.json())") == {"pictures": []}
    page.locator(".tools input[type=file]").set_input_files(path)
    page.locator('.tile[data-tile^="mouth:"][aria-pressed="true"]').wait_for()
    is_whole(page, face)


def test_a_file_opens_elsewhere_with_its_photos_alone(page: Any, tmp_path: Path) -> None:
    """The page's own drawing is no photo; a model that is not here is named, and the general one takes its place."""
    mixed(page)
    page.locator("#tab-sketch").click()
    path = saved(page, tmp_path, lambda: entry(page, "Save the session"))
    held = json.loads(path.read_text())
    assert [one["name"] for one in held["pictures"] if one["internal"]] == ["drawing.png"]
    held["state"]["docs"]["sketch"] |= {"model": "model-0123456789abcdef", "modelName": "Ada"}
    path.write_text(json.dumps(held))
    page.locator(".tools input[type=file]").set_input_files(path)
    page.locator('dialog:has-text("Open this session?")').wait_for()
    page.keyboard.press("Escape")  # what is here is kept
    page.locator("dialog").wait_for(state="detached")
    assert page.locator(".side.right .note:visible").count() == 0
    page.locator(".tools input[type=file]").set_input_files(path)
    page.locator('dialog button:has-text("Open without saving")').click()
    note = page.locator(".side.right .note:visible")
    note.wait_for()
    assert note.inner_text() == "The model Ada is not here: General portrait is used instead."
    assert page.locator(".side.right select").first.input_value() == "portrait"
    assert names(page) == ["bo.png", "ada.png", "cleo.png"]
    settled(page, which=1)
    page.reload()
    page.locator(".side.right .note:visible").wait_for()
    assert names(page) == ["bo.png", "ada.png", "cleo.png"]
    page.locator(".side.right select").first.select_option("isegan")
    page.locator(".side.right .note").first.wait_for(state="hidden")
    page.locator("#tab-parts").click()
    page.locator('.tile[data-tile^="mouth:"]').nth(2).wait_for()
    assert page.locator(".toast.bad").count() == 0


def test_make_it_again_works_as_it_says(page: Any, tmp_path: Path) -> None:
    """The zip's files, and the command by the program that the dialog names, make the face again."""
    drop(page, "ada", "bo")
    page.locator('.tile[data-tile^="mouth:"]').nth(1).click()
    settled(page)
    page.wait_for_timeout(500)
    page.locator('.actions button:has-text("Make it again")').click()
    body = page.locator("dialog .body")
    assert "They read ada.png, bo.png. This zip holds all of it" in " ".join(body.inner_text().split())
    command, program = shlex.split(body.locator("pre").first.inner_text()), shlex.split(body.locator("code").nth(1).inner_text())
    with zipfile.ZipFile(saved(page, tmp_path, lambda: body.locator('a:has-text("This zip")').click())) as archive:
        archive.extractall(tmp_path)
    subprocess.run([*program, *command[1:]], cwd=tmp_path, check=True)
    assert (read(tmp_path / "face.png") == read(tmp_path / "made.png")).all()


def test_the_time_is_the_last_requests(page: Any) -> None:
    """Also on Any mix, where the chosen face stays as it is."""
    page.locator("#tab-make").click()
    time = page.locator(".actions:visible .ms")
    for _ in range(2):
        page.wait_for_function("() => !window.studio.active.asked.size")
        time.evaluate("(one) => { one.textContent = ''; }")
        page.locator('[data-vary="hair"]').click()
        page.wait_for_function("() => /^[0-9]+ ms$/.test(document.querySelector('.actions .ms').textContent)")
