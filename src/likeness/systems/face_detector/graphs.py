"""The face detector's network as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.nn.face_detector import FaceDetectorNet
from likeness.recipe import thaw
from likeness.systems.face_detector.recipes import FaceDetectorRecipe


class Detector(nn.Module):
    """The network under the name that it has in the weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detector = FaceDetectorNet(width)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :class:`likeness.nn.face_detector.FaceDetectorNet`."""
        made: tuple[Tensor, Tensor, Tensor] = self.detector(picture)
        return made


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``detector``: pictures of any size, sides multiples of 8, to the maps of :func:`likeness.faces.face_detector.peaks`."""
    cells: tuple[int | str, ...] = ("batch", "rows", "columns")
    outputs = (
        Port("logits", cells, -20, 20, "scores before the sigmoid"),
        Port("sizes", cells, -3, 5, "logarithms of sides in cells"),
        Port("offsets", ("batch", 2, "rows", "columns"), 0, 1, "of the middle from its cell's corner"),
    )
    picture = Port("picture", ("batch", 3, "height", "width"), what="a photo, sides multiples of 8")
    return {"detector": Network(Detector(thaw(FaceDetectorRecipe, frozen).width), (picture,), outputs)}
