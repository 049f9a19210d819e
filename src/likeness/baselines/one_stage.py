"""What the methods share that FaceFeat-GAN is compared with in its table 3: its networks, and one stage instead of two.

E_id, E_1, G^I and D^I are FaceFeat-GAN's own, E_id and E_1 trained beforehand, so that only the game differs. G^I reads f_id, a
pose code in the place of f_1, and noise or a latent vector in that of f_2; none of them is made by a network that learns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.chance import per_row
from likeness.recipe import Phase
from likeness.records import Term
from likeness.system import Move
from likeness.systems.facefeat import objective, recipes
from likeness.systems.facefeat.networks import BeganEncoder, Extractor, LeanEncoder
from likeness.systems.facefeat.recipes import FaceFeatRecipe
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer
from likeness.systems.facefeat.system import FaceFeatBatch, FaceFeatSystem

RATES = 7
"""Players of every one of them: C, I, P, E, K, G and D."""


@dataclass(frozen=True)
class OneStageRecipe(FaceFeatRecipe):
    """As FaceFeat-GAN's, with the same λ of the same terms.

    ``divergence`` is the weight of the Kullback-Leibler divergence, ``told`` that of what the classifier says of a made face.
    """

    divergence: float = 0.003
    told: float = 0.1


class OneStageSynthesizer(FaceFeatSynthesizer):
    """As FaceFeat-GAN's; what is drawn by chance comes from priors."""

    recipe_class = OneStageRecipe


class Prior(nn.Module):
    """The first ``count`` numbers of noise of U[-1, 1], B × n, as a feature: ``"normal"``, of deviation 1, or ``"none"``: 0."""

    def __init__(self, count: int, kind: str) -> None:
        super().__init__()
        self.count, self.kind = count, kind

    def forward(self, noise: Tensor) -> Tensor:
        """B × ``count``."""
        some = noise[:, : self.count]
        return normal_of(some) if self.kind == "normal" else 0 * some


def normal_of(uniform: Tensor) -> Tensor:
    """√2 · erf⁻¹ of numbers in [-1, 1]: of U[-1, 1] the standard normal distribution (Giles 2012), within ± 3.5."""
    held = uniform.float().clamp(-0.9995, 0.9995)
    width = -torch.log((1 - held) * (1 + held))
    near, far = width - 2.5, torch.sqrt(width.clamp(min=1e-12)) - 3
    inner: tuple[float, ...] = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087)
    inner += (-0.00125372503, -0.00417768164, 0.246640727, 1.50140941)
    outer: tuple[float, ...] = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773)
    outer += (-0.0076224613, 0.00943887047, 1.00167406, 2.83297682)
    return 2**0.5 * held * torch.where(width < 5, _polynomial(inner, near), _polynomial(outer, far))


def _polynomial(factors: tuple[float, ...], x: Tensor) -> Tensor:
    value = torch.full_like(x, factors[0])
    for factor in factors[1:]:
        value = value * x + factor
    return value


class Teller(nn.Module):
    """A classifier that learns in the game: ``people`` logits of who a face shows, and ``pose`` numbers of how it is turned."""

    def __init__(self, recipe: FaceFeatRecipe, people: int) -> None:
        super().__init__()
        kind = BeganEncoder if recipe.networks.style == "paper" else LeanEncoder
        self.body = kind(128, recipe.networks.encoder_width, recipe.framing.size)
        self.people, self.pose = nn.Linear(128, people), nn.Linear(128, recipe.expressions + 1)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """B × 3 × S × S in [-1, 1] to B × people logits and B × pose numbers."""
        found = torch.relu(self.body(faces).float())
        return self.people(found), self.pose(found)


class OneStage(FaceFeatSystem):
    """G^I and D^I alone, from the extractors that are there; a method says what is minimised in :meth:`terms`."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {
        "C": ("layer", "classifier"),
        "I": ("identity",),
        "P": ("pose",),
        "E": ("general",),
        "K": ("teller",),
        "G": ("decoder",),
        "D": ("discriminator",),
    }
    begins_from: ClassVar[tuple[str, ...]] = ("facefeat",)
    posed: ClassVar[bool] = False
    """Whether a pose code is read; it is drawn from the normal distribution that f_1 was standardised to."""
    recipe: OneStageRecipe

    def __init__(self, recipe: OneStageRecipe, classes: int = 1, extractor: nn.Module | None = None) -> None:
        super().__init__(recipe)
        del self.discriminator1, self.discriminator2
        self.generator1, self.generator2 = priors(recipe, self.posed)  # type: ignore[assignment]
        self.teller = Teller(recipe, classes)
        if extractor is not None:
            self.general = extractor

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """E_id, E_1 and the morphable model; all else begins anew."""
        taken = ("layer", "identity", "pose", "morphable")
        return self.shipped_state() | {name: value for name, value in state.items() if name.split(".")[0] in taken}

    def play(self, batch: FaceFeatBatch, phase: Phase) -> Iterator[Move]:
        """E_id and E_1 as in FaceFeat-GAN, then the method's own game."""
        yield "C", lambda: self._classifier_terms(batch)
        yield "I", lambda: self._identity_terms(batch)
        yield "P", lambda: self._pose_terms(batch)
        if not {"E", "K", "G", "D"} & set(phase.players):
            return
        round_ = Round(self, batch)
        yield from self.terms(round_).items()

    def terms(self, game: Round) -> Mapping[str, Callable[[], Mapping[str, Term]]]:
        """What each of E, K, G and D minimises, in the order in which they move."""
        raise NotImplementedError


class Round:
    """One step: f_id, a pose code of another face, the latent vector, and x^s, painted from a prior."""

    def __init__(self, system: OneStage, batch: FaceFeatBatch) -> None:
        self.system, self.batch, self.weights = system, batch, system.recipe.weights
        count, chance = len(batch.photo), batch.generator
        self.identity = system.identity_of(batch.photo)
        noise = system.noise(count, chance, batch.photo.device)
        self.latent: Tensor = system.generator2(noise).float()
        self.code: Tensor = 0 * system.pose_of(batch.photo).detach()
        if system.posed:
            order = per_row(count, lambda n: torch.rand(n, generator=chance), chance).argsort().to(batch.photo.device)
            with torch.no_grad():
                self.code = system.pose_of(batch.photo)[order]
        self.made = system.decode(self.identity, self.code, self.latent)

    def discriminator(self, pictures: Tensor) -> Judgement:
        """D^I."""
        return judgement(self.system.discriminator, pictures, self.batch.generator)

    def real_or_made(self) -> dict[str, Term]:
        """What D^I minimises: −log D(x) − log(1 − D(x^s))."""
        real, made = self.discriminator(self.batch.photo), self.discriminator(self.made.detach())
        return {
            "critic_real": Term(objective.real_energy(real), 1.0, "(4), first term"),
            "critic_made": Term(objective.fake_energy(made), 1.0, "(4), second term"),
        }

    def realness(self) -> dict[str, Term]:
        """φ^I(x^s), of G^I."""
        return {"adversarial": Term(objective.energy(self.discriminator(self.made)), self.weights.adversarial, "(10)")}

    def alike(self) -> dict[str, Term]:
        """φ_id(x^s), of G^I."""
        value = objective.identity_loss(self.system.target(self.batch), self.system.recognise(self.made))
        return {"identity_made": Term(value, self.weights.identity_made, "(11)")}

    def told(self, faces: Tensor, shift: int = 0, posed: bool = True) -> dict[str, Term]:
        """What the classifier says of faces: the cross-entropy of their people's classes, ``shift`` further on; and the pose."""
        logits, pose = self.system.teller(faces)
        known = self.batch.person >= 0
        classes = self.batch.person[known].long() + shift
        value = cross_entropy(logits[known], classes) if bool(known.any()) else 0 * logits.sum()
        terms = {"told_person": Term(value, 1.0, "the person's class")}
        if posed:
            wanted = self.code if faces is self.made else self.system.pose_of(faces).detach()
            terms["told_pose"] = Term((pose - wanted).square().mean(), 1.0, "the pose code")
        return terms


def weighed(terms: Mapping[str, Term], weight: float) -> dict[str, Term]:
    """Terms with another weight."""
    return {name: replace(term, weight=term.weight * weight) for name, term in terms.items()}


def priors(recipe: FaceFeatRecipe, posed: bool) -> tuple[Prior, Prior]:
    """What takes the place of G_1^f and G_2^f."""
    return Prior(recipe.expressions + 1, "normal" if posed else "none"), Prior(recipe.general, "normal")


class Gaussian(Extractor):
    """E(z | x): the mean of a normal distribution, and by :meth:`both` the logarithm of its variance."""

    def __init__(self, recipe: FaceFeatRecipe) -> None:
        kind = BeganEncoder if recipe.networks.style == "paper" else LeanEncoder
        super().__init__(kind(2 * recipe.general, recipe.networks.encoder_width, recipe.framing.size), 1.0)

    def both(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Faces to mean and log variance, B × d each."""
        mean, wide = self.body(faces).float().chunk(2, 1)
        return mean, wide.clamp(-8, 8)

    def forward(self, faces: Tensor) -> Tensor:
        """The mean."""
        return self.both(faces)[0]


R = TypeVar("R", bound=OneStageRecipe)


def variants(kind: type[R], name: str, players: tuple[str, ...]) -> dict[str, Callable[[], R]]:
    """``tiny`` and ``lite`` of a method: FaceFeat-GAN's of that name, E_id and E_1 (``tiny``), then these players."""

    def make(base: FaceFeatRecipe, first: tuple[Phase, ...], steps: int) -> R:
        plan = replace(base.training, rates=(base.training.rates[0],) * RATES, phases=(*first, Phase(steps, players)))
        fields: dict[str, Any] = {one: getattr(base, one) for one in base.__dataclass_fields__}
        wide = {"noise": base.general, "made": 0, "balance": 0}
        return kind(
            **{**fields, **wide, "name": f"{name}:{base.name.partition(':')[2]}", "training": plan, "expects": kind.__doc__ or ""}
        )

    return {
        "tiny": lambda: make(recipes.tiny(), (Phase(4, ("C",)), Phase(8, ("I", "P"))), 12),
        "lite": lambda: make(recipes.lite(), (), recipes.lite().training.steps),
    }
