"""Long work: reenactments and trainings, as child processes that run the existing commands; all of their state is on the disk.

A job is a folder: ``job.json`` says what it is and how it stands, ``input`` holds what it reads, ``log`` what the command says,
``ended.json`` how the command ended. A server that is killed loses nothing: whoever opens the folder next goes on with the
jobs in it, and the commands go on where they were.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from likeness import video
from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.studio.errors import StudioError, missing
from likeness.studio.limits import Limits
from likeness.studio.pictures import Picture, new_id, safe_name

WAITING, RUNNING, STOPPING, DONE, FAILED, CANCELLED, INTERRUPTED = (
    "waiting",
    "running",
    "stopping",
    "done",
    "failed",
    "cancelled",
    "interrupted",
)
ALIVE = (WAITING, RUNNING, STOPPING)
TRIES = 3
"""How often a job whose process was killed is begun again by itself."""
FEWEST = 3
"""Photos that a person's model needs."""
BAR = re.compile(r"^(\w[\w ]{0,30}) (\d+)/(\d+)(?: (.*))?$")
"""What ``likeness.cli.options.bar`` says where there is no terminal."""
MAGIC = {b"ftyp": 4, b"moov": 4, b"mdat": 4, b"wide": 4, b"free": 4, b"\x1a\x45\xdf\xa3": 0, b"RIFF": 0}
"""How the containers that are taken begin, and where: MP4, QuickTime, Matroska, WebM, AVI; no text that names other files."""
ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class Job:
    """A job as it is on the disk; ``words`` are the command's, relative to its folder."""

    id: str
    owner: str
    kind: str
    name: str
    words: tuple[str, ...]
    files: tuple[str, ...]
    state: str = WAITING
    created: float = 0.0
    tries: int = 0
    error: str = ""
    model: str = ""
    """The run directory that it trains, relative to its folder; empty where it trains none."""
    ready: bool = False
    """Whether the model can be used."""

    @property
    def system(self) -> str | None:
        """What requests call the model that came of it."""
        return f"model-{self.id}" if self.model and self.ready else None


@dataclass
class Clip:
    """An uploaded clip, on the disk."""

    id: str
    owner: str
    name: str
    path: Path
    frames: int = 0
    rate: float = 0.0
    size: tuple[int, int] = (0, 0)

    def told(self) -> dict[str, Any]:
        """What a client is told of it."""
        width, height = self.size
        return {"id": self.id, "name": self.name, "frames": self.frames, "rate": self.rate, "width": width, "height": height}


@dataclass
class Child:
    """A process that works on a job."""

    job: str
    process: subprocess.Popen[bytes]
    cancelled: bool = False
    deadline: float = field(default=float("inf"))


def owner_of(client: str) -> str:
    """What is written on the disk of whose a job is; the session's id itself is not."""
    return hashlib.sha256(client.encode()).hexdigest()[:32]


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
        self._clips_at = work / "clips"
        shutil.rmtree(self._clips_at, ignore_errors=True)
        for folder in (self.folder, self._clips_at):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock, self._wake = threading.RLock(), threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._clips: dict[str, Clip] = {}
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
        shutil.rmtree(self._clips_at, ignore_errors=True)

    # clips

    def clip_path(self, name: str) -> tuple[str, Path]:
        """A new clip's id, and where its bytes are to be written."""
        cleaned = safe_name(name, ".mp4", "clip")
        suffix = Path(cleaned).suffix.lower()
        if suffix not in video.SUFFIXES:
            raise StudioError(f"{cleaned}: clips are {', '.join(video.SUFFIXES)}", 415)
        id = new_id()
        return id, self._clips_at / f"{id}{suffix}"

    def add_clip(self, client: str, id: str, name: str, path: Path) -> Clip:
        """Look at a clip that was written, and keep it; the oldest of the session's makes room.

        Raises:
            StudioError: it is no video, or videos cannot be read here; the file is deleted.
        """
        clip = Clip(id, owner_of(client), safe_name(name, path.suffix, "clip"), path)
        try:
            with path.open("rb") as file:
                head = file.read(16)
            if not any(head[at : at + len(magic)] == magic for magic, at in MAGIC.items()):
                raise StudioError(f"{clip.name}: is no clip that can be read (MP4, QuickTime, WebM, Matroska or AVI)", 415)
            try:
                seen = video.look(path)
                first = next(iter(video.frames(path)), None)
            except LikenessError as problem:
                raise StudioError(str(problem).replace(str(path), clip.name), 415) from None
            if first is None:
                raise StudioError(f"{clip.name}: holds no frame", 415)
            clip.frames, clip.rate, clip.size = seen.frames, round(float(seen.rate), 3), (first.shape[1], first.shape[0])
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._clips[id] = clip
            own = [one for one in self._clips.values() if one.owner == clip.owner]
            for old in own[: -self.limits.clips]:
                self._forget(old)
        return clip

    def clip(self, client: str, id: str) -> Clip:
        """A session's clip."""
        found = self._clips.get(id)
        if found is None or found.owner != owner_of(client):
            raise missing("clip")
        return found

    def remove_clip(self, client: str, id: str) -> None:
        """Delete a clip."""
        self._forget(self.clip(client, id))

    def _forget(self, clip: Clip) -> None:
        with self._lock:
            self._clips.pop(clip.id, None)
        clip.path.unlink(missing_ok=True)

    # jobs

    def reenact(self, client: str, clip: str, weights: str, body: Mapping[str, Any]) -> Job:
        """A clip as a clip of a target.

        Raises:
            StudioError: there is no such clip, or there are too many jobs.
        """
        given = self.clip(client, clip)
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
        words = ["portrait", "train", "input", "-o", "model", "--minutes", f"{minutes:g}", "--threads", "1"]
        words += ["--set", f"train.steps={steps}"] if steps else []
        title = safe_name(name, "", "person")
        job = self._new(client, "portrait", title, words, ["contact-sheet.png"], "model")

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
        if job.state == DONE and total:
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
            "command": shlex.join(["likeness", *job.words]),
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

    def resume(self, client: str, id: str) -> Job:
        """Go on with a job that has ended before its end."""
        job = self.get(client, id)
        if job.state not in (CANCELLED, FAILED, INTERRUPTED):
            raise StudioError(f"the job is {job.state}: there is nothing to resume", 409)
        self._room(job.owner)
        with contextlib.suppress(OSError):
            (self.folder / id / "ended.json").unlink()
        made = self._set(id, state=WAITING, tries=0, error="")
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
                held = json.loads((folder / "job.json").read_text(encoding="utf-8"))
                job = Job(**{**held, "words": tuple(held["words"]), "files": tuple(held["files"])})
            except (OSError, ValueError, TypeError, KeyError):
                continue  # not ours to judge
            if job.id != folder.name or not ID.fullmatch(job.id):
                continue
            self._jobs[job.id] = job
            if job.state == STOPPING:
                self._set(job.id, state=CANCELLED)
            elif job.state == RUNNING:
                self._set(job.id, state=WAITING)
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
            self._set(job.id, state=WAITING if again else INTERRUPTED, error=said, ready=ready)
        else:
            self._set(job.id, state=FAILED, error=last_line(folder / "log"), ready=ready)


def status_of(folder: Path) -> int | None:
    """How a job's command ended; None where it was killed before it could say."""
    try:
        return int(json.loads((folder / "ended.json").read_text(encoding="utf-8"))["status"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def tail(log: Path, most: int = 65_536) -> list[str]:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - most, 0))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def progress_of(log: Path) -> tuple[int, int, str, list[str]]:
    """How far a command has come by what it says: done, total, what it does, and what else it said (the last 20 lines)."""
    done, total, text, messages = 0, 0, "", []
    for line in tail(log):
        if found := BAR.match(line):
            done, total, text = int(found[2]), int(found[3]), " ".join(filter(None, (found[1], found[4])))
        elif line.strip():
            messages.append(line.removeprefix("likeness: ")[:300])
    return done, total, text, messages[-20:]


def last_line(log: Path) -> str:
    """What a command that failed said last."""
    said = [line for line in tail(log) if line.startswith("likeness: ")]
    return said[-1].removeprefix("likeness: ")[:500] if said else "the command failed; its log says nothing"


def possible() -> dict[str, Any]:
    """Which kinds of jobs can be done here: true, or what is missing."""
    needs = {"reenact": ("av", "video"), "portrait": ("torch", "train")}
    found: dict[str, Any] = {}
    for kind, (package, extra) in needs.items():
        have = find_spec(package) is not None and find_spec("filelock") is not None
        found[kind] = have or f"this needs {package}: pip install 'likeness[{extra}]'"
    return found


def check_possible(kind: str) -> None:
    """Refuse a job that cannot be done here."""
    if (said := possible()[kind]) is not True:
        raise StudioError(str(said), 501)
