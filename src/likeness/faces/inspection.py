"""What was found in a photo, drawn onto it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from likeness.faces import parts
from likeness.faces.align import Framing, align
from likeness.faces.landmarks import five_points
from likeness.faces.solid import pose
from likeness.records import Face, Image, Points

COLOURS = {
    "jaw": (80, 160, 240),
    "left_eye": (240, 90, 90),
    "right_eye": (240, 90, 90),
    "nose": (90, 200, 90),
    "mouth": (230, 170, 40),
}

SMALL, PROFILE = 24.0, 40.0
"""Pixels between the eyes under which a face is small, and degrees of yaw from which it counts as a profile."""


def remarks(landmarks: Points, count: int = 1, number: int = 1) -> tuple[str, ...]:
    """What makes a photo a poor one of a face: one-line remarks for a person.

    Args:
        landmarks: 68 × 2 in pixels of the photo.
        count: how many faces the photo shows.
        number: which of them is taken; 1 is the largest, and may have been taken for want of a choice.
    """
    said, seen = [], pose(landmarks)
    if count > 1 and number == 1:
        said.append(f"shows {count} faces; the largest is taken")
    if seen.scale < SMALL:
        said.append(f"the face is small, its eyes {seen.scale:.0f} pixels apart (under {SMALL:.0f}): expect little likeness")
    if abs(yaw := seen.angles[0]) > PROFILE:
        said.append(f"the head is turned by {abs(yaw):.0f}° (more than {PROFILE:.0f}°): expect little likeness")
    return tuple(said)


def draw(photo: Image, faces: Sequence[Face], longest: int = 1200) -> Image:
    """The photo, at most ``longest`` pixels a side, with each face's number, box and 68 points, the parts tinted."""
    ratio = min(longest / max(photo.shape[:2]), max(1.0, 600 / max(photo.shape[:2])))
    size = (max(round(photo.shape[1] * ratio), 1), max(round(photo.shape[0] * ratio), 1))
    method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    canvas = np.asarray(cv2.resize(photo, size, interpolation=method), np.uint8)
    for number, face in enumerate(faces, 1):
        _, framed, transform = align(photo, face.landmarks, Framing(size=256))
        scaled = transform.inverse
        for name, colour in COLOURS.items():
            shape = parts.mask(framed, name, 256).astype(np.uint8)
            outline, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            for line in outline:
                points = (scaled.apply(line[:, 0].astype(np.float32)) * ratio).round().astype(np.int32)
                cv2.polylines(canvas, [points[:, None]], True, colour, 1, cv2.LINE_AA)
        left, top, right, bottom = (round(edge * ratio) for edge in face.box)
        cv2.rectangle(canvas, (left, top), (right, bottom), (255, 255, 255), 1, cv2.LINE_AA)
        for x, y in face.landmarks * ratio:
            cv2.circle(canvas, (round(float(x)), round(float(y))), 2, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.putText(canvas, str(number), (left + 3, top - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2, cv2.LINE_AA)
    return canvas


def describe(face: Face) -> dict[str, object]:
    """A face as plain values for a JSON file, in pixels of the photo."""
    five = five_points(face.landmarks)
    across = five[1] - five[0]
    return {
        "box": [round(edge, 1) for edge in face.box],
        "score": round(face.score, 3),
        "eye_distance": round(float(np.hypot(*across)), 1),
        "roll_degrees": round(float(np.degrees(np.arctan2(across[1], across[0]))), 1),
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in face.landmarks],
    }
