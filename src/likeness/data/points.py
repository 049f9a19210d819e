"""Landmarks that come with photos: as JSON, or in a table; and how sure a detector is of its own."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, eye_distance, mirror
from likeness.faces.reader import FaceReader
from likeness.files import write_content
from likeness.records import Image, Points


def read_points(path: str | Path) -> Points:
    """The landmarks in a JSON file, ``{"points": [[x, y] × 68], …}`` in pixels of the photo as it is displayed: 68 × 2.

    Raises:
        LikenessError: no such file, no JSON, or not 68 pairs of finite numbers.
    """
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        points = np.array(content["points"], np.float32)
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise LikenessError(f'{path}: is not JSON with "points": a list of {COUNT} pairs of numbers') from None
    if points.shape != (COUNT, 2) or not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise LikenessError(f'{path}: "points" are {COUNT} pairs of numbers in pixels, got {points.shape}')
    if not eye_distance(points) > 1e-3:
        raise LikenessError(f"{path}: both eyes stand at one place, so there is no face in these points")
    return points


def write_points(path: str | Path, points: Points, about: dict[str, Any]) -> Path:
    """Landmarks 68 × 2 as JSON, with what they are of.

    Raises:
        LikenessError: a number is not finite.
    """
    if not np.isfinite(points).all():
        raise LikenessError(f"{path}: changed like that, the landmarks are no numbers any more")
    rounded = [[round(float(x), 2), round(float(y), 2)] for x, y in points]
    return write_content(
        Path(path), json.dumps({"points": rounded, **about}, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    )


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
