"""Landmarks that come with photos in a table, and how sure a detector is of its own; :mod:`likeness.faces.points` reads JSON."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, eye_distance, mirror
from likeness.faces.reader import FaceReader
from likeness.records import Image, Points


@cache
def landmarks_in(path: str | Path) -> dict[str, Points]:
    """A CSV with the columns ``file``, ``x0``, ``y0`` … ``x67``, ``y67`` in pixels of the file: name without suffix → 68 × 2.

    Raises:
        LikenessError: no such file, a column is missing, or a number is none.
    """
    columns = [f"{axis}{i}" for i in range(COUNT) for axis in "xy"]
    found: dict[str, Points] = {}
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if missing := [name for name in ("file", *columns) if name not in (table.fieldnames or ())]:
                raise LikenessError(f"{path}: has no column {missing[0]}; file, x0, y0 … x67, y67 are needed")
            for number, line in enumerate(table, 2):
                try:
                    numbers = np.array([float(line[name]) for name in columns], np.float32).reshape(COUNT, 2)
                except (TypeError, ValueError):
                    raise LikenessError(f"{path}, line {number}: 136 numbers are needed") from None
                if not np.isfinite(numbers).all():
                    raise LikenessError(f"{path}, line {number}: a number is not finite")
                name = line["file"] or ""
                stem = Path(name).with_suffix("").as_posix() if Path(name).name else ""
                if not stem or stem in found:
                    raise LikenessError(f"{path}, line {number}: {name!r} is " + ("there twice" if stem else "no file's name"))
                found[stem] = numbers
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise LikenessError(f"{path}: cannot be read as CSV ({problem})") from None
    return found


def disagreement(reader: FaceReader, photo: Image, landmarks: Points) -> float:
    """How far a detector's landmarks of the mirrored photo are from those of the photo, in per cent of the eye distance.

    A detector that knows a face says the same of its mirror image; where it guesses, it guesses twice. Infinite where it finds
    no such face in the mirrored photo.
    """
    width = photo.shape[1]
    apart = [
        float(np.linalg.norm(mirror(face.landmarks, width) - landmarks, axis=1).mean())
        for face in reader.faces(np.ascontiguousarray(photo[:, ::-1]))
    ]
    return 100 * min(apart, default=float("inf")) / max(eye_distance(landmarks), 1e-6)
