"""Bringing a face to a framing and back: a similarity transform that knows its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.landmarks import GROUPS, NOSE_TIP, five_points
from likeness.records import Image, Points


@dataclass(frozen=True)
class Framing:
    """Where a face stands in its picture: the whole head, hair and chin inside, eyes level.

    ``size`` is the side in pixels; ``eye_distance`` between the eye centres, ``eye_height`` of their line from the top and
    ``mouth_drop`` from that line to the mouth's middle are fractions of it. The faces of CelebA stand so.
    """

    size: int = 128
    eye_distance: float = 0.27
    eye_height: float = 0.45
    mouth_drop: float = 0.30

    @property
    def template(self) -> Points:
        """Left eye, right eye, middle of the mouth: 3 × 2 in pixels."""
        s, half = self.size, self.eye_distance / 2
        height = self.eye_height * s
        return np.array(
            [[(0.5 - half) * s, height], [(0.5 + half) * s, height], [0.5 * s, height + self.mouth_drop * s]],
            np.float32,
        )


WIDE = Framing(size=160, eye_distance=0.15, eye_height=0.45, mouth_drop=0.167)
"""A face and what is round it: a photo of LFW nearly whole."""
BORDERS = {"mirror": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "paper": cv2.BORDER_CONSTANT}


@dataclass(frozen=True)
class Similarity:
    """x → A·x + b with A a rotation times a scale; ``matrix`` is the 2 × 3 [A | b]."""

    matrix: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """Pixels of the result per pixel of the source."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def inverse(self) -> Similarity:
        """The transform back."""
        turn = np.linalg.inv(self.matrix[:, :2])
        return Similarity(np.hstack([turn, -turn @ self.matrix[:, 2:]]))

    def apply(self, points: Points) -> Points:
        """Move points (N × 2)."""
        return (points @ self.matrix[:, :2].T + self.matrix[:, 2]).astype(np.float32)

    def warp(self, image: Image, width: int, height: int, outside: str = "mirror") -> Image:
        """The picture moved, ``height`` × ``width`` × 3.

        What lies outside the source mirrors its border (``"mirror"``), goes on as its border is (``"edge"``), or is white
        (``"paper"``).

        Shrinking halves the source (area mean) until at most one more halving is left, so that nothing aliases.
        """
        matrix = self.matrix.copy()
        while self_scale(matrix) < 0.5 and min(image.shape[:2]) >= 4:
            even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
            halved = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
            image = np.asarray(halved, np.uint8)
            # a pixel centre x of the half picture lies at 2x + 0.5 of the whole one
            matrix = np.hstack([matrix[:, :2] * 2, matrix[:, 2:] + matrix[:, :2].sum(1, keepdims=True) * 0.5])
        method = cv2.INTER_CUBIC if self_scale(matrix) > 1 else cv2.INTER_LINEAR
        border, white = BORDERS[outside], (255, 255, 255)
        warped = cv2.warpAffine(image, matrix, (width, height), flags=method, borderMode=border, borderValue=white)
        return np.asarray(warped, np.uint8)


def self_scale(matrix: NDArray[np.float64]) -> float:
    """Scale of a 2 × 3 similarity matrix."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def cropped(image: Image, transform: Similarity, size: int) -> Image:
    """What ``transform.warp(image, size, size)`` gives, but for where pixels fall when the picture is halved.

    Only what the frame shows of the picture, and a margin, is looked at, so that large pictures cost no more than small ones.
    """
    corners = np.array([[0, 0], [size - 1, 0], [0, size - 1], [size - 1, size - 1]], np.float32)
    back = transform.inverse.apply(corners)
    margin = 4 + 0.05 * float(np.ptp(back, 0).max())
    left, top = (max(int(edge), 0) for edge in back.min(0) - margin)
    right, bottom = (int(edge) + 1 for edge in back.max(0) + margin)
    part = image[top:bottom, left:right]
    if min(part.shape[:2]) < 4 or part.size * 2 > image.size:
        return transform.warp(image, size, size)
    shift = transform.matrix[:, :2] @ np.array([left, top], np.float64)
    moved = Similarity(np.hstack([transform.matrix[:, :2], (transform.matrix[:, 2] + shift)[:, None]]))
    return moved.warp(np.ascontiguousarray(part), size, size)


def alignment(landmarks: Points, framing: Framing) -> Similarity:
    """The transform from a photo to ``framing``: eyes made level, then scale and place by least squares.

    Args:
        landmarks: 68 × 2 in pixels of the photo.
        framing: where eyes and mouth shall come to stand.

    The rotation is that of the line of the eyes. With it fixed, scale s and shift t minimise Σ‖s·R·p + t − q‖² over both
    eye centres and the mouth's middle; the mouth keeps faces turned to the side from being blown up.
    """
    five = five_points(landmarks).astype(np.float64)
    source = np.stack([five[0], five[1], (five[3] + five[4]) / 2])
    target = framing.template.astype(np.float64)
    across = source[1] - source[0]
    length = float(np.hypot(*across))
    cosine, sine = (across / length) if length > 1e-6 else (1.0, 0.0)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    level = fitted(source @ turn.T, target)
    return Similarity(np.hstack([level.matrix[:, :2] @ turn, level.matrix[:, 2:]]))


def upright(landmarks: Points, framing: Framing) -> Similarity:
    """The transform to ``framing`` that scales and shifts but does not turn: a head that leans stays leaning, and as large.

    Args:
        landmarks: 68 × 2 in pixels of the photo; of a clip, their medians.
        framing: where eyes and mouth shall come to stand.
    """
    five = five_points(landmarks).astype(np.float64)
    scale = alignment(landmarks, framing).scale
    middle = np.stack([five[0], five[1], (five[3] + five[4]) / 2]).mean(0)
    return Similarity(np.hstack([scale * np.eye(2), (framing.template.mean(0) - scale * middle)[:, None]]))


def fitted(source: NDArray[np.floating], target: NDArray[np.floating]) -> Similarity:
    """The scale s and shift t, without rotation, that minimise Σ‖s·p + t − q‖² over points p of ``source``, q of ``target``."""
    centred, wanted = source - source.mean(0), target - target.mean(0)
    scale = max(float((centred * wanted).sum() / max((centred**2).sum(), 1e-9)), 1e-3)
    shift = target.mean(0) - scale * source.mean(0)
    return Similarity(np.hstack([scale * np.eye(2), shift[:, None]]))


def align(image: Image, landmarks: Points, framing: Framing) -> tuple[Image, Points, Similarity]:
    """The face in its framing, its landmarks there, and the transform that did it."""
    transform = alignment(landmarks, framing)
    return transform.warp(image, framing.size, framing.size), transform.apply(landmarks), transform


def missing_share(transform: Similarity, width: int, height: int, size: int) -> float:
    """The share, 0 to 1, of a framing of ``size`` × ``size`` pixels that lies outside a photo of ``width`` × ``height`` pixels.

    ``transform`` leads from the photo to the framing. A share of 0.02 is a strip of 2.5 pixels along one side of 128.
    """
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    back = transform.inverse.apply(np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float32))
    inside = (back >= -0.5).all(1) & (back[:, 0] <= width - 0.5) & (back[:, 1] <= height - 0.5)
    return float(1 - inside.mean())


def check_framed(pictures: Sequence[Image], framing: Framing, what: str) -> Image:
    """Pictures S × S × 3 of a framing as one array, N × S × S × 3; ``what`` they are is for messages.

    Raises:
        LikenessError: there is none, or one of another size.
    """
    size = framing.size
    if not len(pictures):
        raise LikenessError(f"no {what} was given")
    for picture in pictures:
        if picture.shape != (size, size, 3):
            raise LikenessError(f"a {what} is {picture.shape[1]}×{picture.shape[0]}, the model wants {size}×{size}")
    return np.stack(list(pictures))


def face_area(landmarks: Points, size: int) -> NDArray[np.float32]:
    """Where a face is in its framing, S × S in [0, 1]: the hull of its landmarks and a forehead above them, with a soft edge."""
    lift = np.array([0, 0.7 * (landmarks[list(GROUPS["left_brow"] + GROUPS["right_brow"]), 1].mean() - landmarks[NOSE_TIP, 1])])
    brows = landmarks[list(GROUPS["left_brow"] + GROUPS["right_brow"])]
    hull = cv2.convexHull(np.concatenate([landmarks, brows + lift]).astype(np.float32))
    area = np.zeros((size, size), np.float32)
    cv2.fillPoly(area, [np.round(hull).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(area, (0, 0), 0.03 * size), np.float32)


def _ramp(side: int, feather: float) -> NDArray[np.float32]:
    """From 0 at both ends of ``side`` pixels to 1 within ``feather`` of them, smoothly; 1 throughout where that is 0."""
    if feather <= 0:
        return np.ones(side, np.float32)
    ramp = np.clip(np.minimum(np.arange(side), np.arange(side)[::-1]) / max(feather * side, 1), 0, 1)
    return (3 * ramp**2 - 2 * ramp**3).astype(np.float32)


def paste_back(
    result: Image, photo: Image, transform: Similarity, area: NDArray[np.float32] | None = None, feather: float = 0.12
) -> Image:
    """Put an aligned result (H × W × 3, mostly square) back where it came from in the photo.

    ``area`` (H × W in [0, 1]) says how much of it counts where, such as :func:`face_area`; without it, all does. The frame's
    edge fades over ``feather`` of the sides, 0: not at all; pixels outside are the photo's, untouched.
    """
    height, width = photo.shape[:2]
    alpha = np.minimum.outer(*(_ramp(side, feather) for side in result.shape[:2]))
    if area is not None:
        alpha = np.minimum(alpha, area)
    back = transform.inverse
    laid = back.warp(result, width, height)
    cover = cv2.warpAffine(alpha, back.matrix, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    mixed: Image = (photo * (1 - cover) + laid * cover).round().astype(np.uint8)
    return mixed
