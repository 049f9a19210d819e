"""What a landmark detector's training is made of, and the recipes that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import Framing
from likeness.faces.variety import Variety
from likeness.recipe import Phase, Recipe, Training, require

MOVED = Variety(turn=35.0, colour=0.4, blur=0.35, drawn=0.1, coarse=0.2, hide=0.3)
"""Aligned faces moved about, so that a face which is only roughly found is known."""


@dataclass(frozen=True)
class LandmarkDetectorRecipe(Recipe):
    """A detector's training: an hourglass of ``channels`` halved ``depth`` times; ``sigma`` cells and ``regular`` λ of DSNT."""

    framing: Framing = field(default_factory=Framing)
    variety: Variety = field(default_factory=lambda: MOVED)
    channels: int = 128
    depth: int = 4
    sigma: float = 1.0
    regular: float = 1.0

    def __post_init__(self) -> None:
        blocks = 4 << self.depth
        require(1 <= self.depth <= 6, "depth", self.depth, "a number from 1 to 6")
        require(self.framing.size % blocks == 0, "framing.size", self.framing.size, f"a multiple of {blocks}")
        require(
            8 <= self.channels <= 1024 and self.channels % 8 == 0, "channels", self.channels, "a multiple of 8 from 8 to 1024"
        )
        require(self.sigma > 0, "sigma", self.sigma, "a width above 0")
        require(0 <= self.regular < float("inf"), "regular", self.regular, "a weight of 0 or more")


def tiny() -> LandmarkDetectorRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests."""
    plan = Training(batch=8, rates=(2e-3,), betas=(0.9, 0.999), phases=(Phase(12, ("D",)),), ema=4.0, every=6, look=12)
    return LandmarkDetectorRecipe(
        name="landmark_detector:tiny",
        training=plan,
        framing=Framing(size=64),
        channels=16,
        depth=3,
        expects="seconds; points near the middle",
    )


def lite() -> LandmarkDetectorRecipe:
    """CPU: an hour."""
    plan = Training(
        batch=32,
        rates=(1e-3,),
        betas=(0.9, 0.999),
        phases=(Phase(8000, ("D",)),),
        cooldown=4000,
        ema=200.0,
        every=250,
        look=500,
    )
    return LandmarkDetectorRecipe(
        name="landmark_detector:lite",
        training=plan,
        expects="forty minutes on one core: 5.2 % of the eyes' distance on YouTube Faces",
    )


def paper() -> LandmarkDetectorRecipe:
    """Wider and longer, for a GPU."""
    base = lite()
    plan = replace(base.training, phases=(Phase(60000, ("D",)),), cooldown=30000, every=1000, look=2000)
    return replace(base, name="landmark_detector:paper", training=plan, channels=256, expects="an hour on a GPU; not run yet")


RECIPES = {"tiny": tiny, "lite": lite, "paper": paper}
