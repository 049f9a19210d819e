"""Context Encoder (Pathak, Krähenbühl, Donahue, Darrell & Efros 2016), as a whole-picture completion network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from likeness.baselines.frame import Baseline, BaselineRecipe, variants
from likeness.losses import adversarial
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move
from likeness.systems.parts.canvas import PartsBatch


@dataclass(frozen=True)
class ContextEncoderRecipe(BaselineRecipe):
    """λ of its equation (3)."""

    reconstruction: float = 0.999
    adversarial: float = 0.001


RECIPES = variants(ContextEncoderRecipe, "context_encoder", (2e-4, 2e-3), lite=48, paper=64)


class ChannelwiseLinear(nn.Module):
    """A fully connected layer within each channel's map, then a 1 × 1 convolution across channels (section 3.1)."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, side * side, side * side) / side)
        self.across = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × s × s to the same."""
        mixed = torch.einsum("bcp,cpq->bcq", features.flatten(2), self.weight)
        result: Tensor = self.across(mixed.reshape(features.shape).contiguous())
        return result


class ContextEncoder(nn.Module):
    """Four stride-2 convolutions, the channel-wise layer, four transposed convolutions."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        wide = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for inside, outside in zip([4, *wide], wide, strict=False):
            layers += [nn.Conv2d(inside, outside, 4, 2, 1), nn.BatchNorm2d(outside), nn.LeakyReLU(0.2)]
        layers += [ChannelwiseLinear(wide[-1], size // 16), nn.BatchNorm2d(wide[-1]), nn.ReLU()]
        for inside, outside in zip(wide[::-1], wide[-2::-1], strict=False):
            layers += [nn.ConvTranspose2d(inside, outside, 4, 2, 1), nn.BatchNorm2d(outside), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1))

    def forward(self, canvas: Tensor) -> Tensor:
        """Average face with cover, B × 4 × S × S, to a face B × 3 × S × S in [-1, 1]."""
        return torch.tanh(self.body(canvas))


class Critic(nn.Module):
    """DCGAN's discriminator (Radford et al. 2016): one logit a picture."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        wide = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for inside, outside in zip([3, *wide], wide, strict=False):
            layers += [nn.Conv2d(inside, outside, 4, 2, 1), nn.LeakyReLU(0.2)]
            if inside > 3:
                layers.insert(-1, nn.BatchNorm2d(outside))
        self.body = nn.Sequential(*layers, nn.Conv2d(wide[-1], 1, size // 16))

    def forward(self, pictures: Tensor) -> Tensor:
        """B × 3 × S × S to logits B × 1."""
        logits: Tensor = self.body(pictures)
        return logits.flatten(1)


class ContextEncoderSystem(Baseline):
    """min_F max_D λ_rec L_rec + λ_adv L_adv."""

    recipe: ContextEncoderRecipe

    def __init__(self, recipe: ContextEncoderRecipe) -> None:
        super().__init__(recipe)
        self.recipe = recipe
        self.generator = ContextEncoder(recipe.framing.size, recipe.width)
        self.discriminator = Critic(recipe.framing.size, recipe.critic_width)

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """D on photos and completions, then F."""
        photo, fake = batch.photo, self.generator(batch.canvas)

        def critic() -> dict[str, Term]:
            loss = adversarial.discriminator_loss(self.discriminator(photo), self.discriminator(fake.detach()))
            return {"discriminator": Term(loss, 1.0, "(2)")}

        def generator_terms() -> dict[str, Term]:
            return {
                "reconstruction": Term((fake - photo).square().mean(), self.recipe.reconstruction, "(1)"),
                "adversarial": Term(adversarial.generator_loss(self.discriminator(fake)), self.recipe.adversarial, "(2)"),
            }

        yield "D", critic
        yield "G", generator_terms
