"""What a FaceFeat-GAN training is made of, and the ones that come with the house."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from likeness.faces.align import Framing
from likeness.faces.morphable import POSE
from likeness.recipe import Phase, Recipe, Training, require, require_each

EXTRACT = ("C", "I", "P")
"""The players that learn before all others (section 3.1): E_id's classifier, E_id, and E_1."""
RECONSTRUCT = ("E", "G")
FEATURES = ("G1", "D1", "G2", "D2")
"""The players of features alone: while only these move, no picture is made."""
COMPETE = ("E", "G1", "D1", "G2", "D2", "G", "D")


@dataclass(frozen=True)
class Networks:
    """Which networks, and how wide.

    ``style`` is ``"paper"`` (ResNet-50, ResNet-18, BEGAN's encoder and decoder) or ``"lean"``. ``identity_width`` and
    ``pose_width`` are the channels of E_id's and E_1's first stage, ``encoder_width`` of E_2's, ``decoder_widths`` the lean G^I's
    at 8 × 8, 16 × 16 and so on up to half the size; the paper's G^I has ``decoder_widths[0]`` throughout.
    ``discriminator`` is ``"encoder"`` (BEGAN's, with one logit) or ``"projected"`` (:mod:`likeness.nn.projected`).
    """

    style: str = "paper"
    identity_width: int = 64
    pose_width: int = 64
    encoder_width: int = 64
    decoder_widths: tuple[int, ...] = (64,)
    discriminator: str = "encoder"
    discriminator_width: int = 64

    def __post_init__(self) -> None:
        require(self.style in ("paper", "lean"), "networks.style", self.style, "'paper' or 'lean'")
        require(
            self.discriminator in ("encoder", "projected"),
            "networks.discriminator",
            self.discriminator,
            "'encoder' or 'projected'",
        )
        widths = ("identity_width", "pose_width", "encoder_width", "discriminator_width")
        require_each(self, widths, 4, 4096, "a number from 4 to 4096", "networks.")
        require(bool(self.decoder_widths), "networks.decoder_widths", self.decoder_widths, "at least one width")


@dataclass(frozen=True)
class Weights:
    """The strength of each term; 0 leaves it out.

    ``adversarial`` is φ^I(x^rec), ``identity_rec`` and ``identity_made`` are λ_1 and λ_2 of (3), ``image_feature`` λ_i^f of (1),
    ``feature`` φ_i^f there, ``critic_made`` and ``critic_rec`` λ_3 and λ_4 of (4). Not the paper's: ``perceptual`` joins φ_rec,
    on the features of EfficientNet-Lite1, and ``pose_made`` has E_1 find in x^s the f_1 that it was made from. ``image_share1``
    is λ_1^f over ``image_feature``: where D^I takes turned heads for worse pictures, f_1^s would look ahead to please it.
    """

    reconstruction: float = 1.0
    perceptual: float = 0.0
    adversarial: float = 1.0
    identity_rec: float = 1.0
    identity_made: float = 1.0
    pose_made: float = 0.0
    feature: float = 1.0
    image_feature: float = 1.0
    image_share1: float = 1.0
    critic_made: float = 1.0
    critic_rec: float = 1.0


@dataclass(frozen=True)
class FaceFeatRecipe(Recipe):
    """A FaceFeat-GAN training.

    Args:
        identity, general, noise: lengths of f_id, f_2 and z.
        shapes, expressions: modes of the morphable model; f_1 is the expressions and the yaw.
        morphable: ``""``: learned from the training faces' landmarks; ``"surrey"``: the Surrey Face Model; else
            a folder or file that :func:`likeness.faces.bases.read` takes.
        people: how many people of at least ``photos`` photos the classifier of (5) tells apart, at most.
        recogniser: where E_id's numbers come from: ``"mobilefacenet_a"``, whose last layer but one goes into a layer that (5)
            teaches and which E_id then learns by regression; ``"drawn"``, for drawn faces; or ``""``: E_id itself learns by (5).
        made: faces of each process's batch for which x^s is made and judged; 0: all.
        judged: faces of each process's batch on which identity and realness of x^rec are judged; 0: all.
        turns: φ_id(x^rec) and φ_id(x^s) take turns, at double weight.
        crop: side of the random square that the perceptual term looks at; 0: the whole picture.
        jitter: deviation of the noise that is added to f_2^r before G^I reads it.
        balance: the steps over which the terms' mean sizes are measured to set the λ (section 4); 0: ``weights`` are the λ.
        flip, move: faces are mirrored by chance; shifted and scaled a little, and lit otherwise, for E_id and E_1.
    """

    framing: Framing = field(default_factory=Framing)
    networks: Networks = field(default_factory=Networks)
    weights: Weights = field(default_factory=Weights)
    identity: int = 256
    general: int = 256
    noise: int = 64
    shapes: int = 12
    expressions: int = 10
    morphable: str = ""
    people: int = 1024
    photos: int = 3
    recogniser: str = ""
    made: int = 0
    judged: int = 0
    turns: bool = False
    crop: int = 0
    jitter: float = 0.0
    balance: int = 0
    flip: bool = True
    move: bool = False

    def __post_init__(self) -> None:
        size = self.framing.size
        require(32 <= size <= 512 and size % 32 == 0, "framing.size", size, "a multiple of 32 up to 512")
        sizes = ("identity", "general", "noise", "expressions", "people")
        require_each(self, sizes, 1, 65536, "a number from 1")
        levels = (size // 16).bit_length()
        fits = self.networks.style == "paper" or (len(self.networks.decoder_widths) == levels and size == 8 << levels)
        require(fits, "networks.decoder_widths", self.networks.decoder_widths, f"a width for each of {levels} levels")
        require(self.photos >= 2, "photos", self.photos, "a number of photos, 2 or more")
        known = ("mobilefacenet_a", "drawn", "")
        require(self.recogniser in known, "recogniser", self.recogniser, "'mobilefacenet_a', 'drawn' or ''")
        require(self.crop == 0 or 16 <= self.crop <= size, "crop", self.crop, f"0 or a side from 16 to {size}")
        require(self.jitter >= 0, "jitter", self.jitter, "a deviation of 0 or more")
        require_each(self, ("made", "judged", "balance", "shapes"), 0, 10**9, "a number of 0 or more")


LEAN = Networks("lean", 32, 16, 32, (192, 160, 80, 40), "projected", 64)


def tiny() -> FaceFeatRecipe:
    """Drawn faces, seconds: to see the machinery turn, and for tests. No instrument is needed."""
    phases = (Phase(4, ("C",)), Phase(8, ("I", "P")), Phase(6, RECONSTRUCT), Phase(2, ("D", "D1", "D2")), Phase(12, COMPETE))
    return FaceFeatRecipe(
        name="facefeat:tiny",
        training=Training(batch=4, rates=(1e-3,) * 10, phases=phases, ema=4.0, every=5, look=16),
        framing=Framing(size=64),
        networks=Networks("lean", 8, 4, 8, (32, 16, 8), "encoder", 8),
        identity=32,
        general=32,
        noise=16,
        shapes=2,
        expressions=3,
        people=64,
        photos=2,
        recogniser="drawn",
        balance=4,
        expects="a few seconds on two cores; smudges",
    )


def features() -> FaceFeatRecipe:
    """E_id and E_1 alone, before all else (section 3.1): what ``lite`` goes on from, by ``--from``."""
    phases = (Phase(1000, ("C",)), Phase(6000, ("I", "P")))
    plan = Training(
        batch=32, rates=(1e-3,) * 10, betas=(0.9, 0.999), phases=phases, cooldown=2500, ema=200.0, every=250, look=500
    )
    return FaceFeatRecipe(
        name="facefeat:features",
        training=plan,
        networks=LEAN,
        general=128,
        recogniser="mobilefacenet_a",
        move=True,
        expects="an hour and a half of one core",
    )


def lite() -> FaceFeatRecipe:
    """CPU hours, on the features of ``features``: reconstruction first, then D alone, then everybody."""
    base = features()
    plan = Training(
        batch=12,
        rates=(2e-4, 2e-4, 2e-4, 4e-4, 2e-4, 2e-4, 2e-4, 2e-4, 4e-4, 2e-4),
        betas=(0.0, 0.99),
        phases=(
            Phase(1500, RECONSTRUCT, ("adversarial",)),
            Phase(200, ("G1", "D1", "G2", "D2", "D"), ("image_feature",)),
            Phase(12_300, COMPETE),
        ),
        cooldown=3000,
        ema=500.0,
        every=250,
        look=250,
        max_missing=0.02,
    )
    return replace(
        base,
        name="facefeat:lite",
        training=plan,
        weights=Weights(
            reconstruction=4.0,
            perceptual=1.5,
            adversarial=0.15,
            identity_rec=0.5,
            identity_made=1.0,
            pose_made=0.3,
            feature=1.0,
            image_feature=0.1,
            critic_made=0.5,
            critic_rec=0.5,
        ),
        made=4,
        judged=4,
        turns=True,
        crop=48,
        jitter=0.2,
        move=False,
        expects="six hours of one core",
    )


def finetune() -> FaceFeatRecipe:
    """Go on from weights of ``lite`` (``--from facefeat``), sitting by sitting; D, D1 and D2 do not ship and begin anew.

    Features are made without pictures at first, quickly, until they are spread as real ones are; then D learns alone.
    """
    base = lite()
    phases = (Phase(3000, FEATURES, ("image_feature",)), Phase(200, ("D",)), Phase(12_000, COMPETE))
    rates = (2e-4, 2e-4, 2e-4, 4e-4, 5e-4, 1e-3, 5e-4, 1e-3, 4e-4, 2e-4)
    return replace(
        base,
        name="facefeat:finetune",
        training=replace(base.training, phases=phases, rates=rates),
        weights=replace(base.weights, image_share1=0.1),
    )


def paper() -> FaceFeatRecipe:
    """The paper's networks, batch and schedule, E_id by (5) on photos; for a GPU. Not run at length yet."""
    phases = (Phase(50_000, EXTRACT), Phase(200_000, COMPETE))
    return FaceFeatRecipe(
        name="facefeat:paper",
        training=Training(batch=96, rates=(8e-5,) * 10, phases=phases, cooldown=100_000, ema=1000.0, every=2000, look=2000),
        shapes=40,
        expressions=29,
        people=10_575,
        balance=200,
        expects="days on a GPU; run for some steps so far",
    )


def paints(recipe: FaceFeatRecipe) -> bool:
    """Whether there is a painter: in a training of E_id and E_1 alone there is none, and none ships."""
    return any(set(phase.players) - {*EXTRACT} for phase in recipe.training.phases)


def feature_rows(recipe: FaceFeatRecipe) -> list[int]:
    """Which numbers of f_3d are f_1 (section 4): the expressions, then the yaw."""
    modes = recipe.shapes + recipe.expressions
    return [*range(recipe.shapes, modes), modes + POSE.index("yaw")]


RECIPES = {"tiny": tiny, "features": features, "lite": lite, "finetune": finetune, "paper": paper}
