"""What a parts training is made of, and the three that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field

from likeness.faces.align import Framing
from likeness.faces.variety import PartsVariety
from likeness.recipe import Phase, Recipe, Training, require, require_each


@dataclass(frozen=True)
class Networks:
    """Which networks. ``generator`` is ``"paper"`` or ``"lean"``, ``discriminator`` is ``"paper"``, ``"patch"`` or
    ``"projected"`` (:mod:`likeness.nn.projected`; hinge loss and differentiable augmentation go with it).

    ``blocks`` are residual blocks (the lean one multiplies them, see there) and ``bottom`` the lean one's deepest channels.
    ``discriminator_layers`` are the patch critic's stride-2 layers: with 1, 2, 3 it sees 16, 34, 70 pixels.
    ``spectral`` normalises the discriminator's weights by their largest singular value.
    ``cover`` gives the generator a fourth channel that tells where parts lie.
    """

    generator: str = "paper"
    width: int = 64
    blocks: int = 8
    bottom: int = 256
    discriminator: str = "paper"
    discriminator_width: int = 64
    discriminator_layers: int = 3
    spectral: bool = False
    cover: bool = False

    def __post_init__(self) -> None:
        require_each(
            self,
            ("width", "bottom", "discriminator_width", "discriminator_layers"),
            1,
            4096,
            "a number from 1 to 4096",
            "networks.",
        )
        require(0 <= self.blocks <= 256, "networks.blocks", self.blocks, "a number from 0 to 256")
        require(self.width % 2 == 0, "networks.width", self.width, "an even number")


@dataclass(frozen=True)
class Weights:
    """The λ of equation (6), and of the two terms that the paper names as options."""

    reconstruction: float = 10.0
    perceptual: float = 1.0
    adversarial: float = 0.02
    style: float = 0.0
    total_variation: float = 0.0


@dataclass(frozen=True)
class PartsRecipe(Recipe):
    """A parts training. ``crop`` is the side of the random square that Φ looks at (0: the whole picture);
    ``perceptual`` names Φ: ``"vgg19"`` as in the paper, or ``"efficientnet"``, which any package index has. With ``rounded`` G
    learns in 8-bit numbers (:mod:`likeness.nn.rounding`), for a graph that computes in them throughout.
    """

    framing: Framing = field(default_factory=Framing)
    networks: Networks = field(default_factory=Networks)
    weights: Weights = field(default_factory=Weights)
    augment: PartsVariety = field(default_factory=PartsVariety)
    crop: int = 0
    perceptual: str = "vgg19"
    rounded: bool = False

    def __post_init__(self) -> None:
        size = self.framing.size
        require(32 <= size <= 1024 and size % 32 == 0, "framing.size", size, "a multiple of 32 up to 1024")
        require(self.perceptual in ("vgg19", "efficientnet"), "perceptual", self.perceptual, "'vgg19' or 'efficientnet'")
        require(self.crop == 0 or 16 <= self.crop <= size, "crop", self.crop, f"0 or a side from 16 to {size}")


ROBUST = PartsVariety(flip=True, dropout=0.25, drop=0.35, jaw=0.12, move=0.3, shift=8.0, zoom=0.25, tint=0.5, gain=0.5, light=0.1)


def three_phases(first: int, second: int, third: int) -> tuple[Phase, ...]:
    """Algorithm 1: G alone with R + P, D alone with G frozen, then both."""
    return (
        Phase(first, ("G",), disabled_terms=("adversarial",)),
        Phase(second, ("D",)),
        Phase(third, ("D", "G")),
    )


def tiny() -> PartsRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests. No instrument is needed."""
    return PartsRecipe(
        name="parts:tiny",
        training=Training(batch=4, rates=(1e-3, 1e-3), phases=three_phases(6, 2, 12), ema=4.0, every=5, look=10),
        framing=Framing(size=64),
        networks=Networks("lean", 16, 1, 32, "patch", 8, 2, spectral=True, cover=True),
        weights=Weights(perceptual=0.0),
        augment=PartsVariety(flip=True, dropout=0.5, drop=0.5, jaw=0.5, move=0.5, shift=4.0, zoom=0.25, tint=0.5, gain=0.2),
        expects="a few seconds on two cores; smudges",
    )


def lite() -> PartsRecipe:
    """CPU hours: a lean U-Net and a narrower D; what ships where no GPU could be had."""
    return PartsRecipe(
        name="parts:lite",
        training=Training(batch=16, rates=(4e-4, 4e-4), phases=three_phases(1500, 150, 6850), cooldown=2000, ema=600.0),
        networks=Networks("lean", 80, 1, 256, "paper", 32, spectral=True, cover=True),
        weights=Weights(reconstruction=6.0, perceptual=2.0, adversarial=0.1),
        augment=ROBUST,
        crop=48,
        expects="about two hours on two cores alone: whole heads with hair, parts that agree in colour",
    )


def paper() -> PartsRecipe:
    """The paper's networks, batch and schedule; for a GPU."""
    return PartsRecipe(
        name="parts:paper",
        training=Training(batch=32, phases=three_phases(6000, 1500, 50000), ema=1000.0, every=2000, look=2000),
        expects="about an hour on an H200-class GPU, a day on the paper's 1080 Ti",
    )


def finetune() -> PartsRecipe:
    """Go on from weights of ``lite`` (``--from parts``): a projected discriminator learns alone at first, then both learn."""
    return PartsRecipe(
        name="parts:finetune",
        training=Training(
            batch=16,
            rates=(2e-4, 2e-4),
            betas=(0.0, 0.99),
            phases=(Phase(300, ("D",)), Phase(9700, ("D", "G"))),
            cooldown=2000,
            ema=600.0,
            max_missing=0.02,
        ),
        networks=Networks("lean", 80, 1, 256, "projected", 64, cover=True),
        weights=Weights(reconstruction=3.0, perceptual=2.0, adversarial=0.3),
        augment=ROBUST,
        crop=48,
        expects="about three hours of one core: hair, collars and plain grounds where lite had fog",
    )


RECIPES = {"tiny": tiny, "lite": lite, "finetune": finetune, "paper": paper}
