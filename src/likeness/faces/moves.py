"""Changing a face by its landmarks: eyes and mouth opened and closed, parts moved and scaled, the head turned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from likeness.errors import LikenessError
from likeness.faces.landmarks import GROUPS, eye_distance
from likeness.faces.solid import turned
from likeness.records import Points

PARTS: dict[str, tuple[str, ...]] = {
    "jaw": ("jaw",),
    "left_brow": ("left_brow",),
    "right_brow": ("right_brow",),
    "brows": ("left_brow", "right_brow"),
    "nose": ("nose",),
    "left_eye": ("left_eye",),
    "right_eye": ("right_eye",),
    "eyes": ("left_eye", "right_eye"),
    "mouth": ("outer_lips", "inner_lips"),
}
LIDS = {"left_eye": ((37, 41), (38, 40)), "right_eye": ((43, 47), (44, 46))}
"""Upper and lower points of an eye that meet when it closes."""
LOWER_LIPS = (55, 56, 57, 58, 59, 65, 66, 67)
INNER = ((61, 67), (62, 66), (63, 65))
CHIN = {4: 0.35, 5: 0.6, 6: 0.85, 7: 1.0, 8: 1.0, 9: 1.0, 10: 0.85, 11: 0.6, 12: 0.35}
"""How far jaw points go with the chin."""


def indices(part: str) -> list[int]:
    """The landmarks of a part.

    Raises:
        LikenessError: there is no such part.
    """
    if part not in PARTS:
        raise LikenessError(f"{part!r} is no part of a face; there are {', '.join(PARTS)}")
    return [i for group in PARTS[part] for i in GROUPS[group]]


def shift(landmarks: Points, part: str, right: float, down: float) -> Points:
    """A part moved, in eye distances."""
    moved = landmarks.copy()
    moved[indices(part)] += np.array([right, down], np.float32) * np.float32(eye_distance(landmarks))
    return moved


def scale(landmarks: Points, part: str, factor: float) -> Points:
    """A part made larger or smaller about its middle; both eyes or brows each about its own."""
    if not 0 < factor < float("inf"):
        raise LikenessError(f"a part is scaled by a factor above 0, not {factor}")
    moved = landmarks.copy()
    groups = [indices(part)] if part not in ("eyes", "brows") else [list(GROUPS[group]) for group in PARTS[part]]
    for group in groups:
        middle = landmarks[group].mean(0)
        moved[group] = middle + np.float32(factor) * (landmarks[group] - middle)
    return moved


def open_eyes(landmarks: Points, amount: float, part: str = "eyes") -> Points:
    """Eyes opened ``amount`` times as wide: 0 closes them, 1 leaves them, 1.5 is startled; lids meet where the corners are."""
    if not 0 <= amount <= 3:
        raise LikenessError(f"eyes are opened by 0 (closed) to 3 times, not {amount}")
    moved = landmarks.copy()
    if part not in ("eyes", "left_eye", "right_eye"):
        raise LikenessError(f"{part!r} is not eyes, left_eye or right_eye")
    for name in PARTS[part]:
        group = GROUPS[name]
        start, along = landmarks[group[0]], landmarks[group[3]] - landmarks[group[0]]
        along = along / max(float(np.linalg.norm(along)), 1e-6)
        for pair in LIDS[name]:
            for i in pair:
                foot = start + along * float((landmarks[i] - start) @ along)
                moved[i] = foot + np.float32(amount) * (landmarks[i] - foot)
    return moved


def open_mouth(landmarks: Points, gap: float) -> Points:
    """The lower lip and the chin lowered until the lips are ``gap`` eye distances apart in the middle; 0 closes the mouth."""
    if not 0 <= gap <= 1.5:
        raise LikenessError(f"a mouth is opened by 0 to 1.5 eye distances, not {gap}")
    eyes = landmarks[42:48].mean(0) - landmarks[36:42].mean(0)
    down = np.array([-eyes[1], eyes[0]], np.float32) / np.float32(max(float(np.linalg.norm(eyes)), 1e-6))
    now = float(((landmarks[66] - landmarks[62]) @ down) / eye_distance(landmarks))
    change = np.float32((gap - now) * eye_distance(landmarks))
    moved = landmarks.copy()
    moved[list(LOWER_LIPS)] += change * down
    for i, share in CHIN.items():
        moved[i] += np.float32(share) * change * down
    if gap == 0:  # the lips meet all along, however they were curved
        for upper, lower in INNER:
            moved[lower] = moved[upper]
    return moved


def turn(landmarks: Points, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Points:
    """The head turned, in degrees: see :func:`likeness.faces.solid.turned`."""
    if not (abs(yaw) <= 60 and abs(pitch) <= 60 and abs(roll) <= 360):
        raise LikenessError(f"a head is turned by at most 60 degrees and leant by 360, not {yaw}, {pitch} and {roll} degrees")
    return turned(landmarks, yaw, pitch, roll)


_shift, _scale = shift, scale
Shifts: TypeAlias = Mapping[str, tuple[float, float]] | Iterable[tuple[str, tuple[float, float]]]
Scales: TypeAlias = Mapping[str, float] | Iterable[tuple[str, float]]


def changed(
    landmarks: Points,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    eyes: float | None = None,
    mouth: float | None = None,
    shift: Shifts = (),
    scale: Scales = (),
) -> Points:
    """Several changes in this order: parts scaled, parts shifted, eyes, mouth, then the head turned.

    Args:
        landmarks: 68 × 2.
        yaw: degrees, as ``pitch`` and ``roll``, see :func:`turn`.
        pitch: see ``yaw``.
        roll: see ``yaw``.
        eyes: see :func:`open_eyes`; None leaves them.
        mouth: see :func:`open_mouth`; None leaves it.
        shift: part → (right, down), see :func:`shift`; a mapping or pairs.
        scale: part → factor, see :func:`scale`; a mapping or pairs.

    Raises:
        LikenessError: no such part, or a number out of range.
    """
    for part, factor in scale.items() if isinstance(scale, Mapping) else scale:
        landmarks = _scale(landmarks, part, factor)
    for part, (right, down) in shift.items() if isinstance(shift, Mapping) else shift:
        landmarks = _shift(landmarks, part, right, down)
    if eyes is not None:
        landmarks = open_eyes(landmarks, eyes)
    if mouth is not None:
        landmarks = open_mouth(landmarks, mouth)
    return turn(landmarks, yaw, pitch, roll) if yaw or pitch or roll else landmarks
