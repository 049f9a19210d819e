"""What an ISEGAN training is made of, and the recipes that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import Framing
from likeness.faces.cufs import FRAMING
from likeness.recipe import FINITE, Phase, Recipe, Training, require, require_each

BOTH = ("D1", "D2", "G1", "G2")
LAYERS = tuple(f"conv{block}_{i}" for block, count in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)) for i in range(1, count + 1))
"""The layers of VGG-19 that (5) may compare: those of :data:`likeness.nn.vgg.CONVOLUTIONS`, told without torch."""


@dataclass(frozen=True)
class Weights:
    """The weights of equations (1), (3), (4), (6) and (7): α, β, δ, λ of (4), γ of (5) and μ of (3); 0 leaves a term out.

    ``adversarial`` is that of L_adv1 and L_adv2, 1 in the paper.
    """

    alpha: float = 0.3
    beta: float = 0.3
    delta: float = 0.7
    compositional: float = 10.0
    perceptual: float = 5.0
    matching: float = 10.0
    adversarial: float = 1.0

    def __post_init__(self) -> None:
        require_each(self, ("alpha", "beta", "delta"), 0, 1, "a share from 0 to 1", "weights.")
        require_each(
            self, ("compositional", "perceptual", "matching", "adversarial"), 0, FINITE, "a weight of 0 or more", "weights."
        )


@dataclass(frozen=True)
class Networks:
    """``width`` channels in the first of ``depth`` encoding blocks, doubled up to ``widest`` × that.

    ``critic_width`` is a critic's first layer's. ``discriminator`` is ``"patch"``, the paper's D1 and D2, or ``"projected"``
    (:mod:`likeness.nn.projected`, with heads of ``critic_width`` channels): then D1 and D2 judge the photo alone, without X and
    P_s. D_par, which judges parsings, is always the paper's.
    """

    width: int = 64
    depth: int = 8
    widest: int = 8
    critic_width: int = 64
    discriminator: str = "patch"

    def __post_init__(self) -> None:
        require_each(self, ("width", "critic_width"), 4, 1024, "a number from 4 to 1024", "networks.")
        require(4 <= self.depth <= 10, "networks.depth", self.depth, "a number of blocks from 4 to 10")
        require(1 <= self.widest <= 16, "networks.widest", self.widest, "a number from 1 to 16")
        known = ("patch", "projected")
        require(self.discriminator in known, "networks.discriminator", self.discriminator, "'patch' or 'projected'")


@dataclass(frozen=True)
class ISEGANRecipe(Recipe):
    """An ISEGAN training.

    ``made`` is ``"photo"`` from its sketch, or ``"sketch"`` from its photo. ``stages`` is 2, or 1 for DIP-GAN alone, whose
    photo Ŷ(1) is then the result. ``regions`` says whose areas the compositional loss (4) compares: ``"intermediate"`` P_int,
    or ``"source"`` P_s, as in SCA-GAN; ``middle`` is whether there is an intermediate parsing at all (without it, D_par, (3)
    and P_int are left out), ``enhanced`` whether SE-GAN reads it beside P_s. ``perceptual`` names φ of (5): ``"vgg19"``, of which
    ``features`` are the layers and ``distilled`` takes the one of a quarter of the width, or ``"efficientnet"``, the four taps of
    EfficientNet-Lite1, which any package index has; ``crop`` looks at one random square of so many pixels (0: all).
    ``jitter`` is how many pixels larger than the framing a picture is padded before it is cropped at random, ``flip`` mirrors
    every second pair.
    """

    framing: Framing = field(default_factory=lambda: FRAMING)
    made: str = "photo"
    stages: int = 2
    middle: bool = True
    enhanced: bool = True
    regions: str = "intermediate"
    networks: Networks = field(default_factory=Networks)
    weights: Weights = field(default_factory=Weights)
    features: tuple[str, ...] = ("conv1_1", "conv3_4", "conv4_1")
    distilled: bool = False
    perceptual: str = "vgg19"
    crop: int = 0
    jitter: int = 30
    flip: bool = False

    def __post_init__(self) -> None:
        blocks = 1 << self.networks.depth
        require(self.framing.size % blocks == 0, "framing.size", self.framing.size, f"a multiple of {blocks}")
        require(self.made in ("photo", "sketch"), "made", self.made, "'photo' or 'sketch'")
        require(self.stages in (1, 2), "stages", self.stages, "1 or 2")
        require(self.regions in ("intermediate", "source"), "regions", self.regions, "'intermediate' or 'source'")
        require(self.middle or not self.enhanced, "enhanced", self.enhanced, "false (there is no intermediate parsing)")
        require(
            self.middle or self.regions == "source", "regions", self.regions, "'source' where there is no intermediate parsing"
        )
        require(self.perceptual in ("vgg19", "efficientnet"), "perceptual", self.perceptual, "'vgg19' or 'efficientnet'")
        require(len(self.features) > 0, "features", self.features, "at least one layer")
        for name in self.features:
            require(name in LAYERS, "features", name, f"one of {', '.join(LAYERS)}")
        require(self.crop == 0 or 32 <= self.crop <= self.framing.size, "crop", self.crop, "0, or from 32 to the framing's size")
        require(0 <= self.jitter <= self.framing.size, "jitter", self.jitter, "a number of pixels, at most the framing's size")


def tiny() -> ISEGANRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests. Without (5), for VGG-19 is an instrument."""
    plan = Training(batch=4, rates=(1e-3,) * 4, phases=(Phase(12, BOTH),), ema=4.0, every=6, look=12)
    return ISEGANRecipe(
        name="isegan:tiny",
        training=plan,
        framing=replace(FRAMING, size=64),
        networks=Networks(width=8, depth=5, widest=4, critic_width=8),
        weights=Weights(perceptual=0),
        jitter=8,
        expects="seconds on two cores; smudges",
    )


def lite() -> ISEGANRecipe:
    """CPU hours: half the width, six blocks of at most 128 channels, 18 MB in float16."""
    plan = Training(
        batch=2, rates=(2e-4, 2e-4, 4e-4, 4e-4), phases=(Phase(4300, BOTH),), cooldown=1300, ema=150.0, every=250, look=1000
    )
    return ISEGANRecipe(
        name="isegan:lite",
        training=plan,
        networks=Networks(width=32, depth=6, widest=4, critic_width=24),
        features=("conv1_1", "conv3_1", "conv4_1"),
        distilled=True,
        crop=128,
        flip=True,
        expects="an hour and three quarters on one core",
    )


def finetune() -> ISEGANRecipe:
    """Go on from weights of ``lite`` (``--from isegan``): projected D1 and D2 learn alone at first, then all four players.

    The other way round, from ``isegan_sketch``: ``--set made=sketch --set networks.width=20``.
    """
    base = lite()
    plan = replace(
        base.training,
        batch=4,
        rates=(2e-4,) * 4,
        betas=(0.0, 0.99),
        phases=(Phase(60, ("D1", "D2")), Phase(5940, BOTH)),
        cooldown=1500,
        ema=200.0,
        every=200,
        look=500,
    )
    return replace(
        base,
        name="isegan:finetune",
        training=plan,
        networks=replace(base.networks, critic_width=64, discriminator="projected"),
        weights=Weights(adversarial=0.3),  # half of what moves G1 and G2, see likeness.train.shares; at 1 it is four fifths
        expects="four and a half hours of one core",
    )


def sketch() -> ISEGANRecipe:
    """Photo → sketch, smaller: 7 MB in float16."""
    base = lite()
    training = replace(base.training, phases=(Phase(2400, BOTH),), cooldown=1000, ema=80.0)
    return replace(
        base,
        name="isegan:sketch",
        training=training,
        made="sketch",
        networks=Networks(width=20, depth=6, widest=4, critic_width=16),
        expects="half an hour on one core",
    )


def paper() -> ISEGANRecipe:
    """The paper's networks and schedule: batch 1, 700 epochs of 268 pairs."""
    plan = Training(batch=1, rates=(2e-4,) * 4, phases=(Phase(700 * 268, BOTH),), ema=1.0, bf16=False, every=2000, look=5000)
    return ISEGANRecipe(name="isegan:paper", training=plan, expects="the paper: 700 epochs on a GPU of 2018; not run yet")


RECIPES = {"tiny": tiny, "lite": lite, "finetune": finetune, "sketch": sketch, "paper": paper}
