"""DualGAN (Yi, Zhang, Tan & Gong 2017): two U-Nets that undo each other, and Wasserstein critics with clipped weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from likeness.baselines.two_way import TwoWay, TwoWayBatch, TwoWayRecipe, variants
from likeness.losses.chance import per_row
from likeness.nn.unet import UNet
from likeness.recipe import Phase, require
from likeness.records import Term
from likeness.system import Move


@dataclass(frozen=True)
class DualGANRecipe(TwoWayRecipe):
    """``clip`` bounds the critics' weights; ``cycle`` is λ_U = λ_V, from 100 to 1,000 in the paper.

    ``critic_steps`` is how often the critics move for one move of the generators, 2 to 4 in the paper; here on one batch.
    """

    clip: float = 0.05
    critic_steps: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.clip < float("inf"), "clip", self.clip, "a bound above 0")
        require(1 <= self.critic_steps <= 10, "critic_steps", self.critic_steps, "a number from 1 to 10")
        size = self.framing.size
        require(size >= 16 and size & (size - 1) == 0, "framing.size", size, "a power of two from 16")


RECIPES = variants(DualGANRecipe, "dualgan", (5e-5, 5e-5), betas=(0.0, 0.9), cycle=100.0)
"""Adam without its first moment and with a second one of 0.9 is RMSprop, but for the first few steps."""


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """(1), (2): E D(G(u)) − E D(v), what a Wasserstein critic minimises."""
    return fake.float().mean() - real.float().mean()


def judged(critic: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and of made pictures, which go through the critic's BatchNorm as one batch.

    Each by itself, every map would have the same mean, and (1) to (3), which compare means of logits, had only the rest to go by.
    """
    both = critic(torch.cat([real, fake]))
    return both[: len(real)], both[len(real) :]


def generators_loss(
    sketch: Tensor, sketch_again: Tensor, photo: Tensor, photo_again: Tensor, fakes: tuple[Tensor, Tensor], cycle: float
) -> dict[str, Term]:
    """(3): λ_U ‖u − G_B(G_A(u))‖ + λ_V ‖v − G_A(G_B(v))‖ − D_A(G_A(u)) − D_B(G_B(v)), norms L1 and means."""
    back = (sketch - sketch_again).float().abs().mean() + (photo - photo_again).float().abs().mean()
    return {
        "cycle": Term(back, cycle, "(3)"),
        "adversarial": Term(-fakes[0].float().mean() - fakes[1].float().mean(), 1.0, "(3)"),
    }


class DualGAN(TwoWay):
    """U-Nets with dropout for noise in training; critics with BatchNorm over real and made pictures, their weights in [−c, c]."""

    recipe: DualGANRecipe

    def __init__(self, recipe: DualGANRecipe) -> None:
        super().__init__(recipe, lambda: UNet(recipe.framing.size, 3, 3, recipe.width, "instance"), "batch")

    def play(self, batch: TwoWayBatch, phase: Phase) -> Iterator[Move]:
        """Critics (their weights clipped first) ``critic_steps`` times, then generators."""
        forth, back = self.forth, self.back
        assert isinstance(forth, UNet) and isinstance(back, UNet)

        def noise() -> Tensor:
            length, chance = forth.noise_length, batch.generator
            return per_row(len(batch.photo), lambda n: torch.rand(n, length, generator=chance), chance).to(batch.photo.device)

        photo, sketch = forth(batch.sketch, noise()), back(batch.photo, noise())

        def discriminator_terms() -> dict[str, Term]:
            with torch.no_grad():
                for weight in self.parameters_of("D"):
                    weight.clamp_(-self.recipe.clip, self.recipe.clip)
            of_photos = critic_loss(*judged(self.photo_critic, batch.photo, photo.detach()))
            of_sketches = critic_loss(*judged(self.sketch_critic, batch.sketch, sketch.detach()))
            return {"critics": Term(of_photos + of_sketches, 1.0, "(1), (2)")}

        def generator_terms() -> dict[str, Term]:
            again = back(photo, noise()), forth(sketch, noise())
            fakes = judged(self.photo_critic, batch.photo, photo)[1], judged(self.sketch_critic, batch.sketch, sketch)[1]
            return generators_loss(batch.sketch, again[0], batch.photo, again[1], fakes, self.recipe.cycle)

        for _ in range(self.recipe.critic_steps):
            yield "D", discriminator_terms
        yield "G", generator_terms
