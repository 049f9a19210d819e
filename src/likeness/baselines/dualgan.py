"""DualGAN (Yi, Zhang, Tan & Gong 2017): two U-Nets that undo each other, and Wasserstein critics with clipped weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from likeness.baselines.two_way import TwoWay, TwoWayBatch, TwoWayRecipe, variants
from likeness.nn.unet import UNet
from likeness.recipe import Phase, require
from likeness.records import Term
from likeness.system import Move


@dataclass(frozen=True)
class DualGANRecipe(TwoWayRecipe):
    """``clip`` bounds the critics' weights; ``cycle`` is λ_U = λ_V, from 100 to 1,000 in the paper."""

    clip: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.clip < float("inf"), "clip", self.clip, "a bound above 0")
        size = self.framing.size
        require(size >= 16 and size & (size - 1) == 0, "framing.size", size, "a power of two from 16")


RECIPES = variants(DualGANRecipe, "dualgan", (5e-5, 5e-5), cycle=100.0)


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """(1), (2): E D(G(u)) − E D(v), what a Wasserstein critic minimises."""
    return fake.float().mean() - real.float().mean()


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
    """U-Nets with dropout for noise in training; critics without a norm's statistics, their weights in [−c, c]."""

    recipe: DualGANRecipe

    def __init__(self, recipe: DualGANRecipe) -> None:
        super().__init__(recipe, lambda: UNet(recipe.framing.size, 3, 3, recipe.width, "instance"), "instance")

    def play(self, batch: TwoWayBatch, phase: Phase) -> Iterator[Move]:
        """Critics (their weights clipped first), then generators."""
        forth, back = self.forth, self.back
        assert isinstance(forth, UNet) and isinstance(back, UNet)

        def noise() -> Tensor:
            return torch.rand(len(batch.photo), forth.noise_length, generator=batch.generator).to(batch.photo.device)

        photo, sketch = forth(batch.sketch, noise()), back(batch.photo, noise())

        def judge() -> dict[str, Term]:
            with torch.no_grad():
                for weight in self.parameters_of("D"):
                    weight.clamp_(-self.recipe.clip, self.recipe.clip)
            of_photos = critic_loss(self.photo_critic(batch.photo), self.photo_critic(photo.detach()))
            of_sketches = critic_loss(self.sketch_critic(batch.sketch), self.sketch_critic(sketch.detach()))
            return {"critics": Term(of_photos + of_sketches, 1.0, "(1), (2)")}

        def write() -> dict[str, Term]:
            again = back(photo, noise()), forth(sketch, noise())
            fakes = self.photo_critic(photo), self.sketch_critic(sketch)
            return generators_loss(batch.sketch, again[0], batch.photo, again[1], fakes, self.recipe.cycle)

        yield "D", judge
        yield "G", write
