"""Numbers that tell who somebody is, by the E_id that this project trained (systems/facefeat)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.faces.align import check_framed
from likeness.faces.landmark_detector import framing_of
from likeness.faces.morphable import MorphableModel
from likeness.faces.tools import Tool
from likeness.image import to_planes
from likeness.records import Image


class FaceRecogniser(Tool):
    """The network and the framing it learned in. It taught what makes faces of identities here, so it does not judge them."""

    system: ClassVar[str] = "facefeat"

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = framing_of(weights)

    def framed(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """f_id of framed pictures S × S × 3: N × 256; their cosines say how alike two faces are.

        Raises:
            LikenessError: no picture, or one of another size.
        """
        planes = to_planes(check_framed(pictures, self.framing, "picture"))
        return np.asarray(in_batches(self.weights.graphs["identity"], 32, picture=planes)["f_id"], np.float32)

    def morphable(self) -> MorphableModel:
        """The morphable model that belongs to the same weights."""
        parts = ("mean", "shapes", "expressions", "noise")
        mean, shapes, expressions, noise = (self.weights.tensor(f"morphable.{part}").astype(np.float64) for part in parts)
        return MorphableModel.of_all(mean, shapes, expressions, float(noise[0]))
