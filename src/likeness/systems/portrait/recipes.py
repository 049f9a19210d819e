"""What a portrait training is made of, and the three that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.effects import EFFECTS, FEATURES
from likeness.recipe import FINITE, Phase, Recipe, Training, require, require_each


@dataclass(frozen=True)
class Drawing:
    """Where a photo's drawing comes from in training.

    ``source`` is ``"effects"``, the house's own, or ``"pairs"``: the other picture that prepared faces have (an artist's drawing,
    a depth map, a parsing). ``effects`` are the names that one is chosen from, photo by photo and step by step. With probability
    ``erase`` one or two of ``features`` are rubbed out of a drawing that a photo is made from (left and right are the viewer's,
    before the pair is mirrored), with probability ``eraser`` white and wider, as by an eraser.
    ``flip`` mirrors half of the pairs. ``jitter`` pixels more are made and cropped again at random
    (pix2pix's 286 → 256 is 30 at that size); by default it is 0: the report found features misplaced and doubled with it
    (figure 2c, d) and turned it off in its test 2.B. ``unaligned`` moves every photo so far
    (:func:`likeness.data.unaligned.unaligned`), as if not aligned.
    ``light`` varies the photo's brightness and contrast before it is drawn; not where a photo is to be made for a given pair.
    """

    source: str = "effects"
    effects: tuple[str, ...] = tuple(EFFECTS)
    erase: float = 0.0
    eraser: float = 0.0
    features: tuple[str, ...] = tuple(FEATURES)
    flip: bool = True
    jitter: int = 0
    light: float = 0.0
    unaligned: float = 0.0

    def __post_init__(self) -> None:
        if not self.effects:
            raise LikenessError(f"drawing.effects: at least one is needed of {', '.join(EFFECTS)}")
        for name in self.effects:
            require(name in EFFECTS, "drawing.effects", name, f"one of {', '.join(EFFECTS)}")
        require(self.source in ("effects", "pairs"), "drawing.source", self.source, "'effects' or 'pairs'")
        for name in self.features:
            require(name in FEATURES, "drawing.features", name, f"one of {', '.join(FEATURES)}")
        require(len(self.features) > 0, "drawing.features", self.features, f"at least one of {', '.join(FEATURES)}")
        require_each(self, ("erase", "eraser"), 0, 1, "a probability", "drawing.")
        require(0 <= self.jitter <= 256, "drawing.jitter", self.jitter, "a number of pixels from 0 to 256")
        require(0 <= self.light < 1, "drawing.light", self.light, "a share from 0 to below 1")
        require(0 <= self.unaligned < 1, "drawing.unaligned", self.unaligned, "a share from 0 to below 1")


@dataclass(frozen=True)
class PortraitRecipe(Recipe):
    """A portrait training.

    ``made`` is what is learned to be made: ``"photo"`` from its drawing, or ``"drawing"`` from its photo (experiment 6; and depth
    and parsing, whose pictures take the drawing's place). ``width`` and ``critic_width`` are ngf and ndf. ``absolute`` is λ of
    L1, ``adversarial`` the cGAN's own weight (1 in the paper). ``dropout`` is the generator's noise in training. ``norm`` is
    the generator's; ``"instance"`` is what the paper's is at batch 1, see :class:`likeness.nn.unet.UNet`. ``critic_norm`` is
    the critic's, ``"batch"`` in the paper, and ``critic_layers`` its layers of stride 2: 2, 3 see patches of 34, 70 (the paper's)
    pixels. ``levels`` is how often the generator halves the picture; 0, as in the paper, is
    down to one pixel. ``discriminator`` is ``"patch"``, the paper's, or ``"projected"`` (:mod:`likeness.nn.projected`, with heads
    of ``critic_width`` channels), which judges the made picture alone. ``perceptual_weight`` is that of a distance of features, 0
    in the paper: ``perceptual`` is ``"vgg19"`` (conv1_1, conv2_1, conv3_1) or ``"efficientnet"`` (Lite1's four taps, which any
    package index has), ``crop`` the side of the random square that it looks at (0: all). ``repaired`` is the weight of L1 where
    features were rubbed out of a drawing, 0 in the paper.
    """

    framing: Framing = field(default_factory=lambda: Framing(size=256))
    made: str = "photo"
    drawing: Drawing = field(default_factory=Drawing)
    width: int = 64
    critic_width: int = 64
    norm: str = "instance"
    critic_norm: str = "batch"
    critic_layers: int = 3
    absolute: float = 100.0
    adversarial: float = 1.0
    dropout: bool = True
    levels: int = 0
    discriminator: str = "patch"
    perceptual: str = "vgg19"
    perceptual_weight: float = 0.0
    crop: int = 0
    repaired: float = 0.0

    def __post_init__(self) -> None:
        require(self.made in ("photo", "drawing"), "made", self.made, "'photo' or 'drawing'")
        require(self.framing.size in (64, 128, 256, 512), "framing.size", self.framing.size, "64, 128, 256 or 512")
        require_each(self, ("width", "critic_width"), 4, 1024, "a number from 4 to 1024")
        deepest = self.framing.size.bit_length() - 1
        require(self.levels == 0 or 4 <= self.levels <= deepest, "levels", self.levels, f"0, or a number from 4 to {deepest}")
        require(self.norm in ("batch", "instance"), "norm", self.norm, "'batch' or 'instance'")
        require(not (self.norm == "batch" and self.dropout), "dropout", True, "norm='instance' for noise in training")
        require_each(self, ("absolute", "adversarial", "perceptual_weight", "repaired"), 0, FINITE, "a weight of 0 or more")
        require(not (self.repaired and self.drawing.jitter), "repaired", self.repaired, "0 where pairs are jittered")
        require(self.absolute + self.adversarial > 0, "absolute", self.absolute, "one weight above 0")
        require(self.discriminator in ("patch", "projected"), "discriminator", self.discriminator, "'patch' or 'projected'")
        require(self.perceptual in ("vgg19", "efficientnet"), "perceptual", self.perceptual, "'vgg19' or 'efficientnet'")
        size = self.framing.size
        require(self.crop == 0 or 16 <= self.crop <= size, "crop", self.crop, f"0 or a side from 16 to {size}")
        require(1 <= self.critic_layers <= 4, "critic_layers", self.critic_layers, "a number from 1 to 4")
        known = ("batch", "instance", "spectral", "none")
        require(self.critic_norm in known, "critic_norm", self.critic_norm, f"one of {', '.join(known)}")


def tiny() -> PortraitRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests."""
    return PortraitRecipe(
        name="portrait:tiny",
        training=Training(batch=4, rates=(1e-3, 1e-3), phases=(Phase(12, ("D", "G")),), ema=4.0, every=5, look=12),
        framing=Framing(size=64),
        drawing=Drawing(erase=0.25, light=0.1),
        width=8,
        critic_width=8,
        expects="a few seconds on two cores; smudges",
    )


def lite() -> PortraitRecipe:
    """CPU hours, at 128 pixels and half the width."""
    return PortraitRecipe(
        name="portrait:lite",
        training=Training(batch=16, phases=(Phase(9000, ("D", "G")),), cooldown=2500, ema=500.0),
        framing=Framing(size=128),
        drawing=Drawing(erase=0.25, light=0.15),
        width=32,
        critic_width=32,
        norm="batch",
        dropout=False,
        levels=6,
        critic_layers=2,
        absolute=800.0,
        expects="over an hour on two cores for the general model; a person's is fine-tuned from it in minutes",
    )


def paper() -> PortraitRecipe:
    """The report's networks and schedule (2,000 epochs of 21 pairs at batch 1, with jitter); for a GPU or patience."""
    return PortraitRecipe(
        name="portrait:paper",
        training=Training(batch=1, phases=(Phase(42000, ("D", "G")),), ema=1.0, bf16=False, every=2000, look=2000),
        drawing=Drawing(effects=("style_a",), jitter=30),
        expects="the report: four hours on a GPU of 2016",
    )


def finetune() -> PortraitRecipe:
    """Go on from the general model (``--from portrait``): a projected discriminator learns alone at first, then both learn."""
    base = lite()
    return replace(
        base,
        name="portrait:finetune",
        training=replace(
            base.training,
            betas=(0.0, 0.99),
            phases=(Phase(200, ("D",)), Phase(3100, ("D", "G"))),
            cooldown=1200,
            max_missing=0.02,
        ),
        drawing=replace(base.drawing, eraser=0.5),
        critic_width=64,
        discriminator="projected",
        absolute=10.0,
        perceptual_weight=4.0,
        adversarial=0.3,
        crop=48,
        repaired=0.5,
        expects="under two hours of one core",
    )


def person() -> PortraitRecipe:
    """One person's model, begun from the general one's weights (``lite``): what ``likeness portrait train`` uses.

    D is not shipped, so it begins anew and moves alone at first.
    """
    base = lite()
    return replace(
        base,
        name="portrait:person",
        drawing=replace(base.drawing, eraser=0.5),
        absolute=250.0,
        training=Training(
            batch=8,
            rates=(1e-4, 1e-4),
            phases=(Phase(100, ("D",)), Phase(2000, ("D", "G"))),
            cooldown=800,
            ema=150.0,
            every=250,
            look=500,
        ),
        expects="eight minutes on two cores for 20 photos: that person, blurred at full zoom, with his or her own colours",
    )


def maps() -> PortraitRecipe:
    """The report's "going forward": photo → its other picture, a depth map or a parsing; see ``likeness prepare --with``."""
    return replace(
        lite(),
        name="portrait:maps",
        absolute=250.0,
        training=Training(batch=16, phases=(Phase(2000, ("D", "G")),), cooldown=500, ema=150.0),
        made="drawing",
        drawing=Drawing(source="pairs", light=0.3),
        expects="about twenty minutes on two cores",
    )


RECIPES = {"tiny": tiny, "lite": lite, "finetune": finetune, "person": person, "maps": maps, "paper": paper}
