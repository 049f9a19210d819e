"""What a LandmarkGAN training is made of, and the recipes that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import Framing
from likeness.recipe import FINITE, Phase, Recipe, Training, require, require_each

GENERIC = "generic"
"""The generic target: everybody's faces together."""
ALL = ("D", "C", "G")


@dataclass(frozen=True)
class Weights:
    """The weights of (2) to (6), each 1 in the paper; ``perceptual`` is ours: L1 over a frozen network's features in (2).

    (2) is a mean over the picture's numbers, (3) to (5) are norms over all of a face's numbers.
    """

    image: float = 1.0
    kept: float = 1.0
    reconstruction: float = 1.0
    crossed: float = 1.0
    adversarial: float = 1.0
    perceptual: float = 0.0

    def __post_init__(self) -> None:
        require_each(
            self,
            ("image", "kept", "reconstruction", "crossed", "adversarial", "perceptual"),
            0,
            FINITE,
            "a weight of 0 or more",
            "weights.",
        )


@dataclass(frozen=True)
class LandmarkRecipe(Recipe):
    """A LandmarkGAN training.

    ``targets`` are the people whose faces are learned, as the store names them; none stands for one generic target that is
    everybody, where ``generic`` allows that (otherwise (5), which needs two, is part of the training: two targets must be named).
    ``width`` is Θ_t's (64 makes 4 × 4 × 1024) and ``hidden`` the size of its first layer, ``converter_width`` Φ's and Ψ_t's,
    ``critic_width`` D_t's. ``crop`` looks at one random square in the perceptual term (0: all). ``flip`` mirrors every second
    face; ``turn`` degrees, ``scale`` and ``shift`` as shares (of the side) move face and landmarks alike, for photos that
    were all framed alike. ``freeze_encoder`` leaves Φ as it was begun from: a target is taught to it, and those
    that it has stay as they are. ``clamp_to_range`` keeps converted landmarks in the range of the target's own; then
    ``landmark_jitter`` is by how many deviations along its widest axes, and along the rest, a target's landmarks are moved by
    chance when Θ_t is trained on them, against overfitting. ``axes`` gives the layers landmarks along the directions in which
    they vary; without, as in the paper, coordinates as they are. ``discriminator`` is ``"patch"``, as in the paper, or
    ``"projected"`` (:mod:`likeness.nn.projected`, with heads of ``critic_width`` channels); ``perceptual`` names the network of
    the perceptual term: ``"vgg19"``, the one of a quarter of the width, or ``"efficientnet"``, which any package index has.
    """

    framing: Framing = field(default_factory=lambda: Framing(size=256))
    targets: tuple[str, ...] = ()
    width: int = 64
    hidden: int = 1024
    converter_width: int = 512
    critic_width: int = 64
    weights: Weights = field(default_factory=Weights)
    crop: int = 0
    flip: bool = False
    turn: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    freeze_encoder: bool = False
    clamp_to_range: bool = True
    landmark_jitter: tuple[float, float] = (0.0, 0.0)
    generic: bool = True
    axes: bool = True
    discriminator: str = "patch"
    perceptual: str = "vgg19"

    def __post_init__(self) -> None:
        size = self.framing.size
        require(size in (32, 64, 128, 256, 512), "framing.size", size, "a power of two from 32 to 512")
        require(len(set(self.targets)) == len(self.targets), "targets", self.targets, "names that differ")
        for name in self.targets:
            require(bool(name) and "." not in name, "targets", name, "names without a dot")
            require(name != GENERIC, "targets", name, "another name, for that is the generic target's")
        require_each(self, ("width", "hidden", "converter_width", "critic_width"), 1, 2048, "a number from 1 to 2048")
        require(self.crop == 0 or 32 <= self.crop <= size, "crop", self.crop, "0, or from 32 to the framing's size")

        require(self.discriminator in ("patch", "projected"), "discriminator", self.discriminator, "'patch' or 'projected'")
        require(self.perceptual in ("vgg19", "efficientnet"), "perceptual", self.perceptual, "'vgg19' or 'efficientnet'")
        require(0 <= self.turn <= 180, "turn", self.turn, "degrees from 0 to 180")
        require_each(self, ("scale", "shift"), 0, 0.99, "a share from 0 to 0.99")
        require(
            all(0 <= amount <= 3 for amount in self.landmark_jitter),
            "landmark_jitter",
            self.landmark_jitter,
            "two numbers from 0 to 3",
        )

    @property
    def moves(self) -> bool:
        """Whether faces are moved in training."""
        return bool(self.turn or self.scale or self.shift)

    @property
    def names(self) -> tuple[str, ...]:
        """The targets, or the one that is everybody."""
        return self.targets or (GENERIC,)

    @property
    def blocks(self) -> int:
        """Θ_t's doublings from 4 pixels."""
        return self.framing.size.bit_length() - 3


def tiny() -> LandmarkRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests. Without (3): Ω sees nothing in smudges."""
    plan = Training(batch=4, rates=(1e-3, 1e-3, 1e-3), phases=(Phase(12, ALL),), ema=4.0, every=6, look=12)
    return LandmarkRecipe(
        name="landmark:tiny",
        training=plan,
        framing=Framing(size=64),
        width=2,
        converter_width=32,
        critic_width=8,
        weights=Weights(kept=0),
        expects="seconds; smudges",
    )


def lite() -> LandmarkRecipe:
    """CPU: a target in an hour."""
    plan = Training(
        batch=8,
        rates=(2e-4, 3e-4, 4e-4),
        phases=(Phase(1000, ("C",)), Phase(6000, ALL)),  # the converter alone first, which takes a minute
        cooldown=2000,
        ema=150.0,
        every=250,
        look=500,
    )
    return LandmarkRecipe(
        name="landmark:lite",
        training=plan,
        framing=Framing(size=128),
        width=24,
        hidden=256,
        critic_width=32,
        weights=Weights(image=10.0, perceptual=1.0, adversarial=0.1),
        crop=64,
        landmark_jitter=(0.2, 1.0),
        expects="from the generic face, five targets at 256 × 256 in 700 steps and a quarter of an hour of one core",
    )


def paper() -> LandmarkRecipe:
    """The paper's networks and lengths; its converter (batch 4, 45,000 steps) and generators (batch 1, 400,000) move together.

    Two targets or more must be named: ``--set 'targets=["A","B"]'``. The weight of (2) makes up for its mean over pixels.
    """
    base = lite()
    plan = replace(base.training, batch=4, rates=(6e-5, 1e-5, 6e-5), phases=(Phase(400000, ALL),), cooldown=300000, ema=1.0)
    return replace(
        base,
        name="landmark:paper",
        landmark_jitter=(0.0, 0.0),
        training=plan,
        framing=Framing(size=256),
        width=64,
        hidden=1024,
        critic_width=64,
        weights=Weights(image=10.0),
        clamp_to_range=False,
        generic=False,
        axes=False,
        crop=0,
        expects="a day on a GPU; not run yet",
    )


def generic() -> LandmarkRecipe:
    """CPU: the generic face, from everybody's photos."""
    base = lite()
    plan = replace(base.training, batch=16, phases=(Phase(1000, ("C",)), Phase(6000, ALL)), cooldown=2500, ema=300.0)
    return replace(
        base,
        name="landmark:generic",
        training=plan,
        converter_width=256,
        weights=Weights(image=4.0, perceptual=1.0, adversarial=0.4, kept=0.0),
        flip=True,
        turn=12.0,
        scale=0.12,
        shift=0.06,
        expects="forty minutes on one core: a generic person",
    )


def finetune() -> LandmarkRecipe:
    """Go on from weights of ``generic`` (``--from landmark``): a projected discriminator learns alone at first, then D and G."""
    base = generic()
    plan = replace(
        base.training,
        rates=(2e-4, 3e-4, 2e-4),
        betas=(0.0, 0.99),
        phases=(Phase(200, ("D",)), Phase(5800, ("D", "G"))),
        cooldown=1500,
        max_missing=0.02,
    )
    return replace(
        base,
        name="landmark:finetune",
        training=plan,
        critic_width=64,
        discriminator="projected",
        weights=Weights(image=4.0, perceptual=1.0, adversarial=0.4, kept=0.0),
        expects="two hours of one core",
    )


def target() -> LandmarkRecipe:
    """One person, begun from the generic face, whose Φ is frozen: what ``likeness target train`` uses."""
    base = lite()
    plan = replace(base.training, phases=(Phase(1000, ("C",)), Phase(1000, ALL)), cooldown=400)
    return replace(
        base,
        name="landmark:target",
        training=plan,
        framing=Framing(size=256),
        converter_width=256,
        crop=128,
        freeze_encoder=True,
        expects="twenty minutes on one core, 256 × 256",
    )


RECIPES = {"tiny": tiny, "lite": lite, "paper": paper, "generic": generic, "finetune": finetune, "target": target}
