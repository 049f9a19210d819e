"""Generative image inpainting with contextual attention (Yu, Lin, Yang, Shen, Lu & Huang 2018).

A coarse network fills the picture; a refinement network has a second branch that borrows from the known region by
attention. A Wasserstein critic with gradient penalty judges the result. The hole here is everything but the parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import fold, interpolate, max_pool2d, normalize, pad, softmax, unfold

from likeness.baselines.frame import Baseline, BaselineRecipe, variants
from likeness.losses.chance import per_row
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move
from likeness.systems.parts.canvas import PartsBatch


@dataclass(frozen=True)
class ContextualAttentionRecipe(BaselineRecipe):
    """λ of the coarse and the refined L1, of the critic, of its gradient penalty, and the discount γ (section 3.2)."""

    coarse: float = 1.2
    refined: float = 1.2
    adversarial: float = 0.001
    penalty: float = 10.0
    discount: float = 0.99


RECIPES = variants(ContextualAttentionRecipe, "contextual_attention", (2e-4, 4e-4), lite=16, paper=32)


def layer(inside: int, outside: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Mirror-padded convolution + ELU; no normalisation, as in the paper."""
    padding = dilation * (kernel - 1) // 2
    edge: Literal["reflect", "zeros"] = "reflect" if padding < 4 else "zeros"  # a mirror cannot be wider than a small map
    return nn.Sequential(nn.Conv2d(inside, outside, kernel, stride, padding, dilation, padding_mode=edge), nn.ELU())


def down(inside: int, width: int) -> list[nn.Module]:
    """To a quarter of the size and 4 × ``width`` channels."""
    return [
        layer(inside, width, 5),
        layer(width, 2 * width, 3, 2),
        layer(2 * width, 2 * width),
        layer(2 * width, 4 * width, 3, 2),
        layer(4 * width, 4 * width),
        layer(4 * width, 4 * width),
    ]


def dilated(channels: int) -> list[nn.Module]:
    """Four convolutions that see ever farther."""
    return [layer(channels, channels, dilation=rate) for rate in (2, 4, 8, 16)]


class Up(nn.Module):
    """Back to full size and colours."""

    def __init__(self, inside: int, width: int) -> None:
        super().__init__()
        self.at_quarter = nn.Sequential(layer(inside, 4 * width), layer(4 * width, 4 * width))
        self.at_half = nn.Sequential(layer(4 * width, 2 * width), layer(2 * width, 2 * width))
        self.at_full = nn.Sequential(layer(2 * width, width), layer(width, max(width // 2, 3)))
        self.colours = nn.Conv2d(max(width // 2, 3), 3, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × S/4 × S/4 to colours B × 3 × S × S, clipped to [-1, 1]."""
        features = self.at_half(interpolate(self.at_quarter(features), scale_factor=2.0))
        colours: Tensor = self.colours(self.at_full(interpolate(features, scale_factor=2.0)))
        return colours.clamp(-1, 1)


def attend(features: Tensor, known: Tensor, sharpness: float = 10.0) -> Tensor:
    """Contextual attention: each place is rebuilt from patches of the known region, by cosine similarity.

    Similarity is taken between 3 × 3 patches at half the resolution (the paper's rate 2), softened by
    softmax(``sharpness`` · cosine); what is pasted are 4 × 4 patches of the features themselves, averaged where they overlap.

    Args:
        features: B × C × H × W, H and W even.
        known: B × 1 × H × W of {0, 1}; a patch may be borrowed if any of it is known (of a picture where nothing is, all may).
        sharpness: λ of the softmax.
    """
    height, width = features.shape[-2:]
    small, small_known = features[..., ::2, ::2], max_pool2d(known, 2)
    patches = unfold(small.float(), 3, padding=1)
    borrowable = max_pool2d(small_known, 3, 1, 1).flatten(1) > 0.5
    borrowable |= ~borrowable.any(1, keepdim=True)
    similarity = normalize(patches, dim=1).transpose(1, 2) @ normalize(patches, dim=1)
    similarity = (sharpness * similarity).masked_fill(~borrowable[:, None, :], -torch.inf)
    weight = softmax(similarity, 2)
    pasted = unfold(pad(features.float(), (1, 1, 1, 1), mode="replicate"), 4, stride=2) @ weight.transpose(1, 2)
    framed = (height + 2, width + 2)
    total, often = fold(pasted, framed, 4, stride=2), fold(torch.ones_like(pasted), framed, 4, stride=2)
    return (total / often)[..., 1:-1, 1:-1].to(features.dtype)


class TwoStage(nn.Module):
    """The coarse network, then the refinement with its two branches."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.coarse = nn.Sequential(*down(5, width), *dilated(4 * width), Up(4 * width, width))
        self.convolved = nn.Sequential(*down(5, width), *dilated(4 * width))
        self.before = nn.Sequential(*down(5, width))
        self.after = nn.Sequential(layer(4 * width, 4 * width), layer(4 * width, 4 * width))
        self.join = Up(8 * width, width)

    def stages(self, canvas: Tensor) -> tuple[Tensor, Tensor]:
        """The coarse and the refined face."""
        known = (canvas[:, 3:] + 1) / 2
        ones = torch.ones_like(known)
        coarse: Tensor = self.coarse(torch.cat([canvas[:, :3], ones, known], 1))
        given = torch.cat([coarse * (1 - known) + canvas[:, :3] * known, ones, known], 1)
        features = self.before(given)
        borrowed = self.after(attend(features, max_pool2d(known, 4)))
        refined: Tensor = self.join(torch.cat([self.convolved(given), borrowed], 1))
        return coarse, refined

    def forward(self, canvas: Tensor) -> Tensor:
        """Average face with cover, B × 4 × S × S, to the refined face."""
        return self.stages(canvas)[1]


class Critic(nn.Module):
    """Four 5 × 5 stride-2 convolutions and a linear layer: one number a picture, of any size."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside in ((4, width), (width, 2 * width), (2 * width, 4 * width), (4 * width, 4 * width)):
            layers += [nn.Conv2d(inside, outside, 5, 2, 2), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.judge = nn.Linear(4 * width * (size // 16) ** 2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """B × 4 × S × S (colours and cover) to B × 1."""
        number: Tensor = self.judge(self.body(pictures).flatten(1))
        return number


def discounted(known: Tensor, rate: float, reach: int = 64) -> Tensor:
    """γ^l for each pixel, l its distance (in steps of a king) to the nearest known pixel; 1 where known. B × 1 × H × W."""
    weight, front = known.clone(), known
    for step in range(1, reach + 1):
        wider = max_pool2d(front, 3, 1, 1)
        weight = weight + (wider - front) * rate**step
        front = wider
    return weight + (1 - front) * rate**reach


def gradient_penalty(critic: nn.Module, real: Tensor, made: Tensor, hole: Tensor, chance: Tensor) -> Tensor:
    """E (‖∇D(x̂) ⊙ hole‖₂ − 1)², x̂ between a real and a made picture (Gulrajani et al. 2017, masked as in the paper)."""
    between = (real + chance * (made - real)).detach().requires_grad_(True)
    judged = critic.forward(between)  # never what torch.compile made of it, which has no second derivative
    (slope,) = torch.autograd.grad(judged.sum(), between, create_graph=True)
    lengths: Tensor = (slope[:, :3].float() * hole).flatten(1).norm(dim=1)  # of the colours; the cover is the same in both
    return (lengths - 1).square().mean()


class ContextualAttentionSystem(Baseline):
    """Discounted L1 on both stages, and WGAN-GP on the refined one."""

    recipe: ContextualAttentionRecipe
    generator: TwoStage

    def __init__(self, recipe: ContextualAttentionRecipe) -> None:
        super().__init__(recipe)
        self.recipe = recipe
        self.generator = TwoStage(recipe.width)
        self.discriminator = Critic(recipe.framing.size, recipe.critic_width)

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """The critic, then both stages together."""
        photo, cover = batch.photo, batch.canvas[:, 3:]
        known = (cover + 1) / 2
        coarse, refined = self.generator.stages(batch.canvas)

        def critic() -> dict[str, Term]:
            real, made = torch.cat([photo, cover], 1), torch.cat([refined.detach().to(photo), cover], 1)
            chance = per_row(len(photo), lambda n: torch.rand(n, 1, 1, 1, generator=batch.generator), batch.generator)
            chance = chance.to(photo.device)
            judged = self.discriminator(torch.cat([real, made])).float()
            apart = judged[len(photo) :].mean() - judged[: len(photo)].mean()
            penalty = gradient_penalty(self.discriminator, real, made, 1 - known, chance)
            return {"critic": Term(apart, 1.0, "WGAN"), "penalty": Term(penalty, self.recipe.penalty, "WGAN-GP")}

        def generator_terms() -> dict[str, Term]:
            weight = discounted(known, self.recipe.discount)
            judged = self.discriminator(torch.cat([refined, cover], 1))
            return {
                "coarse": Term((weight * (coarse - photo).abs()).mean(), self.recipe.coarse, "discounted L1"),
                "refined": Term((weight * (refined - photo).abs()).mean(), self.recipe.refined, "discounted L1"),
                "adversarial": Term(-judged.float().mean(), self.recipe.adversarial, "WGAN"),
            }

        yield "D", critic
        yield "G", generator_terms
