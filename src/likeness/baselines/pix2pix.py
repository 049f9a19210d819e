"""pix2pix (Isola, Zhu, Zhou & Efros 2017): a U-Net, a conditional PatchGAN, and 100 × L1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from likeness.baselines.frame import Baseline, BaselineRecipe, variants
from likeness.losses import adversarial
from likeness.nn.patchgan import PatchGAN
from likeness.nn.unet import UNet
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move
from likeness.systems.parts.canvas import PartsBatch


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
        self.generator = UNet(recipe.framing.size, 4, 3, recipe.width)
        self.discriminator = PatchGAN(4 + 3, recipe.critic_width)

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """D on (z, x) and (z, G(z)), halved as in the paper so that D learns more slowly; then G."""
        canvas, photo = batch.canvas, batch.photo
        noise = torch.rand(len(canvas), self.generator.noise_length, generator=batch.generator).to(canvas.device)
        fake = self.generator(canvas, noise)

        def critic() -> dict[str, Term]:
            real = self.discriminator(torch.cat([canvas, photo], 1))
            made = self.discriminator(torch.cat([canvas, fake.detach()], 1))
            return {"discriminator": Term(adversarial.discriminate(real, made), 0.5, "(1)")}

        def write() -> dict[str, Term]:
            judged = self.discriminator(torch.cat([canvas, fake], 1))
            return {
                "adversarial": Term(adversarial.persuade(judged), 1.0, "(2)"),
                "absolute": Term((fake - photo).abs().mean(), self.recipe.absolute, "(3)"),
            }

        yield "D", critic
        yield "G", write
