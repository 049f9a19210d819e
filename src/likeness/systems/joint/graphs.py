"""The joint model's networks as graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.faces.labels import CLASSES
from likeness.faces.landmarks import COUNT
from likeness.nn.placement import Anchors
from likeness.recipe import thaw
from likeness.systems.joint.maps import FLAGS, MAPS
from likeness.systems.joint.networks import JointGenerator, LookEncoder, ShapeEncoder
from likeness.systems.joint.prior import Prior
from likeness.systems.joint.recipes import CODES, NOISE, JointRecipe


class Painter(nn.Module):
    """G, with the anchors and the prior beside it that belong to the weights."""

    def __init__(self, recipe: JointRecipe) -> None:
        super().__init__()
        size = recipe.framing.size
        self.generator, self.anchors = JointGenerator(size, recipe.identity, recipe.networks), Anchors(size)
        self.prior = Prior(recipe.identity)

    def forward(self, maps: Tensor, noise: Tensor, identity: Tensor, flags: Tensor) -> Tensor:
        """Conditions to faces."""
        face: Tensor = self.generator(maps, noise, identity, flags)
        return face


class Look(nn.Module):
    """The mean of the look's distribution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = LookEncoder(width)

    def forward(self, picture: Tensor, classes: Tensor) -> Tensor:
        """Photos and parsings to codes."""
        mean: Tensor = self.look(picture, classes)[0]
        return mean


class Shape(nn.Module):
    """The mean of the shape's distribution."""

    def __init__(self) -> None:
        super().__init__()
        self.shape = ShapeEncoder()

    def forward(self, landmarks: Tensor) -> Tensor:
        """Landmarks to codes."""
        mean: Tensor = self.shape(landmarks)[0]
        return mean


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``generator`` G; ``look`` and ``shape``: the codes of a photo with its parsing, and of landmarks."""
    recipe = thaw(JointRecipe, frozen)
    size, wide = recipe.framing.size, 4.0 * recipe.identity**0.5
    maps = Port("maps", ("batch", MAPS, size, size), what="the spatial conditions, see maps.py")
    noise = Port("noise", ("batch", NOISE), -8.0, 8.0, "z, in the pieces that recipes.CODES names")
    identity = Port("identity", ("batch", recipe.identity), -wide, wide, "f_id at unit variance, 0 where it is not given")
    flags = Port("flags", ("batch", len(FLAGS)), 0.0, 1.0, "which conditions are given")
    picture = Port("picture", ("batch", 3, size, size), what="a framed face")
    classes = Port("classes", ("batch", len(CLASSES), size, size), 0.0, 1.0, "its parsing")
    landmarks = Port("landmarks", ("batch", COUNT, 2), -2.0, 2.0, "landmarks, the picture spanning [-1, 1]")
    face = Port("face", ("batch", 3, size, size), what="the face")
    look = Port("look", ("batch", NOISE - CODES["shape"]), -8.0, 8.0, "codes of ground, hair, skin and the rest")
    shape = Port("shape", ("batch", CODES["shape"]), -8.0, 8.0, "the code of the shape")
    return {
        "generator": Network(Painter(recipe), (maps, noise, identity, flags), (face,)),
        "look": Network(Look(recipe.networks.encoder), (picture, classes), (look,)),
        "shape": Network(Shape(), (landmarks,), (shape,)),
    }
