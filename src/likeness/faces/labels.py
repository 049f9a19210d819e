"""The eight classes of a parsed face, what CelebAMask-HQ's nineteen become of them, and parsings as coloured pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.records import Image

CLASSES: dict[str, tuple[int, int, int]] = {
    "background": (62, 0, 80),
    "skin": (130, 166, 188),
    "brows": (86, 89, 0),
    "eyes": (0, 103, 189),
    "nose": (8, 201, 96),
    "inner mouth": (217, 217, 222),
    "lips": (222, 119, 60),
    "hair": (204, 20, 129),
}
"""Name → colour, in ISEGAN's order (section 3). No blend of two neighbours' colours is nearest to a third class (as skin and hair
blend to brows in natural colours), so that a blurred parsing is still read off right."""

FOLDED = (0, 1, 4, 3, 3, 3, 2, 2, 1, 1, 5, 6, 6, 7, 0, 0, 0, 1, 0)
"""CelebAMask-HQ's index → class: ears and neck are skin; glasses are eyes, which they cover; hats and clothes background."""


def folded(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask of CelebAMask-HQ's 19 indices, H × W, as one of the eight classes.

    Raises:
        LikenessError: an index that is none of them.
    """
    if int(mask.max(initial=0)) >= len(FOLDED):
        raise LikenessError(f"index {int(mask.max())} is no class of CelebAMask-HQ; they go from 0 to {len(FOLDED) - 1}")
    return np.asarray(FOLDED, np.uint8)[mask]


def coloured(classes: NDArray[np.uint8]) -> Image:
    """Classes H × W as a picture."""
    return np.asarray(list(CLASSES.values()), np.uint8)[classes]


def read_off(picture: Image) -> NDArray[np.uint8]:
    """The class whose colour is nearest, pixel by pixel: H × W."""
    colours = np.asarray(list(CLASSES.values()), np.float32)
    apart = np.square(picture[..., None, :].astype(np.float32) - colours).sum(-1)
    return np.asarray(apart.argmin(-1), np.uint8)
