"""The life of a job: a child process that is killed loses nothing, and neither does a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
pytest.importorskip("av", reason="the extra video is not installed")
httpx = pytest.importorskip("httpx")
from people import one_person  # noqa: E402
from serving import serving  # noqa: E402

from likeness import video  # noqa: E402
from likeness.image import read  # noqa: E402
from likeness.studio.errors import StudioError  # noqa: E402
from likeness.studio.jobs import TRIES, Jobs  # noqa: E402
from likeness.studio.limits import Limits  # noqa: E402
from likeness.studio.pictures import looked_at  # noqa: E402

CLIENT, OTHER = "c" * 22, "o" * 22


def until(wanted: Callable[[], bool], seconds: float = 90, seen: Callable[[], Any] = str) -> None:
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, f"it took too long {seen()}"
        time.sleep(0.05)


def begun(jobs: Jobs, sample: Path, frames: int = 40) -> str:
    """A reenactment of a clip in which a head wanders."""
    id, path = jobs.clips.path("walk.mp4")
    photo = read(sample)
    with video.Writer(path, Fraction(10)) as out:
        for n in range(frames):
            out.add(np.roll(photo, n % 8, 1))
    jobs.clips.add(CLIENT, id, "walk.mp4", path)
    return jobs.reenact(CLIENT, id, "landmark", {}).id


def test_a_killed_job_and_a_killed_server_lose_nothing(samples: list[Path], tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Limits())
    id = begun(jobs, samples[0])
    until(lambda: id in jobs._children)
    os.kill(jobs._children[id].process.pid, signal.SIGKILL)
    until(lambda: jobs.get(CLIENT, id).tries == 2)
    jobs.close()
    assert json.loads((tmp_path / "jobs" / id / "job.json").read_text())["state"] == "waiting"
    again = Jobs(tmp_path, Limits())
    try:
        until(lambda: again.get(CLIENT, id).state == "done")
        made = again.file(CLIENT, id, "walk-reenacted.mp4")
        assert video.look(made).frames == 40
        with pytest.raises(StudioError):
            again.get(OTHER, id)
        with pytest.raises(StudioError):
            again.file(CLIENT, id, "../job.json")
        again.remove(CLIENT, id)
        assert not (tmp_path / "jobs" / id).exists()
    finally:
        again.close()


def test_jobs_are_cancelled_and_limited(samples: list[Path], tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Limits(jobs_an_hour=2))
    try:
        id = begun(jobs, samples[0])
        begun(jobs, samples[0], 12)
        with pytest.raises(StudioError, match="an hour") as refused:
            begun(jobs, samples[0], 12)
        assert (refused.value.status, refused.value.retry > 0) == (429, True)
        jobs.cancel(CLIENT, id)
        until(lambda: jobs.get(CLIENT, id).state == "cancelled")
    finally:
        jobs.close()


def test_a_playlist_is_no_clip(tmp_path: Path) -> None:
    """Ffmpeg would follow it to other files."""
    jobs = Jobs(tmp_path, Limits())
    try:
        id, path = jobs.clips.path("a.mp4")
        path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
        with pytest.raises(StudioError, match="no clip"):
            jobs.clips.add(CLIENT, id, "a.mp4", path)
        assert not path.exists()
    finally:
        jobs.close()


@contextmanager
def studio(work: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``likeness serve``, as a user starts it; killed at the end."""
    command = [sys.executable, "-m", "likeness.cli", "serve", "--port", "0", "--work", str(work)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().partition("docs")[0]
        try:
            yield server, address
        finally:
            server.kill()


def test_a_training_survives_the_servers_kill(samples: list[Path], tmp_path: Path) -> None:
    """Kill -9 while a person's model trains: the same session finds the job again, and it goes on to its last step."""
    pytest.importorskip("torch", reason="needs likeness[train]")
    steps = 12
    with studio(tmp_path) as (server, address), httpx.Client(base_url=address, timeout=60) as client:
        ids = [client.post("pictures", params={"name": name}, content=data).json()["id"] for name, data in one_person(samples[0])]
        asked = {"kind": "portrait", "pictures": ids, "minutes": 9, "steps": steps, "name": "ada"}
        job = client.post("jobs", json=asked).json()
        assert job["command"].endswith("--minutes 9")
        look = partial(client.get, f"jobs/{job['id']}")
        until(lambda: (told := look().json())["text"].startswith("training") and told["done"] >= 2, 120, lambda: look().json())
        cookies = dict(client.cookies)
        server.kill()
        server.wait(30)
    with studio(tmp_path) as (_, address), httpx.Client(base_url=address, timeout=60, cookies=cookies) as client:
        told: dict[str, Any] = {}

        def ended() -> bool:
            told.update(client.get(f"jobs/{job['id']}").json())
            return told["state"] in ("done", "failed", "interrupted", "cancelled")

        assert [one["id"] for one in client.get("jobs").json()["jobs"]] == [job["id"]]
        until(ended, 150, lambda: told)
        assert (told["state"], told["done"], told["interruptions"]) == ("done", steps, 1)
        log = (tmp_path / "jobs" / job["id"] / "log").read_text()
        seen = [int(line.split()[1].partition("/")[0]) for line in log.splitlines() if line.startswith("training ")]
        assert seen == sorted(set(seen)), "steps were made twice: some were lost"
        assert told["files"] == ["contact-sheet.png"] and 0 < told["spent"] < 9
        drawing = client.post("pictures", params={"name": "drawing.png"}, content=samples[0].read_bytes()).json()["id"]
        made = client.post("make", json={"system": told["system"], "conditions": {"drawing": drawing}})
        assert made.status_code == 200, made.text
        assert client.get(f"jobs/{job['id']}/files/contact-sheet.png").content[:4] == b"\x89PNG"
        with httpx.Client(base_url=address) as other:
            assert other.get("jobs").json() == {"jobs": []}
            assert other.post("make", json={"system": told["system"], "conditions": {}}).status_code == 404


KILLED = """
import json, os, pathlib, signal, sys
folder = pathlib.Path(sys.argv[-1])
tries = folder / "tries"
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
if len(tries.read_text()) <= KILLS:
    os.kill(os.getpid(), signal.SIGKILL)
(folder / "ended.json").write_text(json.dumps({"status": 0}))
"""


def test_a_job_that_is_killed_again_and_again_waits_for_its_user(samples: list[Path], tmp_path: Path) -> None:
    """After three kills it is interrupted, keeps what it read, and goes on when it is asked to; once only."""
    jobs = Jobs(tmp_path, Limits(), (sys.executable, "-c", KILLED.replace("KILLS", str(TRIES))))
    try:
        id = begun(jobs, samples[0], 4)
        until(lambda: jobs.get(CLIENT, id).state == "interrupted")
        told = jobs.told(jobs.get(CLIENT, id))
        assert f"killed {TRIES} times" in told["error"] and told["interruptions"] == TRIES
        assert (tmp_path / "jobs" / id / "input" / "walk.mp4").is_file()
        jobs.resume(CLIENT, id)
        with pytest.raises(StudioError, match="nothing to resume"):
            jobs.resume(CLIENT, id)
        until(lambda: jobs.get(CLIENT, id).state == "done")
        assert jobs.told(jobs.get(CLIENT, id))["error"] == ""
    finally:
        jobs.close()


def test_a_training_that_goes_on_has_what_is_left_of_its_time(samples: list[Path], tmp_path: Path) -> None:
    """However often it is interrupted; with minutes it has so many more, and a done one trains on."""
    ends = "import json, pathlib, sys; (pathlib.Path(sys.argv[-1]) / 'ended.json').write_text(json.dumps({'status': 0}))"
    jobs = Jobs(tmp_path, Limits(), (sys.executable, "-c", ends))
    try:
        photos = [looked_at(data, name, Limits()) for name, data in one_person(samples[0])]
        id = jobs.portrait(CLIENT, photos, 30, "ada").id
        until(lambda: jobs.get(CLIENT, id).state == "done")
        job = jobs.get(CLIENT, id)
        assert job.said[-2:] == ("--minutes", "30")
        assert job.words_after(20 * 60)[-2:] == ("--minutes", "10")
        assert float(job.words_after(40 * 60)[-1]) > 0
        with pytest.raises(StudioError, match="with minutes it trains on"):
            jobs.resume(CLIENT, id)
        (tmp_path / "jobs" / id / "spent").write_text("1200.0")
        assert jobs.resume(CLIENT, id, 15).said[-1] == "35"
        assert jobs.get(CLIENT, id).words_after(1200)[-1] == "15"
        until(lambda: jobs.get(CLIENT, id).state == "done")
        clip = begun(jobs, samples[0], 4)
        until(lambda: jobs.get(CLIENT, clip).state == "done")
        with pytest.raises(StudioError, match="only a training"):
            jobs.resume(CLIENT, clip, 5)
    finally:
        jobs.close()


def test_jobs_and_clips_are_their_sessions_alone(samples: list[Path], tmp_path: Path) -> None:
    """Another session's job is as good as none by every route, and its clip cannot be used."""
    with ExitStack() as held:
        served = held.enter_context(serving(tmp_path, limits=Limits(jobs=0)))
        one, other = (held.enter_context(httpx.Client(base_url=served.api)) for _ in range(2))
        path = tmp_path / "own.mp4"
        with video.Writer(path, Fraction(10)) as out:
            for _ in range(3):
                out.add(read(samples[0]))
        clip = one.post("/clips", params={"name": "walk.mp4"}, content=path.read_bytes()).json()["id"]
        job = one.post("/jobs", json={"kind": "reenact", "clip": clip}).json()["id"]
        assert one.get(f"/jobs/{job}").json()["state"] == "waiting"
        assert other.get("/jobs").json() == {"jobs": []}
        assert not [row for row in other.get("/systems").json()["systems"] if row["name"].startswith("model-")]
        for method, at in (
            ("GET", f"/jobs/{job}"),
            ("GET", f"/jobs/{job}/files/walk-reenacted.mp4"),
            ("POST", f"/jobs/{job}/cancel"),
            ("POST", f"/jobs/{job}/resume"),
            ("DELETE", f"/jobs/{job}"),
            ("DELETE", f"/clips/{clip}"),
        ):
            theirs, never = (
                other.request(method, at),
                other.request(method, at.replace(job, "a" * 22).replace(clip, "a" * 22)),
            )
            assert theirs.status_code == 404
            assert theirs.content == never.content
        assert other.post("/jobs", json={"kind": "reenact", "clip": clip}).status_code == 404
        assert one.get(f"/jobs/{job}").json()["state"] == "waiting"
        folder = tmp_path / "jobs" / job
        assert (folder / "input").stat().st_mode & 0o077 == 0
        session = next(iter(one.cookies.values())).partition(".")[0]
        assert session not in (folder / "job.json").read_text()
