"""The networks that make faces, as graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.recipe import thaw
from likeness.systems.facefeat import build
from likeness.systems.facefeat.recipes import FaceFeatRecipe, paints


class Alone(nn.Module):
    """One network under the name that the weights file has for it; ``beside`` are modules that only belong to the weights."""

    def __init__(self, name: str, network: nn.Module, **beside: nn.Module) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, network)
        for other, module in beside.items():
            self.add_module(other, module)

    def forward(self, given: Tensor) -> Tensor:
        """What the network makes of it."""
        made: Tensor = getattr(self, self.name)(given)
        return made


class Standard(nn.Module):
    """E_1 with the rows of f_1 taken out of f_3d, and the morphable model beside it that belongs to the weights."""

    def __init__(self, pose: nn.Module, rows: list[int], model: nn.Module) -> None:
        super().__init__()
        self.pose, self.rows, self.morphable = pose, rows, model

    def forward(self, picture: Tensor) -> Tensor:
        """Framed faces to f_1, in deviations."""
        numbers: Tensor = self.pose(picture)
        return torch.cat([numbers[:, row : row + 1] for row in self.rows], 1)


class Decoder(nn.Module):
    """G^I."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, identity: Tensor, pose: Tensor, general: Tensor) -> Tensor:
        """f_id, f_1, f_2 to faces."""
        made: Tensor = self.decoder(torch.cat([identity, pose, general], 1))
        return made


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``identity`` E_id, ``pose`` E_1, ``general`` E_2: faces to features; ``generator1``, ``generator2``: z to f_1, f_2;
    ``decoder`` G^I: f_id, f_1 and f_2 to faces. Of a training of E_id and E_1 alone, these two.
    """
    recipe = thaw(FaceFeatRecipe, frozen)
    return assembled(recipe, build.feature_generators(recipe), build.general_extractor(recipe))


def assembled(recipe: FaceFeatRecipe, generators: tuple[nn.Module, nn.Module], extractor: nn.Module) -> Mapping[str, Network]:
    """The graphs of a recipe, with these G_1^f, G_2^f and E_2."""
    size, rows = recipe.framing.size, build.feature_rows(recipe)
    wide = 4.0 * recipe.general**0.5
    picture = Port("picture", ("batch", 3, size, size), what="a framed face")
    noise = Port("noise", ("batch", recipe.noise), what="z")
    one, two = generators
    identity = Port("f_id", ("batch", recipe.identity), -wide, wide, "what tells who it is")
    pose = Port("f_1", ("batch", len(rows)), -8.0, 8.0, "expressions and yaw, in deviations")
    general = Port("f_2", ("batch", recipe.general), -wide, wide, "everything else")
    face = Port("face", ("batch", 3, size, size), what="the face")
    read = {
        "identity": Network(
            Alone("identity", build.identity_extractor(recipe), layer=build.layer(recipe)), (picture,), (identity,)
        ),
        "pose": Network(Standard(build.pose_extractor(recipe), rows, build.morphable(recipe)), (picture,), (pose,)),
    }
    if not paints(recipe):
        return read
    return {
        **read,
        "general": Network(Alone("general", extractor), (picture,), (general,)),
        "generator1": Network(Alone("generator1", one), (noise,), (pose,)),
        "generator2": Network(Alone("generator2", two), (noise,), (general,)),
        "decoder": Network(Decoder(build.decoder(recipe)), (identity, pose, general), (face,)),
    }
