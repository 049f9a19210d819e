"""How well and how fast faces are read: the largest face at one small size first, or all faces at all sizes.

    python benchmarks/face_reading.py FOLDER [FOLDER …] [--limit 250]

Of each folder the validation people's photos are read both ways, and by dlib, an extra: pip install 'likeness[dlib]'. Printed are
the share of photos in which the face is found that dlib finds (no further off than one eye distance), the mean distance of the
landmarks from dlib's in per cent of the eye distance, and the processor time a photo takes in each stage, on one thread.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

os.environ["LIKENESS_THREADS"] = "1"

import cv2
import numpy as np

from likeness.data.folder import photos_in
from likeness.faces.face_detector import OwnBackend
from likeness.faces.landmark_detector import NEAR
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import DlibBackend
from likeness.image import read
from likeness.records import Face, Image, Points


@dataclass
class Way:
    """A way of reading a photo's largest face, and what was measured of it."""

    title: str
    squares: Callable[[Image], np.ndarray]
    near: float
    found: int = 0
    errors: list[float] = field(default_factory=list)
    detecting: list[float] = field(default_factory=list)
    locating: list[float] = field(default_factory=list)


def largest(faces: list[Face]) -> Points | None:
    """The landmarks of the largest face."""
    return max(faces, key=lambda face: face.area).landmarks if faces else None


def main() -> None:
    """Print a table for each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--limit", type=int, default=250)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    own, dlib = OwnBackend(), DlibBackend()
    for folder in given.folders:
        photos = [photo for photo in photos_in(folder) if photo.side == "validation"]
        random.Random(0).shuffle(photos)
        ways = [
            Way("all sizes, two looks", own.faces.squares, 0.0),
            Way("one small size first", own.faces.largest, NEAR),
        ]
        known = 0
        for photo in photos[: given.limit]:
            picture = read(photo.path)
            true = largest(dlib.find(picture))
            if true is None:
                continue
            known += 1
            for way in ways:
                begun = time.process_time()
                squares = way.squares(picture)
                seen = time.process_time()
                way.detecting.append(seen - begun)
                if not len(squares):
                    continue
                x, y, side, _ = squares[np.argmax(squares[:, 2])].tolist()
                points = own.landmarks.locate(picture, (x - side / 2, y - side / 2, x + side / 2, y + side / 2), near=way.near)
                way.locating.append(time.process_time() - seen)
                if np.linalg.norm(points.mean(0) - true.mean(0)) < eye_distance(true):
                    way.found += 1
                    way.errors.append(100 * float(np.linalg.norm(points - true, axis=1).mean()) / eye_distance(true))
        print(f"{folder}: {known} photos of validation people with a face that dlib finds")
        for way in ways:
            print(
                f"  {way.title:22}found {way.found / known:.4f}  error {np.mean(way.errors):.2f} %  "
                f"detecting {1000 * np.median(way.detecting):.1f} ms  landmarks {1000 * np.median(way.locating):.1f} ms "
                f"(mean {1000 * np.mean(way.locating):.1f})"
            )


if __name__ == "__main__":
    main()
