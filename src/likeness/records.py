"""The plain records that rooms hand to each other. No room's logic lives here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Image = NDArray[np.uint8]
"""An RGB picture outside the networks: uint8, height × width × 3."""

Points = NDArray[np.float32]
"""N × 2 positions (x, y) in pixels; the centre of the top-left pixel is (0, 0)."""


@dataclass(frozen=True)
class Face:
    """One face found in a photo.

    ``box`` is (left, top, right, bottom) and ``landmarks`` 68 × 2 in iBUG order, both in pixels of the photo as
    displayed (after its EXIF rotation); ``score`` is the detector's confidence, higher is surer.
    """

    box: tuple[float, float, float, float]
    landmarks: Points
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


@dataclass(frozen=True)
class AlignedFace:
    """A face brought to a framing: ``image`` S × S × 3 and ``landmarks`` 68 × 2 in its pixels, with where it came from.

    ``pair`` is another picture of it in the same framing, where there is one: an artist's drawing, a depth map, a parsing.
    ``maps`` are soft parsings of both, where there are any: 2 × 8 × S × S in 255ths, first the image's, then the pair's.
    """

    image: Image
    landmarks: Points
    person: str
    name: str
    split: str
    pair: Image | None = None
    maps: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Term:
    """One summand of an objective: ``weight`` × ``value``, and the paper's ``equation`` that it is."""

    value: Tensor
    weight: float
    equation: str
