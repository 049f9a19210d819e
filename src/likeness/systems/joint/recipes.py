"""What a training of the joint model is made of, and the ones that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from likeness.faces.align import Framing
from likeness.faces.effects import EFFECTS
from likeness.faces.variety import PartsVariety
from likeness.recipe import Phase, Recipe, Training, require, require_each

CODES: dict[str, int] = {"shape": 32, "ground": 24, "hair": 24, "skin": 24, "rest": 24}
"""The noise z in pieces, and how long each is: what it decides where no other condition does. See networks.py."""
NOISE = sum(CODES.values())
LOOKS = tuple(name for name in CODES if name != "shape")
"""Codes of a look: all but that of the shape."""
PERSON = 64
"""How long the noise of a person is that no condition tells."""
CHANCES: dict[str, int] = {**CODES, "person": PERSON}
"""All pieces of chance that a seed decides: the noise z, and who it is."""
VARYING: dict[str, tuple[str, ...]] = {
    "all": tuple(CHANCES),
    "pose": ("shape",),
    "hair": ("hair",),
    "light": ("skin", "ground"),
    "ground": ("ground",),
    "rest": ("rest",),
    "person": ("person",),
}
"""What a user can vary → the codes of it."""


@dataclass(frozen=True)
class Networks:
    """Channels of G at a half, a quarter, an eighth and a sixteenth of the size, of its modulating vector, of the encoder of
    looks, and of D's heads.
    """

    half: int = 48
    quarter: int = 96
    eighth: int = 192
    bottom: int = 256
    style: int = 256
    encoder: int = 64
    discriminator_width: int = 64

    def __post_init__(self) -> None:
        names = tuple(one.name for one in fields(self))
        require_each(self, names, 4, 4096, "a number from 4 to 4096", "networks.")


@dataclass(frozen=True)
class Chances:
    """How often a training face is given which spatial condition: shares of the faces; what is left of 1 is given none.

    ``parts``, ``drawing``, ``parsing``, ``landmarks`` and ``known`` alone; ``driven``: landmarks, and known pixels that lack the
    mouth, as where one photo is driven; ``mixed``: two or three conditions by chance. ``identity`` is how
    often there is an identity as well, ``other`` how often it is taken from another photo of the person where there is one,
    ``looked`` how often a piece of the noise is the photo's own code instead of chance, all of them or each by itself;
    ``erased`` how often features are rubbed out of a drawing, so that G learns to repair it.
    """

    parts: float = 0.14
    drawing: float = 0.2
    parsing: float = 0.1
    landmarks: float = 0.34
    known: float = 0.06
    driven: float = 0.0
    mixed: float = 0.16
    identity: float = 0.5
    other: float = 0.6
    away: float = 0.8
    looked: float = 0.6
    erased: float = 0.0

    def __post_init__(self) -> None:
        names = tuple(one.name for one in fields(self))
        require_each(self, names, 0, 1, "a share from 0 to 1", "chances.")
        total = self.parts + self.drawing + self.parsing + self.landmarks + self.known + self.driven + self.mixed
        wanted = "shares of parts, drawing, parsing, landmarks, known, driven, mixed up to 1 in all"
        require(total <= 1 + 1e-9, "chances", total, wanted)


@dataclass(frozen=True)
class Weights:
    """The strength of each term; 0 leaves it out.

    ``known`` is the distance where pixels are known exactly, ``repaired`` where features were rubbed out of a drawing.
    """

    reconstruction: float = 3.0
    known: float = 3.0
    repaired: float = 0.0
    perceptual: float = 2.0
    adversarial: float = 0.4
    identity: float = 2.0
    prior: float = 0.0003


@dataclass(frozen=True)
class JointRecipe(Recipe):
    """A training of the joint model.

    Args:
        identity: numbers of an identity.
        recogniser: whose they are: ``"facefeat"``, E_id's of FaceFeat-GAN as it ships, or ``"drawn"`` for drawn faces.
        teacher: what the identity term looks with: ``"mobilefacenet_a"``, ``"drawn"``, or ``""`` where it weighs nothing.
        effects: with which photos are drawn.
        crop: side of the random square that the perceptual term looks at; 0: the whole picture.
        judged: faces of each batch whose identity is compared, at most; 0: all.
    """

    framing: Framing = field(default_factory=Framing)
    networks: Networks = field(default_factory=Networks)
    chances: Chances = field(default_factory=Chances)
    weights: Weights = field(default_factory=Weights)
    variety: PartsVariety = field(default_factory=PartsVariety)
    identity: int = 256
    recogniser: str = "facefeat"
    teacher: str = "mobilefacenet_a"
    effects: tuple[str, ...] = tuple(EFFECTS)
    crop: int = 0
    judged: int = 0

    def __post_init__(self) -> None:
        size = self.framing.size
        require(32 <= size <= 512 and size % 32 == 0, "framing.size", size, "a multiple of 32 up to 512")
        require(self.recogniser in ("facefeat", "drawn"), "recogniser", self.recogniser, "'facefeat' or 'drawn'")
        known = ("mobilefacenet_a", "drawn", "")
        require(self.teacher in known, "teacher", self.teacher, "'mobilefacenet_a', 'drawn' or ''")
        require(bool(self.teacher) or not self.weights.identity, "teacher", self.teacher, "one, or weights.identity=0")
        require(bool(self.effects) and set(self.effects) <= set(EFFECTS), "effects", self.effects, f"of {', '.join(EFFECTS)}")
        require(self.crop == 0 or 16 <= self.crop <= size, "crop", self.crop, f"0 or a side from 16 to {size}")
        require_each(self, ("identity",), 1, 4096, "a number from 1")
        require_each(self, ("judged",), 0, 4096, "a number of 0 or more")


def tiny() -> JointRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests. No instrument is needed."""
    return JointRecipe(
        name="joint:tiny",
        training=Training(
            batch=4, rates=(1e-3, 1e-3), phases=(Phase(2, ("D",)), Phase(12, ("D", "G"))), ema=4.0, every=5, look=14
        ),
        framing=Framing(size=64),
        networks=Networks(8, 16, 16, 32, 32, 8, 8),
        weights=Weights(perceptual=0.0),
        recogniser="drawn",
        teacher="drawn",
        expects="a few seconds on two cores; smudges",
    )


def lite() -> JointRecipe:
    """CPU hours: G alone on what is known at first, then against D; later sittings go on by ``finetune``."""
    return JointRecipe(
        name="joint:lite",
        training=Training(
            batch=16,
            rates=(2e-4, 2e-4),
            betas=(0.0, 0.99),
            phases=(Phase(400, ("G",), ("adversarial", "identity")), Phase(60, ("D",)), Phase(40_000, ("D", "G"))),
            cooldown=4000,
            ema=400.0,
            every=100,
            look=250,
            max_missing=0.02,
        ),
        chances=Chances(drawing=0.24, landmarks=0.24, mixed=0.12, driven=0.1, erased=0.6),
        weights=Weights(repaired=1.5),
        variety=PartsVariety(dropout=0.4, drop=0.4, jaw=0.15, move=0.3, shift=6.0, zoom=0.2, tint=0.3, gain=0.4),
        crop=64,
        judged=6,
        expects="ten hours of two cores",
    )


def finetune() -> JointRecipe:
    """Go on from weights of ``lite`` (``--from joint``), sitting by sitting: D, which does not ship, learns alone at first."""
    base = lite()
    plan = replace(base.training, phases=(Phase(150, ("D",)), Phase(20_000, ("D", "G"))))
    return replace(base, name="joint:finetune", training=plan)


def gpu() -> JointRecipe:
    """256 × 256, wider and with larger batches; for a GPU. Not run at length yet."""
    return JointRecipe(
        name="joint:gpu",
        training=Training(
            batch=64,
            rates=(2e-4, 2e-4),
            betas=(0.0, 0.99),
            phases=(Phase(1000, ("G",), ("adversarial", "identity")), Phase(200, ("D",)), Phase(100_000, ("D", "G"))),
            cooldown=20_000,
            ema=2000.0,
            every=1000,
            look=1000,
            max_missing=0.02,
        ),
        framing=Framing(size=256),
        networks=Networks(64, 128, 256, 384, 384, 96, 96),
        chances=Chances(drawing=0.24, landmarks=0.24, mixed=0.12, driven=0.1, erased=0.6),
        weights=Weights(repaired=1.5),
        variety=PartsVariety(dropout=0.4, drop=0.4, jaw=0.15, move=0.3, shift=12.0, zoom=0.2, tint=0.3, gain=0.4),
        crop=128,
        expects="half a day on an H200-class GPU",
    )


RECIPES = {"tiny": tiny, "lite": lite, "finetune": finetune, "gpu": gpu}
