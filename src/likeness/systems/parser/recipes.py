"""What a parser's training is made of, and the three that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import Framing
from likeness.faces.variety import Variety
from likeness.recipe import Phase, Recipe, Training, require


@dataclass(frozen=True)
class ParserRecipe(Recipe):
    """A parser's training. ``widths`` are the network's, see :class:`likeness.nn.bisenet.BiSeNet`.

    ``auxiliary`` is the weight of the two auxiliary heads (the paper's α, 1); ``hardest`` the share of pixels that count, those
    with the largest loss (1: all).
    """

    framing: Framing = field(default_factory=lambda: Framing(size=256))
    variety: Variety = field(default_factory=Variety)
    widths: tuple[int, int, int, int] = (32, 96, 128, 160)
    auxiliary: float = 1.0
    hardest: float = 0.5

    def __post_init__(self) -> None:
        require(self.framing.size % 32 == 0, "framing.size", self.framing.size, "a multiple of 32")
        require(all(4 <= width <= 1024 for width in self.widths), "widths", self.widths, "four numbers from 4 to 1024")
        require(0 <= self.auxiliary < float("inf"), "auxiliary", self.auxiliary, "a weight of 0 or more")
        require(0 < self.hardest <= 1, "hardest", self.hardest, "a share above 0, at most 1")


def tiny() -> ParserRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests."""
    return ParserRecipe(
        name="parser:tiny",
        training=Training(batch=4, rates=(2e-3,), betas=(0.9, 0.999), phases=(Phase(12, ("P",)),), ema=4.0, every=6, look=12),
        framing=Framing(size=64),
        widths=(8, 16, 16, 16),
        expects="seconds; blobs",
    )


def lite() -> ParserRecipe:
    """CPU: about half an hour."""
    return ParserRecipe(
        name="parser:lite",
        training=Training(
            batch=8,
            rates=(1e-3,),
            betas=(0.9, 0.999),
            phases=(Phase(4000, ("P",)),),
            cooldown=2500,
            ema=150.0,
            every=250,
            look=500,
        ),
        expects="about twenty minutes on two cores",
    )


def paper() -> ParserRecipe:
    """Larger and longer, for a GPU. The paper's own schedule (SGD on Cityscapes) is not for faces."""
    base = lite()
    training = replace(base.training, batch=16, phases=(Phase(40000, ("P",)),), cooldown=20000, every=1000, look=2000)
    return replace(
        base, name="parser:paper", training=training, widths=(64, 128, 256, 512), expects="hours on a GPU; not run yet"
    )


RECIPES = {"tiny": tiny, "lite": lite, "paper": paper}
