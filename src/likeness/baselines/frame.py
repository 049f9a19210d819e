"""What the trained baselines of the parts comparison share: they read the same average-face pictures as the parts system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from likeness.faces.align import Framing
from likeness.faces.variety import PartsVariety
from likeness.recipe import Phase, Recipe, Training, require, require_each
from likeness.systems.parts.canvas import CanvasSystem


@dataclass(frozen=True)
class BaselineRecipe(Recipe):
    """``width`` and ``critic_width`` are the channels of the generator's and of the critic's first layer."""

    framing: Framing = field(default_factory=Framing)
    augment: PartsVariety = field(default_factory=lambda: PartsVariety(flip=True))
    width: int = 64
    critic_width: int = 64

    def __post_init__(self) -> None:
        size = self.framing.size
        require(size in (32, 64, 128, 256, 512), "framing.size", size, "a power of two from 32 to 512")
        require_each(self, ("width", "critic_width"), 4, 1024, "a number from 4 to 1024")


class Baseline(CanvasSystem):
    """A generator that paints, and a critic; both play from the first step on. Every one of them sees the cover."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("discriminator",), "G": ("generator",)}
    ships: ClassVar[tuple[str, ...]] = ("generator", "anchors")
    generator: nn.Module

    def __init__(self, recipe: BaselineRecipe) -> None:
        super().__init__(recipe.framing, recipe.augment, with_cover=True)

    def paint(self, canvas: Tensor) -> Tensor:
        """The generator."""
        fake: Tensor = self.generator(canvas)
        return fake


K = TypeVar("K", bound=BaselineRecipe)


def budgeted(recipe: K, steps: int) -> K:
    """The recipe with exactly ``steps`` steps, cooling down in the last quarter: the budget of a comparison."""
    training = replace(
        recipe.training,
        phases=(Phase(steps, ("D", "G")),),
        cooldown=steps // 4,
        ema=max(steps / 12, 1.0),
        every=250,
        look=max(steps // 10, 1),
    )
    return replace(recipe, training=training)


def variants(
    kind: type[K], name: str, rates: tuple[float, float], lite: int, paper: int, **fields: Any
) -> dict[str, Callable[[], K]]:
    """``tiny``, ``lite`` and ``paper`` of a baseline; ``lite`` and ``paper`` are the generators' widths."""

    def make(variant: str, width: int, size: int, batch: int, steps: int, expects: str) -> Callable[[], K]:
        plan = Training(batch=batch, rates=rates, phases=(Phase(steps, ("D", "G")),), ema=max(steps / 12, 1.0))
        plan = replace(plan, every=min(500, max(steps // 2, 1)), look=min(500, max(steps // 2, 1)))
        framing = Framing(size=size)
        return lambda: kind(
            name=f"{name}:{variant}",
            training=plan,
            framing=framing,
            width=width,
            critic_width=max(width, 8) if variant == "tiny" else (32 if variant == "lite" else 64),
            expects=expects,
            **fields,
        )

    return {
        "tiny": make("tiny", 8, 64, 4, 10, "seconds on two cores; smudges"),
        "lite": make("lite", lite, 128, 16, 8000, "about two hours on two cores"),
        "paper": make("paper", paper, 128, 16, 50000, "about an hour on an H200-class GPU"),
    }
