"""How faces stand in CUFS's pictures (200 × 250, padded to 256 × 256), and soft parsings of pictures that are framed so.

ISEGAN learned in this framing, so that what is made from a sketch is framed like the data set's pictures, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likeness.faces.align import Framing
from likeness.faces.parser import FaceParser
from likeness.records import Image

WIDTH, HEIGHT = 200, 250
FRAMING = Framing(size=256, eye_distance=50 / 256, eye_height=130 / 256, mouth_drop=55.5 / 256)
"""Where a face of CUFS stands once its picture is padded: as dlib's landmarks of the training photos and sketches have it."""

LEFT, TOP = (FRAMING.size - WIDTH) // 2, (FRAMING.size - HEIGHT) // 2
"""Pixels of padding on the left and at the top."""


def padded(picture: Image) -> Image:
    """A picture 250 × 200 × 3 in the middle of a black one, 256 × 256 × 3 (the paper pads, it does not resize)."""
    return np.pad(picture, ((TOP, TOP), (LEFT, LEFT), (0, 0)))


def cropped(pictures: Image) -> Image:
    """The inverse of :func:`padded`, for one picture or a stack."""
    return pictures[..., TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH, :]


def within(picture: Image) -> Image:
    """A picture 256 × 256 × 3 that was aligned to :data:`FRAMING`, black where a padded one is."""
    return padded(cropped(picture))


def parsed(parser: FaceParser, pictures: Sequence[Image], framing: Framing = FRAMING) -> NDArray[np.uint8]:
    """Soft parsings of framed pictures, N × 8 × S × S in 255ths; what is padding in CUFS's framing is background."""
    maps = np.round(parser.reframed(pictures, framing) * 255).astype(np.uint8)
    if framing == FRAMING:
        outside = np.ones((framing.size, framing.size), bool)
        outside[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH] = False
        maps[:, 1:, outside], maps[:, 0, outside] = 0, 255
    return maps
