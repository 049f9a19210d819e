"""A worker of bulk making: it holds one synthesizer and turns pieces of inputs into shards."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likeness import image, systems
from likeness.bulk.inputs import Input, Value, read_piece
from likeness.bulk.output import Shards
from likeness.errors import LikenessError
from likeness.faces.points import points_of
from likeness.shards.job import Job, Line
from likeness.shards.trouble import Trouble
from likeness.synthesizer import Prepared, Result, Synthesizer

BATCH = 16
"""The most inputs that are made at a time: larger batches give little on one thread."""


@dataclass(frozen=True)
class BulkJob(Job):
    """All that a worker has to know.

    ``weights`` is what :func:`likeness.systems.load` takes, ``digest`` the SHA-256 that they must have; ``condition`` is what an
    input is given as, ``constant`` the conditions and options that all share.
    """

    folder: str
    suffix: str
    weights: str
    digest: str
    condition: str
    constant: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "auto"
    device: str = "auto"

    def open(self) -> Callable[[int], Line]:
        """See :class:`likeness.shards.job.Job`."""
        return Worker(self)


class Worker:
    """One session."""

    def __init__(self, job: BulkJob) -> None:
        self.job, self.shards = job, Shards(Path(job.folder), job.suffix)
        self.maker: Synthesizer = systems.load(job.weights, engine=job.engine, device=job.device)
        if self.maker.weights.digest != job.digest:
            raise LikenessError(f"{job.weights}: are other weights than those that the run began with; choose another output")
        self.kinds = {one.name: one.kind for one in self.maker.conditions}

    def __call__(self, number: int) -> Line:
        """Make a piece, unless its shard is there already."""
        if self.shards.path(number).exists():
            return self.shards.told(number)
        trouble = Trouble(self.shards.state / "trouble", number)
        most = 1 if trouble.careful else min(BATCH, self.maker.batch)
        lines: list[dict[str, Any]] = []
        pictures: list[bytes | None] = []
        waiting: list[tuple[Input, str, Prepared]] = []

        def failed(one: Input, content: str, reason: str) -> None:
            lines.append(_line(one, content, reason=" ".join(reason.split())))
            pictures.append(None)

        def flush() -> None:
            for (one, content, _), result in zip(waiting, self._made([ready for *_, ready in waiting]), strict=True):
                try:
                    if not isinstance(result, Result):
                        raise result
                    picture = result.encoded(self.job.suffix)
                except Exception as problem:
                    failed(one, content, _reason(problem, one))
                else:
                    said = {**result.made, "notes": list(result.notes)} if result.notes else result.made
                    lines.append(_line(one, content, content + self.job.suffix, json.dumps(said, ensure_ascii=False)))
                    pictures.append(picture)
            waiting.clear()

        for one in read_piece(self.shards.state, number, self.job.condition, self.kinds):
            content = _content(one.given)
            if not trouble.begin(one.number):
                failed(one, content, "worker processes die of it, perhaps for want of memory")
                continue
            try:
                waiting.append((one, content, self._prepared(one)))
            except Exception as problem:  # whatever an input does to the code, it costs its own row and no other
                failed(one, content, _reason(problem, one))
            if len(waiting) >= most:
                flush()
        flush()
        order = sorted(range(len(lines)), key=lambda i: lines[i]["number"])
        told = self.shards.write(number, [lines[i] for i in order], [pictures[i] for i in order])
        trouble.end()
        return told

    def _prepared(self, one: Input) -> Prepared:
        given = {name: self._value(name, value) for name, value in one.given.items()}
        ready = self.maker.prepare({**self.job.constant, **given})
        said = dict(ready.made.get("conditions", {})) | {
            name: one.name if len(one.given) == 1 else json.loads(one.name)[name] for name in one.given
        }
        # the photo itself is needed no more: a batch of them could fill the memory
        return dataclasses.replace(ready, made={**ready.made, "conditions": said}, place=None)

    def _value(self, name: str, value: Value) -> Any:
        if isinstance(value, LikenessError):
            raise value
        if isinstance(value, str):
            return value
        if self.kinds.get(name) == "landmarks" and value.lstrip()[:1] in (b"{", b"\xef"):
            return points_of(value, "landmarks")
        if self.kinds.get(name) == "parts":  # with its transparency
            return image.opened(io.BytesIO(value), name)
        return image.decode(io.BytesIO(value), name)

    def _made(self, ready: list[Prepared]) -> list[Result | Exception]:
        """A result of each, all together, or one by one where that fails."""
        try:
            return list(self.maker.make(ready))
        except Exception as problem:
            return [problem] if len(ready) == 1 else [self._made([one])[0] for one in ready]


def _line(
    one: Input, content: str, file: str | None = None, made: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {"number": one.number, "input": one.name, "content": content, "file": file, "reason": reason, "made": made}


def _content(given: Mapping[str, Value]) -> str:
    """What an input is called by: the SHA-256 of its bytes; of several conditions that of theirs by name. Empty: unreadable."""
    if any(isinstance(value, LikenessError) for value in given.values()):
        return ""
    hashes = {
        name: hashlib.sha256(value if isinstance(value, bytes) else str(value).encode()).hexdigest()
        for name, value in sorted(given.items())
    }
    return next(iter(hashes.values())) if len(hashes) == 1 else hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def _reason(problem: Exception, one: Input) -> str:
    if isinstance(problem, LikenessError):
        text = str(problem)
        for name in one.given:
            text = text.removeprefix(f"{name}: ")
        return text
    if isinstance(problem, MemoryError):
        return "there is not enough memory for it"
    return f"it could not be worked on ({type(problem).__name__}: {problem})"
