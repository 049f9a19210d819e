"""LandmarkGAN's figures 1 and 4, a face's landmarks edited step by step, and the contact strip of a reenacted clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from likeness import sheet
from likeness.faces import moves
from likeness.records import Image, Points
from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn

Edit = Callable[[Points], Points]

EDITS: dict[str, dict[str, Edit]] = {
    "figure 1": {
        "as it is": lambda points: points,
        "mouth open": lambda points: moves.open_mouth(points, 0.35),
        "mouth closed": lambda points: moves.open_mouth(points, 0.0),
        "to the left": lambda points: moves.turn(points, yaw=-20),
        "to the right": lambda points: moves.turn(points, yaw=20),
        "down": lambda points: moves.turn(points, pitch=12),
    },
    "figure 4 a: eyes": {
        f"eyes x {amount:g}": lambda points, amount=amount: moves.open_eyes(points, amount)  # type: ignore[misc]
        for amount in (1.5, 1.2, 0.9, 0.6, 0.3, 0.0)
    },
    "figure 4 b: mouth and contour": {
        "mouth to the left": lambda points: moves.shift(points, "mouth", -0.2, 0),
        "mouth to the right": lambda points: moves.shift(points, "mouth", 0.2, 0),
        "mouth up": lambda points: moves.shift(points, "mouth", 0, -0.15),
        "mouth x 1.3": lambda points: moves.scale(points, "mouth", 1.3),
        "contour x 0.9": lambda points: moves.scale(points, "jaw", 0.9),
        "contour x 1.12": lambda points: moves.scale(points, "jaw", 1.12),
    },
    "figure 4 c: too far": {
        "mouth outside": lambda points: moves.shift(points, "mouth", 1.2, 0.3),
        "mouth on the brow": lambda points: moves.shift(points, "mouth", 0, -1.6),
        "contour x 0.5": lambda points: moves.scale(points, "jaw", 0.5),
        "contour x 1.6": lambda points: moves.scale(points, "jaw", 1.6),
        "turned by 60°": lambda points: moves.turn(points, yaw=60),
        "nose x 2.5": lambda points: moves.scale(points, "nose", 2.5),
    },
}
"""Figure → title → what is done to the landmarks. 4 c is what the paper shows to fail."""


def edits(model: LandmarkSynthesizer, landmarks: Points, targets: Sequence[str] = (), convert: bool = True) -> Image:
    """A sheet: for each of :data:`EDITS` the landmarks, and below them the face of each target.

    Where a face is outside of what was learned (its out-of-distribution score is over 1), it says so below, and how far.

    Args:
        model: whose targets.
        landmarks: 68 × 2 in pixels of the framing.
        targets: their names; by default all.
        convert: give the landmarks each target's shape first.
    """
    names, size = list(targets or model.recipe.names), model.framing.size
    rows: list[list[Image]] = []
    captions: list[list[str]] = []
    labels: list[str] = []
    for title, some in EDITS.items():
        points = [edit(landmarks) for edit in some.values()]
        rows.append([drawn(one, size) for one in points])
        captions.append(list(some))
        labels.append(title)
        for name in names:
            rows.append(list(model.draw(points, target=name, convert=convert)))
            far = model.ood_scores(points, name, convert).tolist()
            captions.append([f"outside, {one:.1f} times" if one > 1 else "" for one in far])
            labels.append(name)
    return sheet.grid(rows, cell=max(size, 128), labels=labels, captions=captions)


def strip(frames: Sequence[Image], size: int) -> Image:
    """Frames beside each other, each of its pictures (size × size, side by side in a frame) below the other."""
    columns = [np.split(frame, frame.shape[1] // size, axis=1) for frame in frames]
    return sheet.grid([[column[row] for column in columns] for row in range(len(columns[0]))], cell=size)
