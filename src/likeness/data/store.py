"""One Parquet file of aligned faces: encoded pictures and their landmarks.

Hugging Face ``datasets`` opens it as it is: ``Dataset.from_parquet(path)`` shows the column ``image`` as pictures.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Pillow

from likeness.data.split import SIDES
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.landmarks import COUNT, eye_distance
from likeness.files import write_atomically
from likeness.recipe import thaw
from likeness.records import AlignedFace

QUALITY = 95
"""WebP quality of the stored pictures."""

_COLUMNS: list[tuple[str, pa.DataType, dict[str, Any]]] = [
    ("name", pa.string(), {"dtype": "string", "_type": "Value"}),
    ("person", pa.string(), {"dtype": "string", "_type": "Value"}),
    ("source", pa.string(), {"dtype": "string", "_type": "Value"}),
    ("split", pa.string(), {"dtype": "string", "_type": "Value"}),
    ("eye_distance", pa.float32(), {"dtype": "float32", "_type": "Value"}),
    ("missing", pa.float32(), {"dtype": "float32", "_type": "Value"}),
    ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Image"}),
    ("landmarks", pa.list_(pa.float32()), {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"}),
]
_PAIR, _MAPS = (
    (name, pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Image"}) for name in ("pair", "maps")
)


def schema(framing: Framing, pairs: str = "", mapped: bool = False) -> pa.Schema:
    """Columns and notes: the framing for us, the features for Hugging Face ``datasets``.

    ``pairs`` says what the other pictures are, which adds the column ``pair``: one of :data:`likeness.data.pairs.KINDS`.
    ``mapped`` adds the column ``maps``: the soft parsings below each other in one grey picture.
    """
    columns = [*_COLUMNS, *([_PAIR] if pairs else []), *([_MAPS] if mapped else [])]
    notes = {
        "likeness": json.dumps({"framing": asdict(framing)} | ({"pairs": pairs} if pairs else {})),
        "huggingface": json.dumps({"info": {"features": {name: feature for name, _, feature in columns}}}),
    }
    return pa.schema([(name, kind) for name, kind, _ in columns], metadata=notes)


def encode(image: np.ndarray, lossless: bool = False) -> bytes:
    """A picture as WebP."""
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, format="WEBP", quality=QUALITY, method=4, lossless=lossless)
    return buffer.getvalue()


def row(face: AlignedFace, source: str, eye_pixels: float, missing: float = 0.0) -> dict[str, Any]:
    """A face as a row of the file.

    ``eye_pixels`` is its eye distance in the photo, a measure of sharpness; ``missing`` the share of the framing, 0 to 1, that
    lies outside the photo (:func:`likeness.faces.align.missing_share`).
    """
    made = {
        "name": face.name,
        "person": face.person,
        "source": source,
        "split": face.split,
        "eye_distance": eye_pixels,
        "missing": missing,
        "image": {"bytes": encode(face.image), "path": f"{face.name}.webp"},
        "landmarks": face.landmarks.reshape(-1).tolist(),
    }
    if face.pair is not None:
        made |= {"pair": _cell(face.pair, face.name)}
    if face.maps is not None:
        made |= {"maps": _maps_cell(face.maps, face.name)}
    return made


def _cell(pair: np.ndarray, name: str) -> dict[str, Any]:
    return {"bytes": encode(pair, lossless=True), "path": f"{name}.pair.webp"}


def _maps_cell(maps: np.ndarray, name: str) -> dict[str, Any]:
    """Maps … × S × S as one PNG: numbers have to come back as they were."""
    buffer = io.BytesIO()
    Pillow.fromarray(maps.reshape(-1, maps.shape[-1])).save(buffer, format="PNG")
    return {"bytes": buffer.getvalue(), "path": f"{name}.maps.png"}


def _write(table: pa.Table, file: BinaryIO, group: int | None = None) -> None:
    """Pictures are compressed already; each page carries its checksum, so that damage is seen when it is read."""
    pq.write_table(table, file, compression="none", row_group_size=group, write_page_checksum=True)


def write_rows(path: Path, rows: Sequence[dict[str, Any]], framing: Framing, pairs: str = "", mapped: bool = False) -> Path:
    """Write rows as one Parquet file, whole or not at all."""
    table = pa.Table.from_pylist(list(rows), schema=schema(framing, pairs, mapped))
    return write_atomically(path, lambda file: _write(table, file))


GROUP = 1000
"""Rows a row group."""


def merge(parts: Sequence[Path], path: Path, framing: Framing) -> Path:
    """Join part files, which are in order, into one file; no more than a row group and a part are in memory."""

    def fill(file: BinaryIO) -> None:
        with ExitStack() as open_files:
            writer, waiting = None, schema(framing).empty_table()
            for number, part in enumerate(parts, 1):
                table = pq.read_table(part)
                waiting = table if writer is None else pa.concat_tables([waiting, table])
                if writer is None:
                    options = {"compression": "none", "write_page_checksum": True}
                    writer = open_files.enter_context(pq.ParquetWriter(file, table.schema, **options))
                while len(waiting) >= GROUP or (number == len(parts) and len(waiting)):
                    writer.write_table(waiting.slice(0, GROUP), GROUP)
                    waiting = waiting.slice(GROUP)
                waiting = waiting.combine_chunks()  # so that what is written is let go

    return write_atomically(path, fill)


def unreadable(path: str | Path, problem: Exception) -> LikenessError:
    """What to tell of a file that pyarrow cannot read."""
    first = (str(problem).splitlines() or [type(problem).__name__])[0]
    return LikenessError(f"{path}: cannot be read as Parquet ({first[:200]})")


def checked_notes(path: str | Path, found: pa.Schema) -> tuple[Framing, str, bool]:
    """A prepared file's framing, what its other pictures are ("" where it has none), and whether it has soft parsings.

    Raises:
        LikenessError: its columns or notes are not those that :func:`schema` makes.
    """
    notes = (found.metadata or {}).get(b"likeness")
    there = {item.name: item.type for item in found}
    known = {name: kind for name, kind, _ in [*_COLUMNS, _PAIR, _MAPS] if name in there}
    needed = {name for name, _, _ in _COLUMNS if name != "missing"}
    if notes is None or not needed <= set(known) or any(not there[name].equals(kind) for name, kind in known.items()):
        raise LikenessError(f"{path}: was not written by likeness prepare")
    try:
        about = json.loads(notes)
        return thaw(Framing, about["framing"]), str(about.get("pairs", "")), _MAPS[0] in there
    except (KeyError, TypeError, ValueError, AttributeError, LikenessError):
        raise LikenessError(f"{path}: was not written by likeness prepare, or is damaged: its framing is missing") from None


class FaceStore:
    """A prepared file, opened: its rows stay encoded until they are asked for.

    Raises:
        LikenessError: the file is missing or was not written by ``likeness prepare``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.table = pq.read_table(self.path, page_checksum_verification=True)
            self.table.validate(full=True)
        except FileNotFoundError:
            raise LikenessError(f"{path}: no such file; make one with: likeness prepare FOLDER -o {path}") from None
        except (pa.ArrowException, OSError, ValueError) as problem:
            raise unreadable(path, problem) from None
        self.framing, self.pairs, _ = checked_notes(path, self.table.schema)
        there = set(self.table.column_names)
        known = [name for name, _, _ in [*_COLUMNS, _PAIR, _MAPS] if name in there]
        cells = [cell for name in known for cell in (self.table.column(name), *self.table.column(name).flatten())]
        if any(cell.null_count for cell in cells):
            raise LikenessError(f"{path}: was not written by likeness prepare, or is damaged: rows lack a value")
        if "missing" not in there:  # files of version 0.1 do not say: their faces count as complete
            zeros = pa.array(np.zeros(len(self.table), np.float32))
            place = self.table.column_names.index("eye_distance") + 1
            self.table = self.table.add_column(place, pa.field("missing", pa.float32()), zeros)

    @classmethod
    def of(cls, faces: Sequence[AlignedFace], framing: Framing, name: str, pairs: str = "") -> FaceStore:
        """A store in memory, of faces that came from nowhere on disk; ``pairs`` says what their other pictures are."""
        made = object.__new__(cls)
        made.path, made.framing, made.pairs = Path(name), framing, pairs
        rows = [row(face, name, eye_distance(face.landmarks)) for face in faces]
        made.table = pa.Table.from_pylist(rows, schema=schema(framing, pairs, any(face.maps is not None for face in faces)))
        return made

    @classmethod
    def together(cls, paths: Sequence[str | Path]) -> FaceStore:
        """The faces of one or several prepared files, in order.

        Raises:
            LikenessError: as for one file, or the files differ in framing or in what other pictures they hold.
        """
        return cls.joined([cls(path) for path in paths])

    @classmethod
    def joined(cls, stores: Sequence[FaceStore]) -> FaceStore:
        """The faces of one or several stores, in order.

        Raises:
            LikenessError: the stores differ in framing or in what other pictures they hold.
        """
        first = stores[0]
        for other in stores[1:]:
            if (other.framing, other.pairs, other.mapped) != (first.framing, first.pairs, first.mapped):
                raise LikenessError(f"{other.path}: differs from {first.path} in framing or other pictures; prepare them alike")
        if len(stores) == 1:
            return first
        notes = first.table.schema.metadata
        made = first._like(pa.concat_tables([store.table.replace_schema_metadata(notes) for store in stores]))
        made.path = Path(" + ".join(store.path.name for store in stores))
        return made

    @property
    def paired(self) -> bool:
        """Whether each face has another picture."""
        return self.pairs != ""

    @property
    def mapped(self) -> bool:
        """Whether each face brings soft parsings."""
        return _MAPS[0] in self.table.column_names

    def with_pairs(self, pictures: Sequence[np.ndarray]) -> FaceStore:
        """The same faces, each with another picture S × S × 3 of it, in order; parsings of what was there before are dropped."""
        if len(pictures) != len(self):
            raise ValueError(f"{len(pictures)} pictures for {len(self)} faces")
        cells = [_cell(picture, name) for picture, name in zip(pictures, self.column("name"), strict=True)]
        stale = [name for name in (_PAIR[0], _MAPS[0]) if name in self.table.column_names]
        bare = self.table.drop_columns(stale)
        made = self._like(bare.append_column(_PAIR[0], pa.array(cells, _PAIR[1])))
        made.pairs = "with"
        return made

    def with_sides(self, sides: Sequence[str]) -> FaceStore:
        """The same faces on other sides, in order: ``train``, ``validation`` or ``test``, for a person split by photo."""
        if unknown := sorted(set(sides) - set(SIDES)):
            raise LikenessError(f"{unknown[0]!r} is not a split; there are {', '.join(SIDES)}")
        place = self.table.column_names.index("split")
        return self._like(self.table.set_column(place, self.table.schema.field(place), pa.array(list(sides), pa.string())))

    def _like(self, table: pa.Table) -> FaceStore:
        made = object.__new__(FaceStore)
        made.path, made.framing, made.table, made.pairs = self.path, self.framing, table, self.pairs
        return made

    def write(self, path: str | Path) -> Path:
        """Write the store as a prepared file, whole or not at all."""
        return write_atomically(Path(path), lambda file: _write(self.table, file))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """One column as Python values."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def select(self, split: str | None = None, source: str | None = None) -> FaceStore:
        """The rows of one side and source."""
        if split is not None and split not in SIDES:
            raise LikenessError(f"{split!r} is not a split; there are {', '.join(SIDES)}")
        chosen = [
            i
            for i, (side, origin) in enumerate(zip(self.column("split"), self.column("source"), strict=True))
            if split in (None, side) and source in (None, origin)
        ]
        return self.take(chosen)

    def complete(self, limit: float) -> FaceStore:
        """The rows of which at most the share ``limit`` of the framing lies outside the photo."""
        return self if limit >= 1 else self.take([i for i, share in enumerate(self.column("missing")) if share <= limit])

    def of_person(self, person: str) -> FaceStore:
        """One person's rows, in order."""
        return self.take([i for i, name in enumerate(self.column("person")) if name == person])

    def first_of_each_person(self) -> FaceStore:
        """One row a person: the first by name."""
        seen: set[tuple[str, str]] = set()
        chosen = []
        for i, key in enumerate(zip(self.column("source"), self.column("person"), strict=True)):
            if key not in seen:
                seen.add(key)
                chosen.append(i)
        return self.take(chosen)

    def head(self, count: int) -> FaceStore:
        """The first ``count`` rows."""
        return self.take(list(range(min(count, len(self)))))

    def evenly(self, count: int) -> FaceStore:
        """At most ``count`` rows, evenly from the first to the last."""
        return self.take([i * len(self) // count for i in range(count)]) if len(self) > count else self

    def take(self, rows: list[int]) -> FaceStore:
        """The rows of these numbers, in this order."""
        return self._like(self.table.take(pa.array(rows, pa.int64())))

    def __iter__(self) -> Iterator[AlignedFace]:
        for batch in self.table.to_batches(max_chunksize=256):
            for item in batch.to_pylist():
                try:
                    points = np.array(item["landmarks"], np.float32).reshape(COUNT, 2)
                    pair = _decoded(item["pair"]) if item.get("pair") else None
                    maps = _decoded_maps(item["maps"]) if item.get("maps") else None
                    image = _decoded(item["image"])
                except MemoryError:
                    raise
                except Exception as problem:  # decoders of damaged pictures raise nearly anything
                    raise LikenessError(f"{self.path}: the row of {item['name']!r} is damaged ({problem})") from None
                yield AlignedFace(image, points, item["person"], item["name"], item["split"], pair, maps)

    def fingerprint(self) -> str:
        """A hash of names and pictures in order, so that weights can say what they saw."""
        digest = hashlib.sha256()
        self.digest(digest)
        return digest.hexdigest()[:16]

    def digest(self, digest: hashlib._Hash) -> None:
        """Put names and pictures in order into a hash."""
        pictures = [name for name in ("image", _PAIR[0], _MAPS[0]) if name in self.table.column_names]
        for batch in self.table.select(["name", *pictures]).to_batches():
            for item in batch.to_pylist():
                digest.update(item["name"].encode())
                for column in pictures:
                    digest.update(item[column]["bytes"])


def _decoded(cell: dict[str, Any]) -> np.ndarray:
    # named, since Pillow otherwise tries dozens of formats before it comes to WebP
    return np.asarray(Pillow.open(io.BytesIO(cell["bytes"]), formats=("WEBP", "PNG", "JPEG")).convert("RGB"))


def _decoded_maps(cell: dict[str, Any]) -> np.ndarray:
    flat = np.asarray(Pillow.open(io.BytesIO(cell["bytes"])))
    return flat.reshape(2, -1, flat.shape[1], flat.shape[1])
