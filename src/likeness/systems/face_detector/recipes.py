"""What a face detector's training is made of, and the recipes that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import WIDE, Framing
from likeness.recipe import FINITE, Phase, Recipe, Training, require, require_each


@dataclass(frozen=True)
class FaceDetectorRecipe(Recipe):
    """A face detector's training on photos framed widely.

    A training picture of ``side`` pixels is a mosaic: one photo, or with probability ``many`` four smaller ones, each moved so
    that its face spans from ``least`` to ``most`` of the side (in log scale); with probability ``none`` a photo's face is covered
    by some of what is round it. ``colour``, ``grey`` and ``blur`` vary the light as in the parser's recipe.
    """

    framing: Framing = field(default_factory=lambda: WIDE)
    side: int = 160
    width: int = 32
    least: float = 0.08
    most: float = 0.8
    many: float = 0.35
    none: float = 0.15
    turn: float = 25.0
    colour: float = 0.4
    grey: float = 0.15
    blur: float = 0.4
    size_weight: float = 0.5
    offset_weight: float = 1.0

    def __post_init__(self) -> None:
        require(self.side % 16 == 0 and self.side >= 32, "side", self.side, "a multiple of 16 from 32")
        require(4 <= self.width <= 512, "width", self.width, "a number from 4 to 512")
        require(0 < self.least < self.most <= 2, "least", self.least, "a share above 0 and below most, which is at most 2")
        require_each(self, ("many", "none", "grey", "blur"), 0, 1, "a probability")
        require(0 <= self.turn <= 180, "turn", self.turn, "degrees from 0 to 180")
        require(0 <= self.colour < 1, "colour", self.colour, "a share from 0 to below 1")
        require_each(self, ("size_weight", "offset_weight"), 0, FINITE, "a weight of 0 or more")


def tiny() -> FaceDetectorRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests."""
    plan = Training(batch=8, rates=(3e-3,), betas=(0.9, 0.999), phases=(Phase(12, ("F",)),), ema=4.0, every=6, look=12)
    return FaceDetectorRecipe(
        name="face_detector:tiny",
        training=plan,
        framing=replace(WIDE, size=64),
        side=64,
        width=8,
        least=0.25,
        expects="seconds; finds little",
    )


def lite() -> FaceDetectorRecipe:
    """CPU: half an hour."""
    plan = Training(
        batch=32, rates=(2e-3,), betas=(0.9, 0.999), phases=(Phase(6000, ("F",)),), cooldown=4000, ema=200.0, every=250, look=500
    )
    return FaceDetectorRecipe(
        name="face_detector:lite", training=plan, expects="half an hour on one core: 98 % of mosaics' faces"
    )


def paper() -> FaceDetectorRecipe:
    """Wider and longer, for a GPU."""
    base = lite()
    plan = replace(base.training, batch=128, phases=(Phase(40000, ("F",)),), cooldown=30000, every=1000, look=2000)
    return replace(base, name="face_detector:paper", training=plan, width=64, expects="an hour on a GPU; not run yet")


RECIPES = {"tiny": tiny, "lite": lite, "paper": paper}
