"""Landmarks as JSON: read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, eye_distance
from likeness.files import write_content
from likeness.records import Points


def read_points(path: str | Path) -> Points:
    """The landmarks in a JSON file, ``{"points": [[x, y] × 68], …}`` in pixels of the photo as it is displayed: 68 × 2.

    Raises:
        LikenessError: no such file, no JSON, or not 68 pairs of finite numbers.
    """
    try:
        return points_of(Path(path).read_bytes(), str(path))
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None


def points_of(encoded: bytes, path: str) -> Points:
    """The same of a file's content; ``path`` is what to call it in messages."""
    try:
        content: Any = json.loads(encoded.decode("utf-8-sig"))
        points = np.array(content["points"], np.float32)
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
