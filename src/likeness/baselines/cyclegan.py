"""CycleGAN (Zhu, Park, Isola & Efros 2017): unpaired translation whose pictures come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from likeness.baselines.two_way import TwoWay, TwoWayBatch, TwoWayRecipe, variants
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move


@dataclass(frozen=True)
class CycleGANRecipe(TwoWayRecipe):
    """``blocks`` residual blocks: 9 at 256 pixels in the paper."""

    blocks: int = 9


RECIPES = variants(CycleGANRecipe, "cyclegan", (2e-4, 2e-4), blocks=6)
RECIPES["paper"] = variants(CycleGANRecipe, "cyclegan", (2e-4, 2e-4), blocks=9)["paper"]


class Residual(nn.Module):
    """Rk: two 3 × 3 convolutions with InstanceNorm, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """B × C × h × w to the same."""
        added: Tensor = features + self.body(features)
        return added


def generator(width: int, blocks: int) -> nn.Sequential:
    """c7s1-64, d128, d256, R256 × blocks, u128, u64, c7s1-3 (appendix 7.2), for a width of 64."""

    def normed(*layers: nn.Module, channels: int) -> list[nn.Module]:
        return [*layers, nn.InstanceNorm2d(channels), nn.ReLU()]

    w = width
    return nn.Sequential(
        *normed(nn.ReflectionPad2d(3), nn.Conv2d(3, w, 7), channels=w),
        *normed(nn.Conv2d(w, 2 * w, 3, 2, 1), channels=2 * w),
        *normed(nn.Conv2d(2 * w, 4 * w, 3, 2, 1), channels=4 * w),
        *(Residual(4 * w) for _ in range(blocks)),
        *normed(nn.ConvTranspose2d(4 * w, 2 * w, 3, 2, 1, 1), channels=2 * w),
        *normed(nn.ConvTranspose2d(2 * w, w, 3, 2, 1, 1), channels=w),
        nn.ReflectionPad2d(3),
        nn.Conv2d(w, 3, 7),
        nn.Tanh(),
    )


def least_squares(real: Tensor, fake: Tensor) -> Tensor:
    """E (D(y) − 1)² + E D(G(x))², the adversarial loss of a critic (section 4), halved."""
    return ((real.float() - 1).square().mean() + fake.float().square().mean()) / 2


def generator_term(fake: Tensor) -> Tensor:
    """E (D(G(x)) − 1)², a generator's."""
    return (fake.float() - 1).square().mean()


def returned(true: Tensor, again: Tensor) -> Tensor:
    """(2) ‖F(G(x)) − x‖₁, a mean."""
    return (true - again).float().abs().mean()


class CycleGAN(TwoWay):
    """(3): L_GAN both ways + λ L_cyc, λ = 10. Critics see the latest pictures (no pool of fifty older ones)."""

    recipe: CycleGANRecipe

    def __init__(self, recipe: CycleGANRecipe) -> None:
        super().__init__(recipe, lambda: generator(recipe.width, recipe.blocks), "instance")

    def play(self, batch: TwoWayBatch, phase: Phase) -> Iterator[Move]:
        """Critics, then generators."""
        photo, sketch = self.forth(batch.sketch), self.back(batch.photo)

        def discriminator_terms() -> dict[str, Term]:
            of_photos = least_squares(self.photo_critic(batch.photo), self.photo_critic(photo.detach()))
            of_sketches = least_squares(self.sketch_critic(batch.sketch), self.sketch_critic(sketch.detach()))
            return {"critics": Term(of_photos + of_sketches, 1.0, "(1)")}

        def generator_terms() -> dict[str, Term]:
            adversarial = generator_term(self.photo_critic(photo)) + generator_term(self.sketch_critic(sketch))
            cycle = returned(batch.sketch, self.back(photo)) + returned(batch.photo, self.forth(sketch))
            return {"adversarial": Term(adversarial, 1.0, "(1)"), "cycle": Term(cycle, self.recipe.cycle, "(2)")}

        yield "D", discriminator_terms
        yield "G", generator_terms
