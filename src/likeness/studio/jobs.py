"""Long work: reenactments and trainings, as child processes that run the existing commands; all of their state is on the disk.

A job is a folder: ``job.json`` says what it is and how it stands, ``input`` holds what it reads, ``log`` what the command says,
``spent`` for how long it ran, ``ended.json`` how the command ended. A server that is killed loses nothing: whoever opens the
folder next goes on with the jobs in it, and the commands go on where they were.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.studio.clips import Clips
from likeness.studio.errors import StudioError, missing
from likeness.studio.job import (
    ALIVE,
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    STOPPING,
    WAITING,
    Child,
    Job,
    last_line,
    owner_of,
    progress_of,
    read_job,
    spent_in,
    status_of,
)
from likeness.studio.limits import Limits
from likeness.studio.pictures import ID, Picture, new_id, safe_name

TRIES = 3
"""How often a job whose process was killed is begun again by itself."""
FEWEST = 3
"""Photos that a person's model needs."""


class Jobs:
    """The jobs in a folder, and the thread that runs them.

    Args:
        work: the folder; jobs lie in ``work/jobs``, clips for as long as the server runs in ``work/clips``.
        limits: how many there may be.
        command: what runs a job's folder; by default :mod:`likeness.studio.child`.
    """

    def __init__(self, work: Path, limits: Limits, command: Sequence[str] = ()) -> None:
        self.folder, self.limits = work / "jobs", limits
        self._command = tuple(command) or (sys.executable, "-m", "likeness.studio.child")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clips = Clips(work / "clips", limits)
        self._lock, self._wake = threading.RLock(), threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._begun: dict[str, deque[float]] = {}
        self._children: dict[str, Child] = {}
        self._open = True
        self._find()
        self._thread = threading.Thread(target=self._run, name="studio-jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask what runs to stop, and wait a while; it goes on when the folder is opened again."""
        self._open = False
        with self._wake:
            self._wake.notify_all()
        self._thread.join(timeout=40)
        self.clips.close()

    # jobs

    def reenact(self, client: str, clip: str, weights: str, body: Mapping[str, Any]) -> Job:
        """A clip as a clip of a target.

        Raises:
            StudioError: there is no such clip, or there are too many jobs.
        """
        given = self.clips.get(client, clip)
        output = f"{Path(given.name).stem}-reenacted.mp4"
        words = ["reenact", f"input/{given.name}", "--target", weights, "-o", output]
        if body.get("target"):
            words += ["--name", str(body["target"])]
        words += [f"--{flag}" for flag in ("beside", "own", "raw") if body.get(flag)]
        job = self._new(client, "reenact", given.name, words, [output])

        def fill(folder: Path) -> None:
            target = folder / given.name
            try:
                os.link(given.path, target)
            except OSError:
                shutil.copyfile(given.path, target)

        return self._begin(job, fill)

    def portrait(self, client: str, pictures: Sequence[Picture], minutes: float, name: str, steps: int | None = None) -> Job:
        """A person's model, learned from photos.

        Raises:
            StudioError: too few photos, or too many jobs.
        """
        if len(pictures) < FEWEST:
            raise StudioError(f"a person's model needs at least {FEWEST} photos, {len(pictures)} were given; 20 to 70 are good")
        words = ["portrait", "train", "input", "-o", "model", "--threads", "1"]
        words += ["--steps", str(steps)] if steps else []
        title = safe_name(name, "", "person")
        job = replace(self._new(client, "portrait", title, words, ["contact-sheet.png"], "model"), minutes=minutes)

        def fill(folder: Path) -> None:
            for number, picture in enumerate(pictures):
                (folder / f"{number:03d}-{picture.name}").write_bytes(picture.encoded)

        return self._begin(job, fill)

    def of(self, client: str) -> list[Job]:
        """A session's jobs, the newest first."""
        owner = owner_of(client)
        with self._lock:
            return sorted((job for job in self._jobs.values() if job.owner == owner), key=lambda job: -job.created)

    def get(self, client: str, id: str) -> Job:
        """A session's job."""
        found = self._jobs.get(id)
        if found is None or found.owner != owner_of(client):
            raise missing("job")
        return found

    def told(self, job: Job) -> dict[str, Any]:
        """What a client is told of a job."""
        folder = self.folder / job.id
        done, total, text, messages = progress_of(folder / "log")
        here = [name for name in job.files if self._file(job, name).is_file()] if job.state not in (WAITING, RUNNING) else []
        if job.state == DONE and total and not job.model:  # a training may have ended by its time
            done = total
        return {
            "id": job.id,
            "kind": job.kind,
            "name": job.name,
            "state": job.state,
            "done": done,
            "total": total,
            "text": text,
            "messages": messages,
            "error": job.error,
            "command": shlex.join(["likeness", *job.said]),
            "minutes": job.minutes or None,
            "spent": round(spent_in(folder) / 60, 2),
            "interruptions": job.interruptions,
            "created": job.created,
            "files": here,
            "system": job.system,
        }

    def file(self, client: str, id: str, name: str) -> Path:
        """A file that came of a job, by its name; no other is ever given."""
        job = self.get(client, id)
        if name not in job.files or not (path := self._file(job, name)).is_file() or path.is_symlink():
            raise missing("file of this job")
        return path

    def model(self, client: str, id: str) -> Path:
        """The run directory of a model that a job has trained."""
        job = self.get(client, id)
        if job.system is None:
            raise missing("model")
        return self.folder / job.id / job.model

    def cancel(self, client: str, id: str) -> Job:
        """Stop a job cleanly; what was done is kept."""
        job = self.get(client, id)
        with self._lock:
            child = self._children.get(id)
            if job.state == WAITING and child is None:
                return self._set(id, state=CANCELLED)
            if child is not None and job.state in (RUNNING, WAITING):
                child.cancelled = True
                self._stop(child)
                return self._set(id, state=STOPPING)
        if job.state == STOPPING:
            return job
        raise StudioError(f"the job is {job.state}: there is nothing to cancel", 409)

    def resume(self, client: str, id: str, minutes: float | None = None) -> Job:
        """Go on with a job that has ended before its end; with ``minutes`` a training trains for so many more, also a done one.

        Without them it has what was left of its time.
        """
        job = self.get(client, id)
        if minutes is not None and not job.minutes:
            raise StudioError("minutes: only a training can be given more of them")
        if job.state not in (CANCELLED, FAILED, INTERRUPTED) and not (job.state == DONE and minutes is not None):
            hint = "; with minutes it trains on" if job.state == DONE and job.minutes else ""
            raise StudioError(f"the job is {job.state}: there is nothing to resume{hint}", 409)
        self._room(job.owner)
        folder = self.folder / id
        with contextlib.suppress(OSError):
            (folder / "ended.json").unlink()
        whole = job.minutes if minutes is None else spent_in(folder) / 60 + minutes
        made = self._set(id, state=WAITING, tries=0, error="", minutes=whole)
        self._nudge()
        return made

    def remove(self, client: str, id: str) -> Path:
        """Delete a job with all that belongs to it; where it ran, it is stopped. Its folder's name, which is gone."""
        job = self.get(client, id)
        with self._lock:
            child = self._children.pop(id, None)
            self._jobs.pop(id, None)
        if child is not None:
            child.process.kill()
            child.process.wait(timeout=30)
        folder = self.folder / job.id
        gone = folder.with_name(f".{job.id}.gone")
        with contextlib.suppress(OSError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    # how it is done

    def _file(self, job: Job, name: str) -> Path:
        return self.folder / job.id / (job.model if job.model else "") / name

    def _room(self, owner: str) -> None:
        """Refuse where a session has enough jobs waiting."""
        alive = [job for job in self._jobs.values() if job.owner == owner and job.state in ALIVE]
        if len(alive) > self.limits.jobs_waiting:
            raise StudioError(f"{len(alive)} jobs of this session wait or run already; cancel one, or wait for it", 429, 60)

    def _new(self, client: str, kind: str, name: str, words: Sequence[str], files: Sequence[str], model: str = "") -> Job:
        owner, now = owner_of(client), time.time()
        with self._lock:
            self._room(owner)
            begun = self._begun.setdefault(owner, deque())
            while begun and begun[0] < now - 3600:
                begun.popleft()
            if len(begun) >= self.limits.jobs_an_hour:
                wait = int(begun[0] + 3600 - now) + 1
                raise StudioError(
                    f"at most {self.limits.jobs_an_hour} jobs an hour; the next in {wait // 60 + 1} minutes", 429, wait
                )
            if len(self.of(client)) >= self.limits.jobs_kept:
                raise StudioError(f"a session keeps at most {self.limits.jobs_kept} jobs: delete one first", 409)
            begun.append(now)
        return Job(new_id(), owner, kind, name, tuple(words), tuple(files), created=now, model=model)

    def _begin(self, job: Job, fill: Any) -> Job:
        """Write a job's folder, and let it run; the folder comes into being with all that it needs."""
        fresh = self.folder / f".{job.id}"
        try:
            (fresh / "input").mkdir(parents=True, mode=0o700)
            fill(fresh / "input")
            write_content(fresh / "job.json", json.dumps(asdict(job)))
            fresh.rename(self.folder / job.id)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        with self._lock:
            self._jobs[job.id] = job
        self._nudge()
        return job

    def _find(self) -> None:
        """The jobs that are on the disk; what was running waits to go on."""
        for folder in sorted(self.folder.iterdir()):
            if folder.name.startswith("."):
                shutil.rmtree(folder, ignore_errors=True)  # begun or deleted when the server was killed
                continue
            try:
                job = read_job(folder)
            except (OSError, ValueError):
                continue  # not ours to judge
            if job.id != folder.name or not ID.fullmatch(job.id):
                continue
            self._jobs[job.id] = job
            if job.state == STOPPING:
                self._set(job.id, state=CANCELLED)
            elif job.state == RUNNING:
                self._set(job.id, state=WAITING, interruptions=job.interruptions + 1)
            if job.created > time.time() - 3600:
                self._begun.setdefault(job.owner, deque()).append(job.created)

    def _set(self, id: str, **changes: Any) -> Job:
        """Change a job, on the disk first."""
        with self._lock:
            if id not in self._jobs:
                raise missing("job")
            job = replace(self._jobs[id], **changes)
            with contextlib.suppress(LikenessError):  # a full disk: the job goes on, and is told so far
                write_content(self.folder / id / "job.json", json.dumps(asdict(job)))
            self._jobs[id] = job
            return job

    def _nudge(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _run(self) -> None:
        """Begin what waits, and see what has ended."""
        while self._open:
            with contextlib.suppress(StudioError):  # a job that was deleted in between
                self._look_after()
                self._start_next()
            with self._wake:
                self._wake.wait(0.25 if self._children else 5)
        with self._lock:
            children = list(self._children.values())
        for child in children:
            self._stop(child)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=20)
            if child.process.poll() is None:
                child.process.kill()
            with contextlib.suppress(StudioError):
                self._ended(child, closing=True)

    def _look_after(self) -> None:
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                with self._lock:
                    known = self._children.pop(child.job, None)
                if known is not None:
                    self._ended(child)
            elif time.monotonic() > child.deadline:
                child.process.kill()

    def _start_next(self) -> None:
        with self._lock:
            if len(self._children) >= self.limits.jobs:
                return
            waiting = sorted((job for job in self._jobs.values() if job.state == WAITING), key=lambda job: job.created)
            if not waiting:
                return
            job = waiting[0]
            folder = self.folder / job.id
            with contextlib.suppress(OSError):
                (folder / "ended.json").unlink()
            environment = dict(os.environ) | {"LIKENESS_BAR_SECONDS": "0.5", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
            with (folder / "log").open("ab") as log:
                # its input ends when this process does, however that is: then it stops
                process = subprocess.Popen(
                    [*self._command, str(folder)], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
                )
            self._children[job.id] = Child(job.id, process)
            self._set(job.id, state=RUNNING, tries=job.tries + 1)

    def _stop(self, child: Child) -> None:
        child.deadline = min(child.deadline, time.monotonic() + 60)
        with contextlib.suppress(OSError):
            child.process.terminate()

    def _ended(self, child: Child, closing: bool = False) -> None:
        """Write down how a job ended: by what it says itself, else by how its process ended."""
        folder, job = self.folder / child.job, self._jobs[child.job]
        stdin: IO[bytes] | None = child.process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()
        status = status_of(folder)
        ready = bool(job.model) and (folder / job.model / "weights.safetensors").is_file()
        ready = ready and any((folder / job.model).glob("*.onnx"))
        if status == 0:
            self._set(job.id, state=DONE, error="", ready=ready)
        elif child.cancelled:
            self._set(job.id, state=CANCELLED, ready=ready)
        elif closing:
            self._set(job.id, state=WAITING, tries=0)
        elif status is None or status >= 128:  # it was killed
            again = job.tries < TRIES
            said = "" if again else f"its process was killed {job.tries} times; resume goes on where it was"
            state = WAITING if again else INTERRUPTED
            self._set(job.id, state=state, error=said, ready=ready, interruptions=job.interruptions + 1)
        else:
            self._set(job.id, state=FAILED, error=last_line(folder / "log"), ready=ready)
