"""A job as it is on the disk: its record, how its command ended, and how far that has come."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from likeness.studio.errors import StudioError

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
BAR = re.compile(r"^(\w[\w ]{0,30}) (\d+)/(\d+)(?: (.*))?$")
"""What ``likeness.cli.options.bar`` says where there is no terminal."""
LEAST = 0.5
"""Minutes that a training which goes on has in any case."""


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
    minutes: float = 0.0
    """For how long it trains at most, however often it is interrupted; 0 where it trains nothing."""
    interruptions: int = 0
    """How often it, or the server, was killed while it ran."""

    @property
    def system(self) -> str | None:
        """What requests call the model that came of it."""
        return f"model-{self.id}" if self.model and self.ready else None

    @property
    def said(self) -> tuple[str, ...]:
        """The command's words, as somebody would type them."""
        return (*self.words, *(("--minutes", f"{self.minutes:g}") if self.minutes else ()))

    def words_after(self, spent: float) -> tuple[str, ...]:
        """The command's words where it has run for ``spent`` seconds before: a training has what is left of its time."""
        left = max(self.minutes - spent / 60, LEAST)
        return replace(self, minutes=round(left, 3)).said if self.minutes else self.words


def read_job(folder: Path) -> Job:
    """The job of a folder.

    Raises:
        OSError: it has no ``job.json``.
        ValueError: that holds no job.
    """
    held = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    try:
        return Job(**{**held, "words": tuple(held["words"]), "files": tuple(held["files"])})
    except (TypeError, KeyError) as problem:
        raise ValueError(f"{folder.name}: holds no job ({problem})") from None


def spent_in(folder: Path) -> float:
    """For how many seconds a job's command has run, all its processes together; to a few seconds where one was killed."""
    try:
        return max(float((folder / "spent").read_text(encoding="utf-8")), 0.0)
    except (OSError, ValueError):
        return 0.0


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


NEEDS = {"reenact": (("av", "filelock"), "video"), "portrait": (("torch", "filelock"), "train")}
"""Packages that kinds of jobs need, and the extra of likeness that brings them."""


def lacking(needs: tuple[tuple[str, ...], str], here: bool = False) -> str:
    """What is missing for something of :data:`NEEDS` and how it is installed; empty where nothing is.

    ``here``: for somebody at this machine, who is told the pip of this very environment.
    """
    packages, extra = needs
    missing = next((one for one in packages if find_spec(one) is None), None)
    if missing is None:
        return ""
    pip = (shutil.which("pip", path=str(Path(sys.executable).parent)) if here else None) or "pip"
    return f"this needs {missing}: {shlex.quote(pip)} install 'likeness[{extra}]', then start the studio anew"


def possible(here: bool = False) -> dict[str, Any]:
    """Which kinds of jobs can be done here: true, or what is missing, see :func:`lacking`."""
    return {kind: lacking(needs, here) or True for kind, needs in NEEDS.items()}


def check_possible(kind: str) -> None:
    """Refuse a job that cannot be done here."""
    if said := lacking(NEEDS[kind]):
        raise StudioError(said, 501)
