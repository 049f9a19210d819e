"""Prepared files that are larger than memory: their pictures stay on the disk and are read a row group at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from likeness.data.store import FaceStore, checked_notes, unreadable
from likeness.errors import LikenessError
from likeness.records import AlignedFace

LIGHT = ("name", "person", "source", "split", "missing")
"""Columns that are held in memory, some hundred bytes a face."""
FILE, GROUP, ROW = "_file", "_group", "_row"
"""Further columns: the number of the file, of the row group in it, and of the row in that."""


class StreamedStore(FaceStore):
    """Prepared files opened without their pictures. Selections hold row numbers; faces are read when they are asked for.

    Args:
        paths: one or several prepared files, in order.

    Raises:
        LikenessError: as for :class:`likeness.data.store.FaceStore`.
    """

    def __init__(self, paths: str | Path | Sequence[str | Path]) -> None:
        self.paths = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        tables, first = [], None
        for number, path in enumerate(self.paths):
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    about = checked_notes(path, file.schema_arrow)
                    if first is not None and about != first:
                        raise LikenessError(
                            f"{path}: differs from {self.paths[0]} in framing or other pictures; prepare them alike"
                        )
                    first = about
                    for group in range(file.num_row_groups):
                        tables.append(_light(file, number, group))
            except FileNotFoundError:
                raise LikenessError(f"{path}: no such file; make one with: likeness prepare FOLDER -o {path}") from None
            except (pa.ArrowException, OSError, ValueError) as problem:
                raise unreadable(path, problem) from None
        assert first is not None
        self.framing, self.pairs, self._mapped = first
        self.path = self.paths[0] if len(self.paths) == 1 else Path(" + ".join(path.name for path in self.paths))
        self.table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()

    @property
    def mapped(self) -> bool:
        """Whether each face brings soft parsings."""
        return self._mapped

    def _like(self, table: pa.Table) -> StreamedStore:
        made = object.__new__(StreamedStore)
        made.path, made.framing, made.table, made.pairs = self.path, self.framing, table, self.pairs
        made.paths, made._mapped = self.paths, self._mapped
        return made

    def column(self, name: str) -> list[Any]:
        """One of the columns :data:`LIGHT` as Python values; others are read from the disk."""
        if name in LIGHT:
            return super().column(name)
        return [value for part in self.parts() for value in part.column(name)]

    def parts(self) -> Iterator[FaceStore]:
        """The same rows in memory, one after the other those of each row group."""
        places = [self.table.column(name).to_numpy() for name in (FILE, GROUP, ROW)]
        if not len(self):
            return
        changed = (np.diff(places[0]) != 0) | (np.diff(places[1]) != 0)
        edges = [0, *(np.flatnonzero(changed) + 1).tolist(), len(self)]
        for begin, end in pairwise(edges):
            number, group = int(places[0][begin]), int(places[1][begin])
            path = self.paths[number]
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    table = file.read_row_group(group, use_threads=False).take(pa.array(places[2][begin:end], pa.int64()))
            except (pa.ArrowException, OSError, ValueError) as problem:
                raise unreadable(path, problem) from None
            made = object.__new__(FaceStore)
            made.path, made.framing, made.table, made.pairs = path, self.framing, table, self.pairs
            yield made

    def __iter__(self) -> Iterator[AlignedFace]:
        for part in self.parts():
            yield from part

    def fingerprint(self) -> str:
        """As :meth:`likeness.data.store.FaceStore.fingerprint`, a row group at a time."""
        digest = hashlib.sha256()
        for part in self.parts():
            part.digest(digest)
        return digest.hexdigest()[:16]

    def write(self, path: str | Path) -> Path:
        """Write the rows as a prepared file; they have to fit into memory for that."""
        return FaceStore.joined(list(self.parts())).write(path)


def _light(file: pq.ParquetFile, number: int, group: int) -> pa.Table:
    """The light columns of a row group, and where its rows are; names that come again and again are held once."""
    there = [name for name in LIGHT if name in file.schema_arrow.names]
    table = file.read_row_group(group, columns=there, use_threads=False).replace_schema_metadata(None)
    count = len(table)
    if "missing" not in there:
        table = table.append_column("missing", pa.array(np.zeros(count, np.float32)))
    for name in ("person", "source", "split"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).dictionary_encode())
    for name, values in ((FILE, np.full(count, number)), (GROUP, np.full(count, group)), (ROW, np.arange(count))):
        table = table.append_column(name, pa.array(values.astype(np.int32)))
    return table
