"""The bench of the joint model and what it asks of the API, with joint:tiny of a few steps: slots, chance, a way back, a file."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import by_menu, drop, is_marked, saved, started

from likeness.cli import main
from likeness.image import read, write
from likeness.systems.joint.recipes import CHANCES, VARYING

pytest.importorskip("torch", reason="needs likeness[train]")
pytest.importorskip("uvicorn", reason="needs likeness[studio]")
httpx = pytest.importorskip("httpx")

PIXELS = """() => [...document.querySelectorAll(".mix .many canvas")].map((one) => {
  const { width, height } = one;
  return [...one.getContext("2d").getImageData(0, 0, width, height).data];
})"""
IDLE = """() => window.studio.active.asked.size === 0
  && window.studio.active.keysOf.every((key) => window.studio.active.known.has(key))"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of joint:tiny without graphs, which take long to write: torch runs its networks."""
    from likeness.data.store import FaceStore
    from likeness.faces.drawing import drawn_faces
    from likeness.systems.joint.recipes import tiny
    from likeness.systems.joint.system import JointSystem
    from likeness.train.loop import train

    folder, framing = tmp_path_factory.mktemp("make") / "run", tiny().framing
    train(JointSystem(tiny()), "joint", FaceStore.of(drawn_faces(12, framing), framing, "drawn"), folder, steps=2)
    return folder


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio whose joint it is, as its user starts it."""
    with started(tmp_path_factory.mktemp("studio"), "--model", f"joint={run}") as made:
        yield made


def sent(client: Any, path: Path) -> str:
    return str(client.post("/pictures", params={"name": path.name}, content=path.read_bytes()).json()["id"])


def again(bundle: Path, folder: Path) -> None:
    """What a zip's command and its lines of Python make is the picture that lies beside them, to the pixel."""
    with zipfile.ZipFile(bundle) as held:
        held.extractall(folder)
    words = shlex.split((folder / "again.sh").read_text().splitlines()[-1])
    for command in (["-m", "likeness.cli", *words[1:]], ["again.py"]):
        subprocess.run([sys.executable, *command], cwd=folder, check=True)
        assert (read(folder / "face.png") == read(folder / "made.png")).all(), command
        (folder / "face.png").unlink()


def test_what_chance_varies_is_told(client: Any) -> None:
    told = {one["name"]: one["varying"] for one in client.get("/systems").json()["systems"]}
    assert told["joint"] == {word: list(codes) for word, codes in VARYING.items()}
    assert told["parts"] == {} and set(told["joint"]["all"]) == set(CHANCES)


def test_command_and_python_of_a_mix_make_it_again(client: Any, samples: list[Path], tmp_path: Path) -> None:
    """Parts of two, a photo that is drawn, kept pixels by a mask, several photos of a person, a look, held codes."""
    mask = np.zeros(read(samples[0]).shape, np.uint8)
    mask[: len(mask) // 2] = 255
    write(tmp_path / "mask.png", mask)
    ada, bo, cleo, white = (sent(client, path) for path in (*samples[:3], tmp_path / "mask.png"))
    asked = {
        "conditions": {
            "eyes": bo, "mouth": cleo, "drawing": ada, "parsing": ada, "landmarks": cleo,
            "keep": ada, "mask": white, "like": [bo, cleo], "look": bo,
        },
        "options": {"effect": "pencil", "hold": {"hair": 2**31 - 1, "rest": 6}},
        "seed": 3,
    }  # fmt: skip
    answer = client.post("/make", json={"system": "joint", **asked})
    assert answer.status_code == 200, answer.text
    made = answer.json()["results"][0]
    assert "--like bo.png,cleo.png" in made["command"] and "like=['bo.png', 'cleo.png']" in made["python"]
    assert {"parts", "drawing", "parsing", "landmarks", "keep", "look"} <= set(made["intermediates"])
    (tmp_path / "all.zip").write_bytes(client.get(f"/results/{made['id']}/bundle").content)
    again(tmp_path / "all.zip", tmp_path / "again")


def test_other_chance_is_made_as_if_all_were_read_anew(client: Any, samples: list[Path]) -> None:
    """A grid whose conditions are read once is what each face alone is; a picture that is gone is not remembered."""
    ada, bo = (sent(client, path) for path in samples[:2])
    grid = [{"conditions": {"eyes": ada, "look": bo}, "seed": seed} for seed in (1, 2, 1)]
    first = client.post("/make", json={"system": "joint", "requests": grid}).json()["results"]
    other = client.post("/make", json={"system": "joint", "conditions": {"nose": ada}, "seed": 1}).json()["results"][0]
    assert first[0]["picture"] == first[2]["picture"] != first[1]["picture"] and first[1]["made"]["noise"] == 2
    assert "landmarks" not in first[0]["intermediates"] and other["picture"] != first[0]["picture"]
    alone = client.post("/make", json={"system": "joint", "seed": 2}).json()["results"][0]
    codes = {"hold": dict.fromkeys(CHANCES, 2)}
    held = client.post("/make", json={"system": "joint", "seed": 9, "options": codes}).json()["results"][0]
    assert alone["picture"] == held["picture"] and alone["intermediates"] == ["landmarks"]
    client.delete(f"/pictures/{bo}")
    assert client.post("/make", json={"system": "joint", **grid[0]}).status_code == 404


@pytest.mark.parametrize(
    ("conditions", "status"),
    [({"like": ["nobody's"]}, 404), ({"like": [1.0, "x"]}, 400), ({"like": ["x"] * 25}, 400), ({"like": [1.0, 2.0]}, 422)],
    ids=str,
)
def test_persons_that_cannot_be_read_are_named(client: Any, conditions: dict[str, Any], status: int) -> None:
    answer = client.post("/make", json={"system": "joint", "conditions": conditions})
    assert answer.status_code == status and ("like" in answer.text or status == 404), answer.text


def tiles(page: Any) -> list[np.ndarray]:
    """The grid's faces, once all that were asked for are painted."""
    page.wait_for_timeout(300)
    page.wait_for_function(IDLE)
    page.wait_for_timeout(200)
    return [np.asarray(one) for one in page.evaluate(PIXELS)]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> list[bool]:
    return [bool((a == b).all()) for a, b in zip(one, other, strict=True)]


def chosen(page: Any) -> str:
    return str(page.locator('.many .tile[aria-current="true"]').get_attribute("aria-label"))


def test_a_mix_is_varied_gone_back_from_and_saved_by_mouse(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-make").click()
    nothing = tiles(page)
    assert not any((nothing[0] == one).all() for one in nothing[1:])
    drop(page, "ada", "bo", "cleo")
    page.locator('[aria-label="Use cleo.png"]').wait_for()
    page.locator('[aria-label="Eyes: empty"]').click()
    page.locator('dialog [aria-label="bo.png"]').click()
    eyes = tiles(page)
    assert not any(same(nothing, eyes))
    place, there = (page.locator(one).bounding_box() for one in ('[aria-label="Use cleo.png"]', '[aria-label="Mouth: empty"]'))
    page.mouse.move(place["x"] + 10, place["y"] + 10)
    page.mouse.down()
    page.mouse.move(there["x"] + 20, there["y"] + 20, steps=5)
    page.mouse.up()
    page.locator('[aria-label="Mouth: cleo.png"]').wait_for()
    mixed = tiles(page)
    page.locator(".many .tile").nth(4).click()
    page.locator('[data-vary="hair"]').click()
    varied = tiles(page)
    assert same(mixed, varied) == [n == 4 for n in range(9)]
    told = page.evaluate("window.studio.store.get('make').faces")
    assert told[0]["hold"] == {code: told[4]["seed"] for code in CHANCES if code != "hair"} and told[4]["hold"] == {}
    page.locator(".many .tile").nth(0).click()
    page.locator('button[aria-label="Empty Mouth"]').click()
    tiles(page)
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    is_marked(path, "joint")
    page.locator('.actions button:has-text("Make it again")').click()
    command = page.locator("dialog pre").first.inner_text()
    assert "--eyes bo.png" in command and "--hold" in command and "--mouth" not in command
    page.keyboard.press("Escape")
    again(saved(page, tmp_path, by_menu(page, "as a zip")), tmp_path / "again")
    assert (read(path) == read(tmp_path / "again" / "made.png")).all()
    page.locator(".way .tile").last.click()  # back, with the mouth
    assert same(tiles(page), varied) == [True] * 9
    page.locator('[aria-label="Mouth: cleo.png"]').wait_for()
    page.keyboard.press("c")
    page.locator(".stage .slide").wait_for()
    assert page.locator(".stage .tag.left").inner_text() == "parts"
    page.keyboard.press("Escape")
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert same(tiles(page), mixed) == [True] * 9
    page.keyboard.press("Control+Shift+z")
    assert same(tiles(page), varied) == [True] * 9


def test_a_person_by_keyboard_is_kept_after_a_reload(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-parts").focus()
    page.keyboard.press("Alt+6")
    page.locator("#tab-make[aria-selected=true]").wait_for()
    drop(page, "ada", "dev")
    page.locator('[aria-label="Use dev.png"]').wait_for()
    page.locator('[aria-label="Like: empty"]').press("Enter")
    for name in ("ada", "dev"):
        page.locator(f'dialog [aria-label="{name}.png"]').press("Enter")
        page.locator(f'dialog [aria-label="{name}.png"][aria-pressed="true"]').wait_for()
    page.keyboard.press("Escape")
    page.locator('[aria-label="Like: ada.png, dev.png"]:focus').wait_for()  # a dialog's end is told after its key
    page.locator('[aria-label="Drawing: empty"]').press("Enter")
    page.locator('dialog [aria-label="ada.png"]').press("Enter")
    page.locator('[aria-label="Drawing: ada.png"]').wait_for()
    page.get_by_label("Drawn first as").select_option("line")
    tiles(page)
    page.locator('.many .tile[aria-current="true"]').focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert chosen(page) == "Face 5"
    page.locator('[data-vary="light"]').press("Enter")
    tiles(page)
    page.keyboard.press("7")
    assert chosen(page) == "Face 7"
    page.keyboard.press("k")
    page.locator(".kept").wait_for()
    page.keyboard.press("v")
    before = tiles(page)
    is_marked(saved(page, tmp_path, lambda: page.keyboard.press("Control+s")), "joint")
    way = page.locator(".way .tile").count()
    page.wait_for_timeout(1500)
    page.reload()
    page.locator("#tab-make[aria-selected=true]").wait_for()
    assert same(tiles(page), before) == [True] * 9
    assert page.locator(".way .tile").count() == way >= 3 and chosen(page) == "Face 7"
    page.locator('[aria-label="Drawing: ada.png"]').press("Delete")
    page.locator('[aria-label="Drawing: empty"]').wait_for()
    assert page.get_by_label("Drawn first as").is_hidden()
    page.locator('.kept button[aria-label^="Take up again"]').click()
    page.locator('[aria-label="Drawing: ada.png"]').wait_for()
    assert page.locator(".way .tile").count() == way


def test_every_face_of_the_way_is_in_the_session_file(page: Any, run: Path, tmp_path: Path) -> None:
    """What the file says of a face makes that face, without the studio."""
    import likeness

    page.locator("#tab-make").click()
    tiles(page)
    for word, number in (("pose", 3), ("hair", 4)):
        page.locator(".many .tile").nth(number).click()
        page.locator(f'[data-vary="{word}"]').click()
        tiles(page)
        page.locator(".many .tile").nth(5).click()
    page.locator('[data-vary="all"]').click()
    tiles(page)

    def act() -> None:
        page.locator('.tools button[title="Session"]').click()
        page.locator('[role=menuitem]:has-text("Save the session")').click()

    way = json.loads(saved(page, tmp_path, act).read_text())["state"]["docs"]["make"]["history"]
    assert len(way) == 3
    system = likeness.load(run)
    for number, one in enumerate(way):
        page.locator(".way .tile").nth(number).click()
        tiles(page)
        face = one["faces"][one["chosen"]]
        made = system(**one["slots"], noise=face["seed"], hold=face["hold"]).picture
        path = saved(page, tmp_path, lambda: page.keyboard.press("Control+s"))
        assert (read(path) == made).all(), number


def test_a_picture_without_a_face_is_told_of_and_the_slot_can_be_emptied(page: Any, tmp_path: Path) -> None:
    write(tmp_path / "wall.png", np.full((200, 200, 3), 128, np.uint8))
    page.locator("#tab-make").click()
    before = tiles(page)
    page.locator(".side.left input[type=file]").first.set_input_files(tmp_path / "wall.png")
    page.locator('[aria-label="Use wall.png"]').click()
    page.locator('dialog button:has-text("Like")').click()
    page.locator(".chip:visible").wait_for()
    assert "no face was found" in page.locator(".chip").inner_text()
    page.locator('button[aria-label="Empty Like"]').click()
    page.locator(".chip").wait_for(state="hidden")
    assert same(tiles(page), before) == [True] * 9


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(page: Any, theme: str) -> None:
    """Slots that are full, a way back, and a slot's dialog."""
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs axe-core-python (likeness[browser])")
    page.locator("#tab-make").click()
    page.evaluate("(theme) => window.studio.theme(theme)", theme)
    drop(page, "ada", "bo")
    page.locator('[aria-label="Use ada.png"]').click()
    page.locator('dialog button:has-text("Nose")').click()
    tiles(page)
    page.locator('[data-vary="light"]').click()
    tiles(page)
    for opened in (False, True):
        if opened:
            page.locator('[aria-label="Nose: ada.png"]').click()
        found = axe.Axe().run(page)["violations"]
        serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
        assert not serious


def test_makes_from_the_command_line_as_the_studio_says(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--hold`` is the table that the bench writes."""
    monkeypatch.chdir(tmp_path)
    words = ["make", "joint", "--weights", str(run), "--noise", "9"]
    assert main([*words, "--hold", json.dumps(dict.fromkeys(CHANCES, 4)), "-o", "a.png"]) == 0
    assert main([*words[:-1], "4", "-o", "b.png"]) == 0
    assert (read("a.png") == read("b.png")).all()
