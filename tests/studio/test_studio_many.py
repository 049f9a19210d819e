"""The Many faces bench and what it asks of the API, with a facefeat of a few steps: a grid, sliders, held faces, a blend."""

from __future__ import annotations

import io
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
from likeness.image import read

pytest.importorskip("torch", reason="needs likeness[train]")
pytest.importorskip("uvicorn", reason="needs likeness[studio]")
httpx = pytest.importorskip("httpx")


PIXELS = """() => [...document.querySelectorAll(".many canvas")].map((one) => {
  const { width, height } = one;
  return [...one.getContext("2d").getImageData(0, 0, width, height).data];
})"""


IDLE = """() => window.studio.active.shown.size === 9
  && [...window.studio.backend.live.streams.values()].every(({ next, flying }) => !next && !flying.length)"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of facefeat:tiny without graphs, which take long to write: torch runs its networks."""
    from likeness.train.session import Session

    folder = tmp_path_factory.mktemp("many") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_graphs", staticmethod(lambda weights, module: "not in this test"))
        assert main(["train", "facefeat:tiny", "-o", str(folder), "--steps", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio whose facefeat it is, as its user starts it."""
    with started(tmp_path_factory.mktemp("studio"), "--model", f"facefeat={run}") as made:
        yield made


def test_pictures_as_options_and_identities_are_the_sessions(client: Any, samples: list[Path], tmp_path: Path) -> None:
    """A grid of blends with somebody's expression; the bundle's command makes the last again."""
    ids = [client.post("/pictures", params={"name": one.name}, content=one.read_bytes()).json()["id"] for one in samples[:3]]
    requests = [
        {
            "conditions": {"photo": ids[0], "identity": ids[1]},
            "options": {"expression": ids[2], "yaw": -10.5, "keep": ["rest"], "blend": share},
            "seed": 3,
        }
        for share in (0.0, 0.5, 1.0)
    ]
    made = client.post("/make", json={"system": "facefeat", "requests": requests}).json()["results"]
    assert "--identity bo.png" in made[1]["command"] and "--expression cleo.png" in made[1]["command"]
    apart = again(client, made[1], tmp_path)
    assert apart.max() <= 3 and apart.mean() < 0.1  # torch made the one alone, the other in a batch of three


def again(client: Any, made: dict[str, Any], folder: Path) -> np.ndarray:
    """How far what a bundle's command makes is from the bundle's picture."""
    zipfile.ZipFile(io.BytesIO(client.get(f"/results/{made['id']}/bundle").content)).extractall(folder)
    words = shlex.split((folder / "again.sh").read_text().splitlines()[-1])[1:]
    subprocess.run([sys.executable, "-m", "likeness.cli", *words], cwd=folder, check=True)
    return np.abs(read(folder / "face.png").astype(int) - read(folder / "made.png"))


@pytest.mark.parametrize("options", [{}, {"yaw": 35}, {"blend": 0.5, "expression": 2}])
def test_a_face_is_made_again_to_the_pixel(client: Any, samples: list[Path], tmp_path: Path, options: dict[str, Any]) -> None:
    """By the command and by Python, where the studio has read the photos before."""
    ids = [client.post("/pictures", params={"name": one.name}, content=one.read_bytes()).json()["id"] for one in samples[:3]]
    conditions = {"photo": ids[0], **({"identity": ids[1]} if "blend" in options else {})}
    named = {**options, **({"expression": ids[2]} if "expression" in options else {})}
    body = {"system": "facefeat", "conditions": conditions, "options": named, "seed": 1}
    (made,) = client.post("/make", json=body).json()["results"]
    assert again(client, made, tmp_path).max() == 0
    (tmp_path / "face.png").unlink()
    subprocess.run([sys.executable, "again.py"], cwd=tmp_path, check=True)
    assert (read(tmp_path / "face.png") == read(tmp_path / "made.png")).all()


def test_an_option_is_never_the_name_of_a_file_of_the_servers(client: Any, samples: list[Path]) -> None:
    """A picture's id alone, of this session; neither a path, nor a word where a number is due."""
    id = client.post("/pictures", params={"name": "ada.png"}, content=samples[0].read_bytes()).json()["id"]
    for options, status in (
        ({"expression": str(samples[1])}, 404),
        ({"expression": "/etc/passwd"}, 404),
        ({"expression": {"picture": str(samples[1])}}, 404),
        ({"yaw": str(samples[1])}, 400),
        ({"blend": 3}, 422),
        ({"keep": ["nose"]}, 422),
    ):
        answer = client.post("/make", json={"system": "facefeat", "conditions": {"photo": id}, "options": options})
        assert answer.status_code == status, answer.text
        assert "passwd" not in answer.text and "cannot be read" not in answer.text
    for identity in ([1.0, 2.0], ["a"], "nobody's"):
        answer = client.post("/make", json={"system": "facefeat", "conditions": {"photo": id, "identity": identity}})
        assert 400 <= answer.status_code < 500


def tiles(page: Any) -> list[np.ndarray]:
    """The grid's faces, once all that were asked for are painted."""
    page.wait_for_timeout(300)
    page.wait_for_function(IDLE)
    page.wait_for_timeout(700)
    return [np.asarray(one) for one in page.evaluate(PIXELS)]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> list[bool]:
    return [bool((a == b).all()) for a, b in zip(one, other, strict=True)]


def test_a_grid_is_varied_held_turned_and_saved(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-many").click()
    drop(page, "ada")
    first = tiles(page)
    assert not any((first[0] == one).all() for one in first[1:])
    page.locator(".many .tile").nth(4).click()
    page.keyboard.press("h")
    page.locator('.many .tile[aria-label="Face 5, held"]').wait_for()
    page.keyboard.press("v")
    second = tiles(page)
    assert same(first, second) == [n == 4 for n in range(9)]
    page.get_by_label("Turn the head", exact=True).fill("30")
    third = tiles(page)
    assert same(second, third) == [n == 4 for n in range(9)], "the held face keeps its own pose"
    page.locator(".many .tile").nth(0).click()
    path = saved(page, tmp_path, by_menu(page, "As PNG"))
    is_marked(path, "facefeat")
    page.locator('.actions button:has-text("Make it again")').click()
    assert "--yaw 30" in page.locator("dialog pre").first.inner_text()
    page.keyboard.press("Escape")
    for _ in range(2):
        page.keyboard.press("Control+z")
    assert same(tiles(page), first) == [True] * 9


def test_two_people_are_blended_by_keyboard(page: Any, tmp_path: Path) -> None:
    """The way from one to the other: its ends are the two, by one seed."""
    page.locator("#tab-many").focus()
    page.keyboard.press("Enter")
    drop(page, "ada")
    tiles(page)
    drop(page, "bo")
    alone = tiles(page)[0]
    page.locator('[aria-label="The person: ada.png"]').press("Enter")
    tiles(page)
    page.locator('[aria-label="Somebody else: bo.png"]').press("Enter")
    page.locator('[data-value="chance"]').press("ArrowRight")
    way = tiles(page)
    assert (way[8] == alone).all() and not (way[0] == way[8]).all()
    page.locator(".many .tile").nth(0).focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.locator('.many .tile[aria-current="true"]').get_attribute("aria-label") == "Face 5"
    is_marked(saved(page, tmp_path, lambda: page.keyboard.press("Control+s")), "facefeat")
    page.keyboard.press("c")
    page.locator("dialog .pair img").nth(1).wait_for()
