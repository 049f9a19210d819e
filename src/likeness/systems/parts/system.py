"""The parts system: Algorithm 1 of Sun, Guo & Liu 2022."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

from likeness.errors import LikenessError
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.perceptual import Features, same_crop
from likeness.nn.efficientnet import efficientnet_features
from likeness.nn.patchgan import PatchGAN
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.rounding import round_inside
from likeness.nn.vgg import vgg_features
from likeness.recipe import Phase
from likeness.system import Move
from likeness.systems.parts.canvas import CanvasSystem, PartsBatch
from likeness.systems.parts.networks import LeanGenerator, PaperDiscriminator, PaperGenerator
from likeness.systems.parts.objective import discriminator_terms, generator_terms
from likeness.systems.parts.recipes import PartsRecipe


def build_generator(recipe: PartsRecipe) -> nn.Module:
    """The generator that a recipe names."""
    chosen, channels = recipe.networks, 4 if recipe.networks.cover else 3
    if chosen.generator not in ("paper", "lean"):
        raise LikenessError(f"networks.generator={chosen.generator!r}: there are 'paper' and 'lean'")
    generator: nn.Module
    if chosen.generator == "paper":
        generator = PaperGenerator(channels, chosen.width, chosen.blocks)
    else:
        generator = LeanGenerator(channels, chosen.width, chosen.blocks, chosen.bottom)
    if recipe.rounded:
        round_inside(generator)
    return generator


def build_discriminator(recipe: PartsRecipe) -> nn.Module:
    """The discriminator that a recipe names."""
    chosen = recipe.networks
    if chosen.discriminator == "paper":
        return PaperDiscriminator(recipe.framing.size, chosen.discriminator_width, chosen.spectral)
    if chosen.discriminator == "projected":
        return ProjectedDiscriminator(head=chosen.discriminator_width, seed=recipe.training.seed)
    if chosen.discriminator == "patch":
        return PatchGAN(3, chosen.discriminator_width, chosen.discriminator_layers, "spectral" if chosen.spectral else "none")
    raise LikenessError(f"networks.discriminator={chosen.discriminator!r}: there are 'paper', 'patch' and 'projected'")


class PartsSystem(CanvasSystem):
    """G paints the face around the parts, D tells painted faces from photos."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("discriminator",), "G": ("generator",)}
    ships: ClassVar[tuple[str, ...]] = ("generator", "anchors")
    recipe: PartsRecipe

    def __init__(self, recipe: PartsRecipe, features: Features | None = None) -> None:
        super().__init__(recipe.framing, recipe.augment, recipe.networks.cover)
        self.recipe = recipe
        self.generator = build_generator(recipe)
        self.discriminator = build_discriminator(recipe)
        self._features = features

    def features(self, images: Tensor) -> list[Tensor]:
        """Φ of equation (3), loaded when it is first needed."""
        if self._features is None:
            self._features = vgg_features() if self.recipe.perceptual == "vgg19" else efficientnet_features()
        return list(self._features(images))

    def paint(self, canvas: Tensor) -> Tensor:
        """G."""
        fake: Tensor = self.generator(canvas)
        return fake

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """Algorithm 1, one step; which phase it is in is the recipe's business."""
        photo, fake = batch.photo, self.generator(batch.canvas)

        def discriminator(images: Tensor) -> Judgement:
            return judgement(self.discriminator, images, batch.generator)

        yield "D", lambda: discriminator_terms(discriminator, photo, fake.detach())
        yield (
            "G",
            lambda: generator_terms(
                discriminator,
                self.features,
                photo,
                fake,
                self._view(photo, fake, batch),
                self.recipe.weights,
                phase.disabled_terms,
            ),
        )

    def _view(self, photo: Tensor, fake: Tensor, batch: PartsBatch) -> tuple[Tensor, Tensor]:
        """What Φ looks at: the pictures, or where the recipe says so the same random crop of both."""
        if not self.recipe.crop:
            return photo, fake
        one, other = same_crop([photo, fake], self.recipe.crop, batch.generator)
        return one, other
