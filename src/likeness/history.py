"""A session of making as a file: which faces were made of what, and from which face each was taken further.

The forensic way of working: from several faces choose one, keep it and vary the rest, change a part, go back. Every face of a
session can be made again, for its whole request is in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likeness.errors import LikenessError
from likeness.files import write_content

MARK = "likeness session"
FORMAT = 1
MOST = 100_000
"""Faces in one session, and megabytes ÷ 1000 in one file."""


@dataclass(frozen=True)
class Step:
    """A face of a session: its ``number`` from 1, the ``parent`` it was taken further from (0: none), its whole ``request``, and
    the SHA-256 of each file that the request names.
    """

    number: int
    parent: int
    request: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """All faces of a session, made by one ``system`` with the weights of one ``digest``."""

    system: str
    digest: str
    steps: tuple[Step, ...] = ()

    def step(self, number: int) -> Step:
        """A face by its number.

        Raises:
            LikenessError: there is no such face.
        """
        if not 1 <= number <= len(self.steps):
            raise LikenessError(f"face {number}: this session has {len(self.steps)} faces")
        return self.steps[number - 1]

    def added(self, requests: Sequence[Mapping[str, Any]], parent: int = 0) -> History:
        """The session with further faces."""
        if parent:
            self.step(parent)
        first = len(self.steps) + 1
        more = tuple(Step(first + i, parent, dict(request), hashes(request)) for i, request in enumerate(requests))
        if first + len(more) > MOST:
            raise LikenessError(f"a session holds at most {MOST:,} faces; begin another one")
        return History(self.system, self.digest, self.steps + more)

    def line(self, number: int) -> list[int]:
        """The numbers from the first face to this one, each taken further from the one before."""
        found = [self.step(number).number]
        while parent := self.step(found[-1]).parent:
            found.append(parent)
        return found[::-1]

    def changed_files(self, number: int) -> list[str]:
        """Files of a face's request that are gone or are not what they were."""
        return [path for path, digest in self.step(number).files.items() if _hash(Path(path)) != digest]

    def save(self, path: str | Path) -> Path:
        """Write the session, whole or not at all."""
        faces = [{"number": s.number, "parent": s.parent, "request": s.request, "files": s.files} for s in self.steps]
        content = {MARK: FORMAT, "system": self.system, "weights": self.digest, "faces": faces}
        return write_content(Path(path), json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def open_history(path: str | Path, system: str, digest: str) -> History:
    """The session in a file, or a new one where there is none yet.

    Raises:
        LikenessError: it is no session, is damaged, or belongs to another system or other weights.
    """
    file = Path(path)
    if not file.exists():
        return History(system, digest)
    broken = LikenessError(f"{path}: is no session of likeness make, or is damaged")
    try:
        if file.stat().st_size > MOST * 1000:
            raise broken
        content = json.loads(file.read_bytes().decode())
        if content[MARK] != FORMAT:
            raise broken
        steps = tuple(
            Step(int(one["number"]), int(one["parent"]), dict(one["request"]), dict(one["files"])) for one in content["faces"]
        )
        found = History(str(content["system"]), str(content["weights"]), steps)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise broken from None
    if any(step.number != place or not 0 <= step.parent < place for place, step in enumerate(found.steps, 1)):
        raise broken
    if (found.system, found.digest) != (system, digest):
        raise LikenessError(f"{path}: was made by {found.system} with weights {found.digest}; these are {system}'s {digest}")
    return found


def hashes(request: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file that a request names."""
    names = [one for value in request.values() for one in (value if isinstance(value, list | tuple) else [value])]
    words = [word for name in names if isinstance(name, str) for word in ([name] if Path(name).is_file() else name.split(","))]
    return {word: digest for word in words if (digest := _hash(Path(word)))}


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    except (OSError, ValueError):
        return ""
