"""What bulk making writes: shards, each put in place by one rename; beside them what makes a run go on.

```
OUTPUT.parquet/000000.parquet …      or OUTPUT/000000/CONTENT.png … and OUTPUT/000000/rows.jsonl
_likeness/plan.json                  what has to be the same for the run to go on
_likeness/pieces.jsonl pieces.index  the inputs, written down once; piece N becomes shard N
_likeness/manifest.jsonl             a line a finished shard
_likeness/trouble/N.json             pieces that are being worked on, or were when their worker died
```
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likeness.bulk import parquet
from likeness.errors import LikenessError
from likeness.files import put_in_place, sync, write_content

STATE = "_likeness"


@dataclass(frozen=True)
class Shards:
    """The output folder; its name's suffix ``.parquet`` makes Parquet of the shards.

    ``suffix`` is the pictures'; ``more`` are columns that rows have beyond those of bulk making, each with its type.
    """

    folder: Path
    suffix: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Where the run's own files are."""
        return self.folder / STATE

    @property
    def as_parquet(self) -> bool:
        """Whether shards are Parquet files."""
        return self.folder.suffix == ".parquet"

    def path(self, number: int) -> Path:
        """Where a shard is once it is whole."""
        return self.folder / (f"{number:06d}.parquet" if self.as_parquet else f"{number:06d}")

    def write(self, number: int, lines: Sequence[Mapping[str, Any]], pictures: Sequence[bytes | None]) -> dict[str, Any]:
        """Write a shard and see that it is on the disk; what the manifest says of it."""
        if self.as_parquet:
            parquet.write(self.path(number), lines, pictures, self.suffix, self.more)
        else:
            self._write_folder(number, lines, pictures)
        return self.told(number)

    def _write_folder(self, number: int, lines: Sequence[Mapping[str, Any]], pictures: Sequence[bytes | None]) -> None:
        target = self.path(number)
        temporary = self.folder / f".{target.name}.{secrets.token_hex(4)}"
        temporary.mkdir()
        try:
            for line, picture in zip(lines, pictures, strict=True):
                if picture is not None:
                    (temporary / line["file"]).write_bytes(picture)
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (temporary / "rows.jsonl").write_text(text, encoding="utf-8")
            for path in temporary.iterdir():
                sync(path)
            with suppress(FileExistsError, NotADirectoryError):
                put_in_place(temporary, target)
        except OSError as problem:
            if not target.exists():  # else another worker was first, after the driver that had this one was killed
                raise LikenessError(f"{target}: cannot be written ({problem.strerror or problem})") from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def told(self, number: int) -> dict[str, Any]:
        """A shard that is there: its name, its rows that were ``made`` and ``failed``, and the SHA-256 of its rows' file."""
        path = self.path(number)
        if self.as_parquet:
            made, failed = parquet.counts(path)
        else:
            path /= "rows.jsonl"
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            made = sum(line["reason"] is None for line in lines)
            failed = len(lines) - made
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"shard": number, "made": made, "failed": failed, "sha256": digest}

    def column(self, number: int, name: str) -> list[Any]:
        """A column of a shard that is there."""
        if self.as_parquet:
            return parquet.column(self.path(number), name)
        text = (self.path(number) / "rows.jsonl").read_text(encoding="utf-8")
        return [json.loads(line)[name] for line in text.splitlines()]

    def manifest(self) -> dict[int, dict[str, Any]]:
        """The lines of the manifest whose shards are there, by number; a line that was cut off by a kill counts for nothing."""
        path, found = self.state / "manifest.jsonl", {}
        if path.exists():
            for line in path.read_bytes().splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    told = json.loads(line)
                    found[int(told["shard"])] = told
        there = {name for name in os.listdir(self.folder) if not name.startswith((".", "_"))}  # noqa: PTH208 (names will do)
        return {number: told for number, told in found.items() if self.path(number).name in there}

    def tidy(self, known: Mapping[int, Mapping[str, Any]]) -> None:
        """Before a run goes on: take away what killed workers began, and write the manifest anew."""
        for path in self.folder.glob(".*"):
            if path.name.startswith(".") and path.name.lstrip(".")[:6].isdigit():
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        text = "".join(json.dumps(known[number]) + "\n" for number in sorted(known))
        write_content(self.state / "manifest.jsonl", text)

    def note(self, told: Mapping[str, Any]) -> None:
        """Add a line to the manifest and see that it is on the disk."""
        with (self.state / "manifest.jsonl").open("ab") as file:
            file.write(json.dumps(told).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
