"""Drawn faces: simple coloured ones with exact landmarks, so that tests and the tiny recipe need no data."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.faces.align import Framing
from likeness.faces.labels import CLASSES, coloured
from likeness.faces.landmarks import GROUPS
from likeness.records import AlignedFace, Image, Points

MEAN_SHAPE: tuple[tuple[float, float], ...] = (
    (0.182, 0.462),
    (0.184, 0.546),
    (0.192, 0.63),
    (0.207, 0.713),
    (0.237, 0.791),
    (0.285, 0.86),
    (0.347, 0.918),
    (0.418, 0.963),
    (0.5, 0.977),
    (0.582, 0.964),
    (0.654, 0.919),
    (0.717, 0.862),
    (0.765, 0.794),
    (0.796, 0.715),
    (0.811, 0.632),
    (0.819, 0.547),
    (0.822, 0.462),
    (0.25, 0.4),
    (0.287, 0.363),
    (0.34, 0.351),
    (0.396, 0.357),
    (0.449, 0.379),
    (0.549, 0.377),
    (0.603, 0.357),
    (0.659, 0.351),
    (0.713, 0.364),
    (0.75, 0.4),
    (0.5, 0.44),
    (0.5, 0.492),
    (0.499, 0.544),
    (0.499, 0.598),
    (0.436, 0.637),
    (0.467, 0.649),
    (0.5, 0.659),
    (0.533, 0.649),
    (0.563, 0.638),
    (0.313, 0.453),
    (0.346, 0.434),
    (0.384, 0.434),
    (0.418, 0.457),
    (0.382, 0.464),
    (0.345, 0.464),
    (0.581, 0.457),
    (0.615, 0.434),
    (0.653, 0.434),
    (0.686, 0.453),
    (0.655, 0.464),
    (0.618, 0.464),
    (0.378, 0.748),
    (0.421, 0.725),
    (0.466, 0.715),
    (0.5, 0.723),
    (0.534, 0.715),
    (0.579, 0.725),
    (0.623, 0.749),
    (0.581, 0.792),
    (0.536, 0.811),
    (0.5, 0.814),
    (0.464, 0.811),
    (0.42, 0.792),
    (0.397, 0.75),
    (0.466, 0.74),
    (0.5, 0.743),
    (0.534, 0.74),
    (0.604, 0.75),
    (0.534, 0.771),
    (0.499, 0.775),
    (0.465, 0.771),
)
"""Mean landmarks of 10,697 aligned faces (LFW, train people) as fractions of the picture's side, default framing."""


def landmarks(seed: int, size: int) -> Points:
    """A face's 68 landmarks in pixels: the mean shape with a person's own proportions."""
    chance = np.random.default_rng(seed)
    points = np.array(MEAN_SHAPE, np.float32)
    for name in ("nose", "outer_lips", "inner_lips", "jaw"):
        chosen = list(GROUPS[name])
        middle = points[chosen].mean(0)
        points[chosen] = middle + (points[chosen] - middle) * chance.uniform(0.9, 1.1, 2).astype(np.float32)
    lift = chance.uniform(-0.012, 0.012)
    points[list(GROUPS["left_brow"] + GROUPS["right_brow"]), 1] += lift
    return (points * size).astype(np.float32)


def draw(seed: int, size: int = 128) -> tuple[Image, Points]:
    """A drawn face, size × size × 3, and its landmarks; the same seed draws the same person."""
    image, points, _ = draw_with_classes(seed, size)
    return image, points


def draw_with_classes(seed: int, size: int = 128) -> tuple[Image, Points, NDArray[np.uint8]]:
    """The same, and what each pixel is (:data:`likeness.faces.labels.CLASSES`), size × size."""
    chance = np.random.default_rng(seed + 10**6)
    points = landmarks(seed, size)
    skin = np.array([chance.uniform(90, 240), 0, 0])
    skin[1], skin[2] = skin[0] * chance.uniform(0.72, 0.86), skin[0] * chance.uniform(0.55, 0.75)
    hair, back = chance.uniform(10, 140, 3) * [1, 0.8, 0.6], chance.uniform(40, 220, 3)
    iris, lips = chance.uniform(20, 110, 3), skin * [0.85, 0.55, 0.55]
    image = np.empty((size, size, 3), np.uint8)
    image[:] = back
    classes = np.zeros((size, size), np.uint8)
    names = list(CLASSES)

    def fill(outline: Points, colour: np.ndarray, what: str) -> None:
        corners = [np.round(outline * 16).astype(np.int32)]
        cv2.fillPoly(image, corners, colour.tolist(), cv2.LINE_AA, 4)
        cv2.fillPoly(classes, corners, names.index(what), cv2.LINE_8, 4)

    def oval(middle: Points, radii: tuple[float, float], colour: np.ndarray, what: str) -> None:
        centre = (round(float(middle[0]) * 16), round(float(middle[1]) * 16))
        axes = (round(radii[0] * 16), round(radii[1] * 16))
        cv2.ellipse(image, centre, axes, 0, 0, 360, colour.tolist(), -1, cv2.LINE_AA, 4)
        cv2.ellipse(classes, centre, axes, 0, 0, 360, names.index(what), -1, cv2.LINE_8, 4)

    jaw = points[list(GROUPS["jaw"])]
    middle = jaw[[0, 16]].mean(0)
    half = float(jaw[16, 0] - jaw[0, 0]) / 2
    oval(middle - [0, 0.1 * size], (1.12 * half, 0.36 * size), hair, "hair")
    crown = middle + np.stack([half * np.cos(np.linspace(0, np.pi, 24)), -0.3 * size * np.sin(np.linspace(0, np.pi, 24))], 1)
    fill(np.concatenate([jaw, crown]).astype(np.float32), skin, "skin")
    for name in ("left_brow", "right_brow"):
        brow = points[list(GROUPS[name])]
        fill(np.concatenate([brow, brow[::-1] + np.array([0, 0.025 * size])]).astype(np.float32), hair * 0.8, "brows")
    for name in ("left_eye", "right_eye"):
        eye = points[list(GROUPS[name])]
        fill(eye, np.array([245, 245, 245]), "eyes")
        oval(eye.mean(0), (0.016 * size, 0.016 * size), iris, "eyes")
    nose = points[list(GROUPS["nose"])]
    fill(nose[[0, 4, 8]], skin * 0.93, "nose")
    fill(nose[[4, 5, 6, 7, 8]], skin * 0.75, "nose")
    fill(points[list(GROUPS["outer_lips"])], lips, "lips")
    fill(points[list(GROUPS["inner_lips"])], lips * 0.4, "inner mouth")
    return image, points, classes


def drawn_faces(count: int, framing: Framing, first: int = 0, paired: bool = False) -> list[AlignedFace]:
    """Drawn people in a framing: nine in ten on the train side, every tenth to validate on.

    ``paired`` with their coloured parsings as other pictures, and with both soft parsings, which are the classes as they are.
    """
    faces = []
    for seed in range(first, first + count):
        image, points, classes = draw_with_classes(seed, framing.size)
        name, side = f"drawn_{seed:05d}", "validation" if seed % 10 == 9 else "train"
        face = AlignedFace(image, points, name, name, side)
        if paired:
            one = (classes == np.arange(len(CLASSES))[:, None, None]).astype(np.uint8) * np.uint8(255)
            face = replace(face, pair=coloured(classes), maps=np.stack([one, one]))
        faces.append(face)
    return faces
