"""pix2pix (Isola, Zhu, Zhou & Efros 2017): a U-Net, a conditional PatchGAN, and 100 × L1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from likeness.baselines.frame import Baseline, BaselineRecipe, variants
from likeness.nn.patchgan import PatchGAN
from likeness.nn.unet import UNet
from likeness.recipe import Phase
from likeness.system import Move
from likeness.systems.parts.canvas import PartsBatch
from likeness.systems.portrait.objective import discriminator_terms, generator_terms


@dataclass(frozen=True)
class Pix2PixRecipe(BaselineRecipe):
    """``absolute`` is λ of L1."""

    absolute: float = 100.0


RECIPES = variants(Pix2PixRecipe, "pix2pix", (2e-4, 4e-4), lite=32, paper=64)


class Pix2Pix(Baseline):
    """G* = arg min_G max_D L_cGAN(G, D) + λ L_L1(G), its equation (4)."""

    recipe: Pix2PixRecipe
    generator: UNet

    def __init__(self, recipe: Pix2PixRecipe) -> None:
        super().__init__(recipe)
        self.recipe = recipe
        self.generator = UNet(recipe.framing.size, 4, 3, recipe.width, "instance")
        self.discriminator = PatchGAN(4 + 3, recipe.critic_width)

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """D on (z, x) and (z, G(z)), then G: the portrait system's own equations, for it is the same paper."""
        canvas, photo = batch.canvas, batch.photo
        noise = torch.rand(len(canvas), self.generator.noise_length, generator=batch.generator).to(canvas.device)
        fake = self.generator(canvas, noise)

        yield "D", lambda: discriminator_terms(self.discriminator, canvas, photo, fake.detach())
        yield "G", lambda: generator_terms(self.discriminator, canvas, photo, fake, 1.0, self.recipe.absolute)
