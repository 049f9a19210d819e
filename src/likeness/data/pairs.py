"""The other picture of a photo: an artist's drawing, a mask of labels, or depth; brought to the photo's framing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity
from likeness.faces.depth import depth_picture
from likeness.faces.labels import coloured, folded
from likeness.image import SUFFIXES, opened, read
from likeness.records import Image, Points

KINDS = ("with", "labels", "depth")


@dataclass(frozen=True)
class Pairing:
    """Where other pictures come from.

    ``kind`` is ``"with"``: pictures in ``folder``, called and framed like their photos; ``"labels"``: CelebAMask-HQ's index masks
    there, which become coloured classes (:data:`likeness.faces.labels.CLASSES`); ``"depth"``: the depth of a morphable model
    that is fitted to the landmarks, and no folder.
    """

    kind: str
    folder: str = ""

    def of(self, name: str, photo: Image, landmarks: Points, transform: Similarity, framing: Framing) -> Image:
        """The other picture, S × S × 3, of a photo called ``name`` (its path below the photos' folder, without suffix).

        Args:
            name: the photo's.
            photo: as it is displayed.
            landmarks: 68 × 2 in the framing.
            transform: from the photo to the framing.
            framing: where the face stands.

        Raises:
            LikenessError: there is no such picture, or its shape is not the photo's.
        """
        size = framing.size
        if self.kind == "depth":
            return depth_picture(landmarks, size)
        place = Path(self.folder) / name
        beside = place.parent.iterdir() if place.parent.is_dir() else []
        paths = sorted(path for path in beside if path.stem == place.name and path.suffix.lower() in SUFFIXES)
        if not paths:
            raise LikenessError(f"has no picture of that name in {self.folder}")
        if len(paths) > 1:
            raise LikenessError(f"has several pictures of that name: {paths[0]}, {paths[1].name}")
        return (_mask if self.kind == "labels" else _picture)(paths[0], photo, transform, size)


def _picture(path: Path, photo: Image, transform: Similarity, size: int) -> Image:
    """A picture of the photo's shape, of any resolution, moved like the photo."""
    other = read(path)
    return _scaled(transform, other.shape[:2], photo.shape[:2], path).warp(other, size, size)


def _mask(path: Path, photo: Image, transform: Similarity, size: int) -> Image:
    """An index mask, moved like the photo without mixing indices, in its classes' colours."""
    read(path)  # what is no picture, or damaged, is told here
    with opened(path, str(path)) as file:
        if file.mode not in ("L", "P"):
            raise LikenessError(f"{path}: is not a mask of indices (its mode is {file.mode})")
        classes = folded(np.asarray(file, np.uint8))
    matrix = _scaled(transform, classes.shape, photo.shape[:2], path).matrix
    moved = cv2.warpAffine(classes, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return coloured(np.asarray(moved, np.uint8))


def _scaled(transform: Similarity, shape: tuple[int, int], photo: tuple[int, int], path: Path) -> Similarity:
    """The transform for a picture of another resolution but the same proportions."""
    ratio = photo[0] / shape[0]
    if abs(shape[1] * ratio - photo[1]) > 0.02 * photo[1]:
        raise LikenessError(f"{path}: is {shape[1]}×{shape[0]}, other proportions than its photo's {photo[1]}×{photo[0]}")
    matrix = transform.matrix
    # a pixel centre x of the other picture lies at ratio·(x + 0.5) − 0.5 of the photo
    shift = matrix[:, 2:] + matrix[:, :2].sum(1, keepdims=True) * (ratio - 1) / 2
    return Similarity(np.hstack([matrix[:, :2] * ratio, shift]))


def check(pairing: Pairing | None) -> None:
    """Refuse a pairing whose pictures cannot be had, before work begins."""
    if pairing is None:
        return
    if pairing.kind == "depth":
        from likeness.faces.depth import surrey

        surrey()
    elif not Path(pairing.folder).is_dir():
        raise LikenessError(f"{pairing.folder}: no such folder")
