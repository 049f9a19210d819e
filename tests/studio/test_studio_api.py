"""The studio's API over a real socket: what each bench asks for, whose pictures are whose, and who may come in."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
httpx = pytest.importorskip("httpx")
from serving import serving  # noqa: E402

from likeness import provenance  # noqa: E402
from likeness.errors import LikenessError  # noqa: E402
from likeness.image import read  # noqa: E402
from likeness.studio.guard import Access  # noqa: E402
from likeness.studio.limits import Limits  # noqa: E402
from likeness.studio.server import listening  # noqa: E402

TOKEN = "a token of the tests"
LIMITS = Limits(picture_bytes=2_000_000, picture_pixels=1_000_000, client_bytes=600_000, pictures=6)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("studio"), limits=LIMITS) as made:
        yield made.address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("guarded"), Access("0.0.0.0", TOKEN, key=b"k" * 32), LIMITS) as made:
        yield made.address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address + "/api/v1", timeout=60) as made:
        yield made


def sent(client: httpx.Client, path: Path) -> str:
    answer = client.post("/pictures", params={"name": path.name}, content=path.read_bytes())
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_parts_are_made_and_made_again(client: httpx.Client, samples: list[Path], tmp_path: Path) -> None:
    """Tiles, a placed mouth, the file with its mark; and the command of the bundle writes the same picture."""
    first, second = sent(client, samples[0]), sent(client, samples[1])
    tiles = client.post(f"/pictures/{first}/parts").json()
    assert {"left_eye", "right_eye", "nose", "mouth", "jaw"} == {one["name"] for one in tiles["parts"]}
    asked = {"system": "parts", "conditions": {"photo": first, "mouth": second}, "options": {"shift": {"mouth": [0, 0.1]}}}
    (made,) = client.post("/make", json=asked).json()["results"]
    bundle = zipfile.ZipFile(io.BytesIO(client.get(f"/results/{made['id']}/bundle").content))
    bundle.extractall(tmp_path)
    mark = provenance.read(tmp_path / "made.png")
    assert mark is not None and mark.trained
    subprocess.run([sys.executable, "again.py"], cwd=tmp_path, check=True)
    assert (read(tmp_path / "face.png") == read(tmp_path / "made.png")).all()
    pasted = client.get(f"/results/{made['id']}", params={"paste": True})
    (tmp_path / "pasted.png").write_bytes(pasted.content)
    assert read(tmp_path / "pasted.png").shape == read(samples[0]).shape


def test_weights_that_ship_under_another_name_are_named_by_it(client: httpx.Client, samples: list[Path], tmp_path: Path) -> None:
    """The system isegan has a second network, from photos to sketches: its command names it, and no folder of this machine."""
    (made,) = client.post("/make", json={"system": "isegan_sketch", "conditions": {"photo": sent(client, samples[0])}}).json()[
        "results"
    ]
    assert made["command"] == "likeness make isegan --photo ada.png --weights isegan_sketch -o face.png"
    assert "likeness.load('isegan_sketch')" in made["python"]
    bundle = zipfile.ZipFile(io.BytesIO(client.get(f"/results/{made['id']}/bundle").content))
    bundle.extractall(tmp_path)
    command = [sys.executable, "-m", "likeness.cli", *shlex.split((tmp_path / "again.sh").read_text().splitlines()[-1])[1:]]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (read(tmp_path / "face.png") == read(tmp_path / "made.png")).all()


def test_landmarks_are_read_changed_and_drawn(client: httpx.Client, samples: list[Path]) -> None:
    found = client.post(f"/pictures/{sent(client, samples[0])}/landmarks").json()
    wider = client.post("/landmarks/change", json={"points": found["framed"], "mouth": 0.4}).json()["points"]
    assert np.abs(np.array(wider) - np.array(found["framed"])).max() > 3
    asked = {"system": "landmark", "conditions": {"landmarks": wider}, "options": {"framed": True}}
    (made,) = client.post("/make", json=asked).json()["results"]
    assert (made["inputs"], made["pictures"]) == (["landmarks.json"], [])
    assert len(client.get(f"/results/{made['id']}/inputs/landmarks.json").json()["points"]) == 68


def test_a_session_is_one_file(client: httpx.Client, address: str, samples: list[Path]) -> None:
    id = sent(client, samples[0])
    assert client.put("/session", json={"state": {"bench": "parts"}}).status_code == 204
    saved = client.get("/session").content
    with httpx.Client(base_url=address + "/api/v1") as other:
        assert other.get(f"/pictures/{id}").status_code == 404
        assert other.post("/session", content=saved).json()["state"] == {"bench": "parts"}
        assert other.get(f"/pictures/{id}").status_code == 200


def test_pictures_stand_in_the_order_in_which_they_came(client: httpx.Client, samples: list[Path]) -> None:
    """Whatever was looked at meanwhile, and in the session's file, too."""
    first, second, third = (sent(client, path) for path in samples[:3])
    for id in (second, first):
        assert client.get(f"/pictures/{id}").status_code == 200
    assert [one["id"] for one in client.get("/pictures").json()["pictures"]] == [first, second, third]
    saved = client.get("/session").content
    assert [one["id"] for one in client.post("/session", content=saved).json()["pictures"]] == [first, second, third]


def test_a_picture_is_put_back_by_its_id(tmp_path: Path, samples: list[Path]) -> None:
    """A restarted server tells the same session another epoch; pictures that are sent again keep their ids."""
    held, asked = samples[0].read_bytes(), {}
    with serving(tmp_path) as before, httpx.Client(base_url=before.api) as one:
        id = sent(one, samples[0])
        asked = {"system": "parts", "conditions": {"photo": id}}
        (first,) = one.post("/make", json=asked).json()["results"]
        epoch, cookies = one.get("/session/state").json()["epoch"], one.cookies
        assert one.get("/session/state").json() == {"epoch": epoch, "state": None}
    with serving(tmp_path) as after, httpx.Client(base_url=after.api, cookies=cookies) as one:
        assert one.get("/session/state").json()["epoch"] != epoch
        assert one.post("/make", json=asked).status_code == 404
        for _ in range(2):  # two pages may do so
            answer = one.post("/pictures", params={"name": "ada.png", "id": id}, content=held)
            assert (answer.status_code, answer.json()["id"]) == (201, id)
        assert len(one.get("/pictures").json()["pictures"]) == 1
        (again,) = one.post("/make", json=asked).json()["results"]
        assert again["picture"] == first["picture"]
        for bad in ("short", "a/b" * 8, "é" * 20):
            assert one.post("/pictures", params={"id": bad}, content=held).status_code == 422


def test_aids_of_the_page_are_told_apart(client: httpx.Client, samples: list[Path]) -> None:
    """Also in a session's file; of files without the mark the names say so."""
    held = samples[0].read_bytes()
    photo = client.post("/pictures", params={"name": "drawing.png"}, content=held).json()
    aid = client.post("/pictures", params={"name": "drawing.png", "internal": True}, content=held).json()
    assert (photo["internal"], aid["internal"]) == (False, True)
    saved = client.get("/session").json()
    told = client.post("/session", json=saved).json()["pictures"]
    assert [one["internal"] for one in told] == [False, True]
    for one in saved["pictures"]:
        del one["internal"]
    assert all(one["internal"] for one in client.post("/session", json=saved).json()["pictures"])


def test_where_programs_lie_is_told_on_this_machine_alone(client: httpx.Client, guarded: str) -> None:
    program = client.get("/tables").json()["program"]
    done = subprocess.run([*shlex.split(program["likeness"]), "--version"], capture_output=True, check=True)
    assert b"likeness" in done.stdout
    assert client.get("/tables", headers={"X-Forwarded-For": "192.0.2.1"}).json()["program"] is None
    told = httpx.get(guarded + "/api/v1/tables", headers={"Authorization": f"Bearer {TOKEN}"})
    assert told.json()["program"] is None and sys.prefix not in told.text


def test_one_session_sees_nothing_of_another(client: httpx.Client, address: str, samples: list[Path]) -> None:
    id = sent(client, samples[0])
    (made,) = client.post("/make", json={"system": "parts", "conditions": {"photo": id}}).json()["results"]
    with httpx.Client(base_url=address + "/api/v1") as other:
        assert other.get("/pictures").json() == {"pictures": []}
        for path in (
            f"/pictures/{id}",
            f"/results/{made['id']}",
            f"/results/{made['id']}/bundle",
            f"/results/{made['id']}/sheet",
        ):
            assert other.get(path).status_code == 404
        assert other.delete(f"/pictures/{id}").status_code == 404
        assert other.post("/make", json={"system": "parts", "conditions": {"photo": id}}).status_code == 404
        forged = {"Cookie": f"likeness_session={'a' * 22}.{'0' * 64}"}
        assert other.get(f"/pictures/{id}", headers=forged).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "192.168.1.7"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_other_names_and_pages_are_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.get("/pictures", headers=headers)
    assert answer.status_code == 403
    assert set(answer.json()) == {"error"}


def test_answers_are_dressed(client: httpx.Client) -> None:
    headers = client.get("/tables").headers
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    page = client.get("/docs").text
    assert "<script" not in page and "http" not in page.split("<body>")[0]


def test_a_token_is_needed_elsewhere(guarded: str) -> None:
    with httpx.Client(base_url=guarded) as one:
        assert one.get("/api/v1/tables").status_code == 401
        assert one.get("/api/v1/tables", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert one.get("/?token=wrong").status_code == 401
        entered = one.get("/", params={"token": TOKEN})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert one.get("/api/v1/tables").status_code == 200
    assert httpx.get(guarded + "/api/v1/tables", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_limits_hold_before_anything_is_decoded(client: httpx.Client) -> None:
    assert client.post("/pictures", content=b"x" * 2_000_001).status_code == 413
    assert client.post("/pictures", content=iter([b"x" * 1_500_000] * 2)).status_code == 413
    from PIL import Image as Pillow

    target = io.BytesIO()
    Pillow.new("1", (2000, 2000)).save(target, "PNG")
    assert client.post("/pictures", content=target.getvalue()).status_code == 413
    assert client.post("/pictures", content=b"GIF89a, or is it").status_code == 415
    assert client.post("/make", content=json.dumps({"system": "x" * 5_000_000})).status_code == 413


def test_older_pictures_make_room(client: httpx.Client, samples: list[Path]) -> None:
    ids = [sent(client, samples[0]) for _ in range(9)]
    kept = [one["id"] for one in client.get("/pictures").json()["pictures"]]
    assert len(kept) <= 6 and kept[-1] == ids[-1] and ids[0] not in kept


@pytest.mark.parametrize("path", ["/../../../etc/passwd", "/%2e%2e/%2e%2e/app.py", "//etc/passwd", "/..%2fapp.py"])
def test_nothing_outside_the_page_is_served(address: str, path: str) -> None:
    assert httpx.get(address + path).status_code in (400, 404)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("127.0.0.1", -1), ("256.1.1.1", 0)])
def test_an_address_that_is_none(host: str, port: int) -> None:
    """The system's own call takes a port modulo 65536."""
    with pytest.raises(LikenessError, match="--port"):
        listening(host, port)
