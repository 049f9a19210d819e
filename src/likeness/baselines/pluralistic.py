"""Pluralistic Image Completion, PIC (Zheng, Cham & Cai 2019): two paths, one of which knows the answer while training.

The reconstructive path encodes what is missing, the generative path only what is given; their latent distributions are
drawn together, and one decoder serves both. At use the generative path alone remains; its noise makes results plural.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, softmax, softplus

from likeness.baselines.frame import Baseline, BaselineRecipe, variants
from likeness.losses.chance import per_row
from likeness.nn.patchgan import PatchGAN
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move
from likeness.systems.parts.canvas import PartsBatch


@dataclass(frozen=True)
class PluralisticRecipe(BaselineRecipe):
    """α of the KL, appearance and adversarial terms (its section 4)."""

    divergence: float = 20.0
    appearance: float = 20.0
    adversarial: float = 1.0


RECIPES = variants(PluralisticRecipe, "pluralistic", (2e-4, 4e-4), lite=16, paper=32)


class Residual(nn.Module):
    """Two 3 × 3 convolutions round a shortcut; ``change`` halves (−1), keeps (0) or doubles (1) the size."""

    def __init__(self, inside: int, outside: int, change: int = 0) -> None:
        super().__init__()
        self.change = change
        self.body = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.Conv2d(inside, outside, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(outside, outside, 3, padding=1),
        )
        self.short = nn.Conv2d(inside, outside, 1)

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to B × C' × H' × W'."""
        if self.change > 0:
            features = interpolate(features, scale_factor=2.0)
        result: Tensor = self.body(features) + self.short(features)
        return avg_pool2d(result, 2) if self.change < 0 else result


class ShortLongAttention(nn.Module):
    """Attention over the decoder's own map (short) and, by the same weights, over the encoder's of what is given (long)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, max(channels // 4, 1), 1)
        self.own, self.given = (nn.Parameter(torch.zeros(1)) for _ in range(2))
        self.join = Residual(2 * channels, channels)

    def forward(self, features: Tensor, encoded: Tensor, known: Tensor) -> Tensor:
        """Decoder features and the encoder's, B × C × H × W, with the cover B × 1 × H × W there; to B × C × H × W."""
        query = self.query(features).flatten(2)
        weight = softmax((query.transpose(1, 2) @ query).float(), -1).to(features.dtype).transpose(1, 2)
        own = (features.flatten(2) @ weight).reshape(features.shape)
        far = (encoded.flatten(2) @ weight).reshape(encoded.shape)
        long = self.given * (1 - known) * far + known * encoded
        joined: Tensor = self.join(torch.cat([self.own * own + features, long], 1))
        return joined


Distribution = tuple[Tensor, Tensor]
"""Mean and standard deviation of an independent normal, each B × Z × h × w."""


def divergence(one: Distribution, other: Distribution) -> Tensor:
    """KL(one ‖ other), a mean over all numbers."""
    (m, s), (n, t) = ((mean.float(), deviation.float()) for mean, deviation in (one, other))
    return (torch.log(t / s) + (s.square() + (m - n).square()) / (2 * t.square()) - 0.5).mean()


class DualPipeline(nn.Module):
    """Encoder for both paths, inference heads for prior and posterior, and the shared decoder."""

    def __init__(self, size: int, width: int, latent: int = 64) -> None:
        super().__init__()
        wide = [width, 2 * width, 4 * width, 4 * width]
        self.encoder = nn.ModuleList([Residual(inside, outside, -1) for inside, outside in zip([4, *wide], wide, strict=False)])
        self.prior, self.posterior = (
            nn.Sequential(Residual(wide[-1], wide[-1]), nn.Conv2d(wide[-1], 2 * latent, 1)) for _ in range(2)
        )
        self.latent, self.side = latent, size // 16
        self.open = nn.Conv2d(latent, wide[-1], 1)
        self.up = nn.ModuleList([Residual(a, b, 1) for a, b in zip(wide[::-1], [*wide[-2::-1], width], strict=True)])
        self.attention = ShortLongAttention(wide[1])
        self.colours = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv2d(width, 3, 3, padding=1))

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures with their cover to features at a quarter and at a sixteenth of the size."""
        levels, features = [], pictures
        for layer in self.encoder:
            features = layer(features)
            levels.append(features)
        return levels[1], levels[3]

    @staticmethod
    def distribution(numbers: Tensor) -> Distribution:
        """Mean, and a deviation kept above 0."""
        mean, spread = numbers.chunk(2, 1)
        return mean, softplus(spread) + 1e-3

    def decode(self, code: Tensor, coarse: Tensor, fine: Tensor, cover: Tensor) -> Tensor:
        """A latent code and the features of what is given, to a face."""
        features = self.open(code) + coarse
        for i, layer in enumerate(self.up):
            features = layer(features)
            if i == 1:
                features = self.attention(features, fine, (interpolate(cover, features.shape[-2:], mode="area") + 1) / 2)
        return torch.tanh(self.colours(features))

    def forward(self, canvas: Tensor, noise: Tensor | None = None) -> Tensor:
        """Average face with cover B × 4 × S × S to a face, from the prior's mean or, with ``noise`` B × Z × s × s, a sample."""
        fine, coarse = self.encode(canvas)
        mean, deviation = self.distribution(self.prior(coarse))
        code = mean if noise is None else mean + deviation * noise
        return self.decode(code, coarse, fine, canvas[:, 3:])


class PluralisticSystem(Baseline):
    """Divergences, appearance of both paths, and two least-squares critics."""

    recipe: PluralisticRecipe
    generator: DualPipeline

    def __init__(self, recipe: PluralisticRecipe) -> None:
        super().__init__(recipe)
        self.recipe = recipe
        self.generator = DualPipeline(recipe.framing.size, recipe.width)
        self.discriminator = nn.ModuleDict(
            {path: PatchGAN(3, recipe.critic_width, norm="spectral") for path in ("reconstructive", "generative")}
        )

    def play(self, batch: PartsBatch, phase: Phase) -> Iterator[Move]:
        """Both critics, then both paths."""
        net, photo, canvas = self.generator, batch.photo, batch.canvas
        cover = canvas[:, 3:]
        known = (cover + 1) / 2
        fine, coarse = net.encode(canvas)
        prior = net.distribution(net.prior(coarse))
        hidden = torch.cat([photo * (1 - known), -cover], 1)
        posterior = net.distribution(net.posterior(net.encode(hidden)[1]))
        shape, drawn = prior[0].shape[1:], batch.generator
        chance = [per_row(len(photo), lambda n: torch.randn(n, *shape, generator=drawn), drawn) for _ in range(2)]
        chance = [one.to(photo.device, non_blocking=True) for one in chance]
        reconstructed = net.decode(posterior[0] + posterior[1] * chance[0], coarse, fine, cover)
        generated = net.decode(prior[0] + prior[1] * chance[1], coarse, fine, cover)

        def critic() -> dict[str, Term]:
            terms = {}
            for path, fake in (("reconstructive", reconstructed), ("generative", generated)):
                judge = self.discriminator[path]
                loss = (judge(photo).float() - 1).square().mean() + judge(fake.detach()).float().square().mean()
                terms[f"{path}_critic"] = Term(loss, 0.5, "least squares")
            return terms

        def generator_terms() -> dict[str, Term]:
            hole = (1 - known).mean((1, 2, 3), keepdim=True)
            base = (torch.zeros_like(posterior[0]), hole.expand_as(posterior[0]).float())
            with torch.no_grad():
                wanted = self.discriminator["reconstructive"](photo)
            matched = (self.discriminator["reconstructive"](reconstructed).float() - wanted.float()).square().mean()
            judged = (self.discriminator["generative"](generated).float() - 1).square().mean()
            frozen = (posterior[0].detach(), posterior[1].detach())
            return {
                "divergence_reconstructive": Term(divergence(posterior, base), self.recipe.divergence, "KL, reconstructive"),
                "divergence_generative": Term(divergence(frozen, prior), self.recipe.divergence, "KL, generative"),
                "appearance_reconstructive": Term((reconstructed - photo).abs().mean(), self.recipe.appearance, "appearance"),
                "appearance_generative": Term(
                    (known * (generated - photo)).abs().mean(), self.recipe.appearance, "appearance, given part only"
                ),
                "adversarial_reconstructive": Term(matched, self.recipe.adversarial, "matched features"),
                "adversarial_generative": Term(judged, self.recipe.adversarial, "least squares"),
            }

        yield "D", critic
        yield "G", generator_terms
