"""The portrait system's generator as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from likeness.engine import Port
from likeness.engine.torch import Network
from likeness.nn.unet import UNet
from likeness.recipe import thaw
from likeness.systems.portrait.recipes import PortraitRecipe


class Generator(nn.Module):
    """G, whose noise is a mask."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.generator = unet

    def forward(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """See :meth:`likeness.nn.unet.UNet.masked`."""
        return self.generator.masked(source, mask)


def graphs(frozen: dict[str, Any]) -> Mapping[str, Network]:
    """``generator``: ``source`` and ``mask`` → ``made``.

    The mask multiplies the decoder's noisy layers: 1 for no noise, 0 and 2 with equal chance for noise. A generator of few levels
    has no such layers and no such port.
    """
    recipe = thaw(PortraitRecipe, frozen)
    size = recipe.framing.size
    unet = UNet(size, 3, 3, recipe.width, recipe.norm, recipe.levels)
    before, after = ("drawing", "photo") if recipe.made == "photo" else ("photo", "drawing")
    inputs = [Port("source", ("batch", 3, size, size), what=f"a framed {before}")]
    if unet.noise_length:
        what = "what the noisy layers' values are multiplied by: 1 without noise, else 0 or 2"
        inputs.append(Port("mask", ("batch", unet.noise_length), 0, 2, what))
    made = Port("made", ("batch", 3, size, size), what=f"the {after} G makes of it")
    return {"generator": Network(Generator(unet), tuple(inputs), (made,))}
