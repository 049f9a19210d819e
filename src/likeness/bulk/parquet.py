"""Pictures in Parquet, read a slice of a row group at a time and written a shard at a time. Only here is pyarrow needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from likeness.errors import LikenessError
from likeness.files import write_atomically

NAMES = ("name", "input", "path", "file", "id")
"""Columns that an input may be called by; the first that is there and holds texts."""
PATHS = ("path", "file", "input", "name")
"""Columns that may hold paths, where none holds pictures."""
BATCH = 16
"""Rows that are decoded at a time."""
BUFFER = 1 << 20
"""Bytes of a column that are read at a time: a row group may be the whole file."""


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise LikenessError("Parquet needs pyarrow: pip install 'likeness[parquet]'") from None
    return pyarrow, pyarrow.parquet


def check() -> None:
    """Refuse where pyarrow is not installed."""
    _pyarrow()


def _file_of(file: BinaryIO, name: str) -> Any:
    pa, pq = _pyarrow()
    try:
        return pq.ParquetFile(file, memory_map=False, pre_buffer=False, buffer_size=BUFFER)
    except (pa.ArrowException, OSError, ValueError) as problem:
        first = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise LikenessError(f"{name}: cannot be read as Parquet ({first[:200]})") from None


def slices(files: Sequence[str], size: int, column: str = "") -> Iterator[dict[str, Any]]:
    """Slices of at most ``size`` rows of the files' row groups, as plain JSON values.

    Args:
        files: paths or addresses.
        size: rows.
        column: what holds the pictures: bytes, ``{bytes, path}`` as Hugging Face's ``datasets`` keeps them, or texts that name
            files. By default ``image``, else the first that could.
    """
    from likeness.bulk.inputs import opened

    for name in files:
        with opened(name) as file:
            source = _file_of(file, name)
            pictures, called = _columns(source.schema_arrow, column, name)
            before = 0
            for group in range(source.metadata.num_row_groups):
                rows = source.metadata.row_group(group).num_rows
                for start in range(0, rows, size):
                    there = {"file": name, "group": group, "start": start, "before": before + start}
                    yield {"count": min(size, rows - start), **there, "column": pictures, "names": called}
                before += rows


def _columns(schema: Any, wanted: str, name: str) -> tuple[str, str]:
    """The columns of the pictures and of the names ("" where none has names)."""
    pa, _ = _pyarrow()

    def holds(kind: Any) -> bool:
        inner = kind.field("bytes").type if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 else kind
        return bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner))

    def texts(kind: Any) -> bool:
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    kinds = {field.name: field.type for field in schema}
    if wanted and not (wanted in kinds and (holds(kinds[wanted]) or texts(kinds[wanted]))):
        raise LikenessError(f"{name}: {wanted!r} is no column of pictures or paths; there are {', '.join(kinds)}")
    likely = ["image", *(one for one, kind in kinds.items() if holds(kind)), *(one for one in PATHS if one in kinds)]
    found = wanted or next((one for one in likely if one in kinds and (holds(kinds[one]) or texts(kinds[one]))), "")
    if not found:
        raise LikenessError(f"{name}: has no column of pictures; there are {', '.join(kinds)}; name it with --column")
    return found, next((one for one in NAMES if one != found and one in kinds and texts(kinds[one])), "")


def rows(file: BinaryIO, piece: Mapping[str, Any]) -> Iterator[tuple[str, bytes | str | LikenessError]]:
    """The inputs of a slice: what each is called, and its bytes, or the path that stands there.

    Raises:
        LikenessError: the file is another than it was.
    """
    pa, _ = _pyarrow()
    source, start, left = _file_of(file, piece["file"]), piece["start"], piece["count"]
    columns = [piece["column"], *([piece["names"]] if piece["names"] else [])]
    number = piece["before"]
    try:
        for batch in source.iter_batches(BATCH, row_groups=[piece["group"]], columns=columns, use_threads=False):
            if start >= batch.num_rows:
                start -= batch.num_rows
                continue
            for row in batch.slice(start).to_pylist():
                if not left:
                    return
                value = row[piece["column"]]
                path = value.get("path") if isinstance(value, dict) else None
                value = value.get("bytes") if isinstance(value, dict) else value
                called = (row[piece["names"]] if piece["names"] else path) or f"{piece['file']}#{number}"
                yield called, LikenessError("the row holds no picture") if value is None else value
                left, number = left - 1, number + 1
            start = 0
    except (pa.ArrowException, OSError, ValueError) as problem:
        first = (str(problem).splitlines() or [type(problem).__name__])[0]
        for more in range(left):
            yield f"{piece['file']}#{number + more}", LikenessError(f"is damaged ({first[:200]})")
        return
    if left:
        raise LikenessError(f"{piece['file']}: has fewer rows than when the run began")


def write(
    path: Path,
    lines: Sequence[Mapping[str, Any]],
    pictures: Sequence[bytes | None],
    suffix: str,
    more: Mapping[str, str] | None = None,
) -> Path:
    """Write a shard, whole or not at all: the lines' values, and ``image`` as Hugging Face's ``datasets`` reads it.

    ``more`` are further columns, each with its type.
    """
    pa, pq = _pyarrow()
    names = {"number": "int64", "input": "string", "content": "string", "reason": "string", "made": "string", **(more or {})}
    kinds = {name: getattr(pa, kind)() for name, kind in names.items()}
    features: dict[str, Any] = {name: {"dtype": kind, "_type": "Value"} for name, kind in names.items()}
    notes = {"huggingface": json.dumps({"info": {"features": features | {"image": {"_type": "Image"}}}})}
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([*kinds.items(), ("image", image)], metadata=notes)
    cells = [
        None if picture is None else {"bytes": picture, "path": f"{line['content']}{suffix}"}
        for line, picture in zip(lines, pictures, strict=True)
    ]
    table = pa.Table.from_pylist(
        [{name: line[name] for name in kinds} | {"image": cell} for line, cell in zip(lines, cells, strict=True)], schema
    )

    def fill(target: BinaryIO) -> None:
        pq.write_table(table, target, compression="none", write_page_checksum=True)

    return write_atomically(path, fill)


def counts(path: Path) -> tuple[int, int]:
    """How many rows of a shard were made, and how many were not."""
    _, pq = _pyarrow()
    reasons = pq.read_table(path, columns=["reason"]).column("reason")
    return reasons.null_count, len(reasons) - reasons.null_count


def column(path: Path, name: str) -> list[Any]:
    """A column of a shard."""
    _, pq = _pyarrow()
    values: list[Any] = pq.read_table(path, columns=[name]).column(name).to_pylist()
    return values
