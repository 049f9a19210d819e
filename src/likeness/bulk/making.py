"""Bulk making, from the plan to the last shard."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

from likeness import systems
from likeness.bulk import parquet
from likeness.bulk.inputs import is_parquet, remote, write_pieces
from likeness.bulk.output import STATE, Shards
from likeness.bulk.work import BulkJob
from likeness.card import DIGEST, header, read_card
from likeness.errors import LikenessError
from likeness.files import locked, write_content
from likeness.image import check_writable
from likeness.shards.job import Job
from likeness.shards.running import Crew
from likeness.synthesizer import Synthesizer

SHARD = 256
"""Inputs a shard: what a killed worker does again, and the most rows that it holds."""


@dataclass(frozen=True)
class Report:
    """What a run did: rows ``made`` and ``failed`` in all, of which ``resumed`` were there before; seconds of this call."""

    made: int
    failed: int
    resumed: int
    seconds: float


def condition_of(kind: type[Synthesizer], wanted: str = "") -> str:
    """What an input is given as: ``wanted``, or the first condition that is needed, or the first.

    Raises:
        LikenessError: the system has no such condition.
    """
    names = [one.name for one in kind.conditions]
    if wanted and wanted not in names:
        raise LikenessError(f"{wanted!r} is no condition; there are {', '.join(names)}")
    return wanted or next((one.name for one in kind.conditions if one.needed), names[0])


def bulk(
    weights: str,
    source: str,
    output: str | Path,
    *,
    crew: Crew | None = None,
    condition: str = "",
    constant: Mapping[str, Any] | None = None,
    column: str = "",
    suffix: str = ".png",
    shard: int = SHARD,
    engine: str = "auto",
    device: str = "auto",
    progress: Callable[..., None] = lambda done, total, text="": None,
) -> Report:
    """Make a face of each input; the same call goes on after an interruption, however hard.

    Args:
        weights: a system's name, a weights file or a run directory.
        source: a folder of pictures, a list (``.txt``: a path a line; ``.jsonl``: a request a line), or Parquet; remote ones and
            Parquet need the extra ``parquet``.
        output: the folder of shards, of Parquet where its name ends in ``.parquet``, else of folders; local or mounted,
            for a shard is put in place by a rename and the manifest grows by appending, which object stores do not know.
        crew: who works; by default a process a core.
        condition: what an input is given as, see :func:`condition_of`.
        constant: conditions (paths) and options that all inputs share.
        column: of a Parquet input.
        suffix: of the pictures.
        shard: inputs a shard.
        engine: as in :func:`likeness.systems.load`.
        device: likewise.
        progress: called with (done, total, text).

    Raises:
        LikenessError: the input, the output or the weights cannot be used, or another process works on the output.
    """
    check_writable(f"picture{suffix}")
    if shard < 1:
        raise LikenessError(f"--shard {shard}: at least one input a shard is needed")
    path = systems.weights_path(weights)
    kind = systems.row(read_card(path).system).synthesizer_class()
    shards = Shards(_local(output).absolute(), suffix)
    if shards.as_parquet or is_parquet(source):
        parquet.check()
    plan: dict[str, Any] = {
        "weights": header(path).get(DIGEST, ""),
        "input": source,
        "condition": condition_of(kind, condition),
        "constant": {name: str(value) for name, value in sorted((constant or {}).items())},
        "column": column,
        "suffix": suffix,
        "shard": shard,
    }
    job = BulkJob(str(shards.folder), suffix, str(path), plan["weights"], plan["condition"], dict(constant or {}), engine, device)

    def begin() -> tuple[int, int]:
        return write_pieces(source, shard, shards.state, column)

    return run(shards, plan, str(output), begin, job, crew or Crew(), progress)


def run(
    shards: Shards,
    plan: Mapping[str, Any],
    output: str,
    begin: Callable[[], tuple[int, int]],
    job: Job,
    crew: Crew,
    progress: Callable[..., None],
    end: Callable[[], None] = lambda: None,
) -> Report:
    """Work through the pieces of a plan that are not done yet; one process at a time has the output.

    Args:
        shards: the output.
        plan: what has to be the same for a run to go on, in plain JSON values.
        output: what the output is called in messages.
        begin: called where the run is new, when the folder for its state is there; how many rows and pieces there will be.
        job: does a piece.
        crew: who works.
        progress: called with (done, total, text).
        end: called when all shards are there.

    Raises:
        LikenessError: the output cannot be used, or another process works on it.
    """
    began = time.monotonic()
    with locked(shards.folder.parent / f".{shards.folder.name}.lock", output):
        total, pieces = _begun(shards, plan, output, begin)
        known = shards.manifest()
        shards.tidy(known)
        counts = {name: sum(told[name] for told in known.values()) for name in ("made", "failed")}
        resumed, working = sum(counts.values()), time.monotonic()
        progress(resumed, total)
        for _, told in crew.run(job, (number for number in range(pieces) if number not in known)):
            shards.note(told)
            for name in counts:
                counts[name] += told[name]
            done = sum(counts.values())
            rate = (done - resumed) / max(time.monotonic() - working, 1e-9)
            progress(done, total, f"{rate:.1f} faces/s, {_left((total - done) / max(rate, 1e-9))} left")
        if sum(counts.values()) != total:
            raise LikenessError(f"{output}: {sum(counts.values())} rows of {total} inputs; its shards are not those of its plan")
        shutil.rmtree(shards.state / "trouble", ignore_errors=True)
        end()
        write_content(shards.state / "summary.json", json.dumps({**plan, "inputs": total, "shards": pieces, **counts}) + "\n")
    return Report(counts["made"], counts["failed"], resumed, time.monotonic() - began)


def _begun(shards: Shards, plan: Mapping[str, Any], output: str, begin: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """How many inputs and pieces there are; they are written down now where the run is new."""
    note = shards.state / "plan.json"
    if shards.folder.exists() and not shards.folder.is_dir():
        raise LikenessError(f"{output}: is a file; the shards go into a folder")
    if note.is_file():
        try:
            held = json.loads(note.read_text())
            counted = int(held.pop("inputs")), int(held.pop("pieces"))
        except (ValueError, KeyError, AttributeError):
            raise LikenessError(f"{output}: its plan is damaged; choose another output") from None
        if odd := [name for name in plan if held.get(name) != plan[name]]:
            now, then = plan[odd[0]], held.get(odd[0])
            raise LikenessError(f"{output}: was begun with another {odd[0]} ({then!r}, now {now!r}); choose another output")
        return counted
    if shards.folder.exists() and any(path.name != STATE for path in shards.folder.iterdir()):
        raise LikenessError(f"{output}: holds other files; name a new folder")
    shards.state.mkdir(parents=True, exist_ok=True)
    try:
        inputs, pieces = begin()
    except LikenessError:
        shutil.rmtree(shards.state)
        shards.folder.rmdir()
        raise
    write_content(note, json.dumps({**plan, "inputs": inputs, "pieces": pieces}))
    return inputs, pieces


def _local(output: str | Path) -> Path:
    """The folder of an output; ``file://`` addresses are such.

    Raises:
        LikenessError: it is elsewhere.
    """
    place = str(output)
    if place.startswith("file://"):
        return Path(url2pathname(place.removeprefix("file://")))
    if remote(place):
        raise LikenessError(
            f"{place}: an output has to be a local or mounted folder, for shards are put in place by renaming; "
            "make them there and copy them, or mount the store"
        )
    return Path(output)


def _left(seconds: float) -> str:
    """A time in its two largest units.

    >>> _left(42), _left(4000), _left(200000)
    ('42 s', '1 h 6 min', '2 d 7 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
