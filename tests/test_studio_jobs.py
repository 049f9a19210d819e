"""The life of a job: a child process that is killed loses nothing, and neither does a server."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
pytest.importorskip("av", reason="the extra video is not installed")
from likeness import video
from likeness.image import read
from likeness.studio.errors import StudioError
from likeness.studio.jobs import Jobs
from likeness.studio.limits import Limits

CLIENT, OTHER = "c" * 22, "o" * 22


def until(wanted: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def begun(jobs: Jobs, sample: Path, frames: int = 40) -> str:
    """A reenactment of a clip in which a head wanders."""
    id, path = jobs.clip_path("walk.mp4")
    photo = read(sample)
    with video.Writer(path, Fraction(10)) as out:
        for n in range(frames):
            out.add(np.roll(photo, n % 8, 1))
    jobs.add_clip(CLIENT, id, "walk.mp4", path)
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
        id, path = jobs.clip_path("a.mp4")
        path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
        with pytest.raises(StudioError, match="no clip"):
            jobs.add_clip(CLIENT, id, "a.mp4", path)
        assert not path.exists()
    finally:
        jobs.close()
