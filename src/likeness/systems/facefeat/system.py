"""FaceFeat-GAN in training: two levels of competition, of features and of pictures (Shen, Zhou, Luo & Tang 2018)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, normalize

from likeness.data.derived import recognised
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, MIRROR
from likeness.image import to_images
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.chance import per_row
from likeness.losses.perceptual import Features, judged_distance, same_crop
from likeness.losses.processes import mean_over_processes
from likeness.nn.efficientnet import efficientnet_features
from likeness.nn.recogniser import RECOGNISERS, Recogniser
from likeness.recipe import Phase
from likeness.records import Image, Term
from likeness.system import Move, System, Table
from likeness.systems.facefeat import build, objective
from likeness.systems.facefeat.model import basis
from likeness.systems.facefeat.recipes import COMPETE, RECONSTRUCT, FaceFeatRecipe, paints

CLASSIFIED = 64.0
"""The l2 norm of f_id in (5); G^I reads it at unit variance (section 4)."""
LEARNED_FROM = 1500
"""Faces, evenly chosen, from which the morphable model is learned."""
MEASURED = 64
"""Faces of a validation whose made faces are recognised."""


@dataclass(frozen=True)
class FaceFeatBatch:
    """``photo`` x^r (B × 3 × S × S, [-1, 1]), its ``landmarks`` (B × 68 × 2), ``person`` (B, −1: not told apart), ``taught`` (the
    recogniser's 512 numbers; empty without one), and the chance of this step.
    """

    photo: Tensor
    landmarks: Tensor
    person: Tensor
    taught: Tensor
    generator: torch.Generator


class Balance(nn.Module):
    """The λ that make terms "numerically comparable" (section 4): mean sizes over the first ``steps`` uses, then frozen."""

    total: Tensor
    count: Tensor

    NAMES = ("adversarial", "identity_rec", "identity_made", "image_feature1", "image_feature2", "critic_made", "critic_rec")
    REFERENCES = ("reconstruction", "feature1", "feature2", "critic_real")

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.places = steps, {name: i for i, name in enumerate(self.NAMES + self.REFERENCES)}
        self.register_buffer("total", torch.zeros(len(self.places)))
        self.register_buffer("count", torch.zeros(len(self.places)))

    def __call__(self, terms: dict[str, Term], reference: str) -> dict[str, Term]:
        """The terms, each times its λ, the reference's mean size over its own. The λ are logged as terms that weigh nothing."""
        if not self.steps or reference not in terms:
            return terms
        measured = [name for name in terms if name in self.places]
        sizes = mean_over_processes(torch.stack([terms[name].value for name in measured])).abs()
        for name, size in zip(measured, sizes, strict=True):
            place = self.places[name]
            early = (self.count[place] < self.steps).to(size)  # no branch, which would wait for the device
            self.total[place] += early * size
            self.count[place] += early
        made = dict(terms)
        for name in self.NAMES:
            if name in terms:
                share = self._mean(reference) / self._mean(name).clamp(min=1e-6)
                term = terms[name]
                made[name] = Term(term.value * share, term.weight, term.equation)
                made[f"lambda_{name}"] = Term(share, 0.0, "section 4")
        return made

    def _mean(self, name: str) -> Tensor:
        place = self.places[name]
        return self.total[place] / self.count[place].clamp(min=1)


class FaceFeatSystem(System):
    """E_id and E_1 learn first; then E_2, G^I, D^I and the G_i^f and D_i^f play."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {
        "C": ("layer", "classifier"),
        "I": ("identity",),
        "P": ("pose",),
        "E": ("general",),
        "G1": ("generator1",),
        "D1": ("discriminator1",),
        "G2": ("generator2",),
        "D2": ("discriminator2",),
        "G": ("decoder",),
        "D": ("discriminator",),
    }
    ships: ClassVar[tuple[str, ...]] = (
        "layer",
        "identity",
        "pose",
        "general",
        "generator1",
        "generator2",
        "decoder",
        "morphable",
    )
    recipe: FaceFeatRecipe

    def __init__(self, recipe: FaceFeatRecipe, features: Features | None = None, recogniser: Recogniser | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.layer = build.layer(recipe)
        self.classifier = nn.Linear(recipe.identity, recipe.people)
        self.identity = build.identity_extractor(recipe)
        self.pose = build.pose_extractor(recipe)
        self.general = build.general_extractor(recipe)
        self.generator1, self.generator2 = build.feature_generators(recipe)
        self.discriminator1 = build.feature_discriminator(recipe.expressions + 1)
        self.discriminator2 = build.feature_discriminator(recipe.general)
        self.decoder = build.decoder(recipe)
        self.discriminator = build.discriminator(recipe)
        self.morphable = build.morphable(recipe)
        self.balance = Balance(recipe.balance)
        self.rows = build.feature_rows(recipe)
        self._features, self._recogniser = features, recogniser

    def features(self, images: Tensor) -> list[Tensor]:
        """What the perceptual term looks with, loaded when it is first needed."""
        if self._features is None:
            self._features = efficientnet_features()
        return list(self._features(images))

    def shipped_state(self) -> dict[str, Tensor]:
        """All networks of :attr:`ships`; of a training of E_id and E_1 alone these, C's layer and the morphable model."""
        state = super().shipped_state()
        if paints(self.recipe):
            return state
        return {key: value for key, value in state.items() if key.split(".")[0] in ("layer", "identity", "pose", "morphable")}

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8, ``landmarks`` in pixels, ``person`` (−1 where not told apart), ``taught`` N × 2 × 512 where there is a
        recogniser: as the face is, and mirrored.
        """
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        size, count = self.recipe.framing.size, len(store)
        photos, landmarks = np.empty((count, 3, size, size), np.uint8), np.empty((count, COUNT, 2), np.float32)
        for i, face in enumerate(store):
            photos[i], landmarks[i] = face.image.transpose(2, 0, 1), face.landmarks
        keys = list(zip(store.column("source"), store.column("person"), strict=True))
        people = people_numbers(keys, self.recipe.photos, self.recipe.people)
        made = {"photo": torch.from_numpy(photos), "landmarks": torch.from_numpy(landmarks), "person": torch.from_numpy(people)}
        if self.recipe.recogniser:
            made["taught"] = recognised(store, self.recipe.recogniser)
        return made

    def fit_statistics(self, table: Table) -> None:
        """The morphable model, and how its numbers are spread over the training faces."""
        stride = -(-len(table["landmarks"]) // LEARNED_FROM)
        landmarks, people = table["landmarks"][::stride].cpu().numpy(), table["person"][::stride].cpu().numpy()
        model = basis(self.recipe, landmarks, people)
        self.morphable.take_over(model, model.fit(landmarks))

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """What E_id and E_1 have learned, and of the others those that are as large as this recipe's; the rest begin anew."""
        own = self.shipped_state()
        for part in ("general", "generator1", "generator2", "decoder"):
            fresh = {name: value for name, value in own.items() if name.split(".")[0] == part}
            given = {name: value for name, value in state.items() if name.split(".")[0] == part}
            if {name: value.shape for name, value in fresh.items()} != {name: value.shape for name, value in given.items()}:
                state = {name: value for name, value in state.items() if name not in given} | fresh
        return state

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> FaceFeatBatch:
        """Faces, mirrored by chance and moved about as the recipe says."""
        photo, landmarks = rows["photo"].float() / 127.5 - 1, rows["landmarks"]
        taught = rows["taught"].float() if "taught" in rows else photo.new_zeros(len(photo), 2, 0)
        device, size = photo.device, self.recipe.framing.size
        side = torch.zeros(len(photo), dtype=torch.long)
        if augment and self.recipe.flip:
            side = (torch.rand(len(photo), generator=generator) < 0.5).long()
            flips = side.bool().to(device)[:, None, None]
            photo = torch.where(flips[..., None], photo.flip(-1), photo)
            mirrored = landmarks[:, list(MIRROR)] * landmarks.new_tensor([-1.0, 1.0]) + landmarks.new_tensor([size - 1.0, 0.0])
            landmarks = torch.where(flips, mirrored, landmarks)
        taught = taught[torch.arange(len(photo)), side.to(device)]
        if augment and self.recipe.move:
            photo, landmarks = moved(photo, landmarks, generator)
        return FaceFeatBatch(photo, landmarks, rows["person"], taught, generator)

    # features

    def identity_of(self, photo: Tensor) -> Tensor:
        """f_id by E_id at rest."""
        with torch.no_grad(), frozen(self.identity):
            found: Tensor = self.identity(photo)
        return found.float()

    def pose_of(self, photo: Tensor) -> Tensor:
        """f_1 by E_1 at rest; gradients reach the pictures."""
        with frozen(self.pose):
            numbers: Tensor = self.pose(photo)
        return numbers.float()[:, self.rows]

    def recognise(self, faces: Tensor) -> Tensor:
        """E_id(x) of (11): the recogniser and its layer, or where there is none E_id itself; gradients reach the pictures."""
        if not self.recipe.recogniser:
            with frozen(self.identity):
                found: Tensor = self.identity(faces)
            return found.float()
        if self._recogniser is None:
            self._recogniser = RECOGNISERS[self.recipe.recogniser](self.recipe.framing)
        layered: Tensor = self.layer(self._recogniser(faces))
        return layered.float()

    def target(self, batch: FaceFeatBatch) -> Tensor:
        """f_id of x^r as (11) compares with it."""
        if not self.recipe.recogniser:
            return self.identity_of(batch.photo)
        with torch.no_grad():
            found: Tensor = self.layer(batch.taught)
        return found.float()

    def decode(self, identity: Tensor, pose: Tensor, general: Tensor) -> Tensor:
        """G^I."""
        made: Tensor = self.decoder(torch.cat([identity, pose, general], 1))
        return made

    def noise(self, count: int, chance: torch.Generator, device: torch.device) -> Tensor:
        """Z of U[-1, 1]."""
        length = self.recipe.noise
        return (2 * per_row(count, lambda n: torch.rand(n, length, generator=chance), chance) - 1).to(device, non_blocking=True)

    # the game

    def play(self, batch: FaceFeatBatch, phase: Phase) -> Iterator[Move]:
        """One step: E_id and E_1 by (5) and (7); E_2 by (8), G_i^f by (1), D_i^f by (2), G^I by (3), D^I by (4)."""
        yield "C", lambda: self._classifier_terms(batch)
        yield "I", lambda: self._identity_terms(batch)
        yield "P", lambda: self._pose_terms(batch)
        if not set(phase.players) & {*RECONSTRUCT, *COMPETE}:
            return
        game = Game(self, batch, phase)
        yield "E", game.encoder_terms
        for number in (1, 2):
            yield f"G{number}", lambda number=number: game.feature_generator_terms(number)  # type: ignore[misc]
            yield f"D{number}", lambda number=number: game.feature_discriminator_terms(number)  # type: ignore[misc]
        yield "G", game.generator_terms
        yield "D", game.discriminator_terms

    def _classifier_terms(self, batch: FaceFeatBatch) -> dict[str, Term]:
        """(5), by the layer on the recogniser's numbers, or by the last layer alone on E_id's."""
        features = self.layer(batch.taught) if self.recipe.recogniser else self.identity_of(batch.photo)
        logits = self.classifier(CLASSIFIED * normalize(features.float(), dim=1))
        return {"classification": Term(objective.classification(logits, batch.person), 1.0, "(5)")}

    def _identity_terms(self, batch: FaceFeatBatch) -> dict[str, Term]:
        """E_id: what the recogniser and its layer say, by regression; without a recogniser (5)."""
        found = self.identity(batch.photo)
        if self.recipe.recogniser:
            return {"distilled": Term(objective.identity_loss(self.target(batch), found), 1.0, "(11), of E_id")}
        logits = self.classifier(CLASSIFIED * normalize(found, dim=1))
        return {"identity": Term(objective.classification(logits, batch.person), 1.0, "(5)")}

    def _pose_terms(self, batch: FaceFeatBatch) -> dict[str, Term]:
        """E_1: (7)."""
        truth = self.morphable.standardised(batch.landmarks)
        return {"pose": Term(objective.regression(self.pose(batch.photo), truth, self.morphable.importance), 1.0, "(7)")}

    # to look at

    def show(self, rows: Table) -> Image:
        """Columns: the face, its reconstruction, two with features of other faces, three with made features."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator().manual_seed(0), augment=False)
            photo = batch.photo
            identity, pose, general = self.identity_of(photo), self.pose_of(photo), self.general(photo).float()
            columns = [photo, self.decode(identity, pose, general)]
            columns += [self.decode(identity, pose.roll(1, 0), general), self.decode(identity, pose, general.roll(2, 0))]
            chance = torch.Generator().manual_seed(1)
            for _ in range(3):
                one, two = (self.noise(len(photo), chance, photo.device) for _ in range(2))
                columns.append(self.decode(identity, self.generator1(one).float(), self.generator2(two).float()))
        return np.concatenate([np.concatenate(list(to_images(column.float())), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """On validation faces: ``psnr`` of reconstructions in dB; ``distilled``, the cosine of E_id with what teaches it;
        ``yaw``, the correlation of E_1's with the landmarks'; of faces made with others' features ``similarity``, f_id's cosine
        by the recogniser that teaches, and ``followed``, the correlation of E_1's yaw in the made face with the one asked for;
        ``diversity1`` and ``diversity2``, the mean variance of the entries of made features.
        """
        errors, cosines, yaws, photos, rebuilt = [], [], [], [], []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 50):
                some = {key: column[start : start + 50] for key, column in rows.items()}
                batch = self.batch(some, torch.Generator(), augment=False)
                identity, pose = self.identity_of(batch.photo), self.pose_of(batch.photo)
                made = self.decode(identity, pose, self.general(batch.photo).float()).float()
                rounded = ((made + 1) * 127.5).round().clamp(0, 255)
                error = (rounded - some["photo"].float()).square().flatten(1).mean(1).clamp(min=1e-8)
                errors.append(10 * torch.log10(255**2 / error))
                cosines.append((normalize(identity, dim=1) * normalize(self.target(batch), dim=1)).sum(1))
                yaws.append(torch.stack([pose[:, -1], self.morphable.standardised(batch.landmarks)[:, self.rows[-1]].to(pose)]))
                photos.append(batch.photo)
                rebuilt.append(rounded / 127.5 - 1)
            batch = self.batch({key: column[:MEASURED] for key, column in rows.items()}, torch.Generator(), augment=False)
            asked = self.pose_of(batch.photo).roll(1, 0)
            general = self.general(batch.photo).float().roll(2, 0)
            made = self.decode(self.identity_of(batch.photo), asked, general).float()
            same = (normalize(self.recognise(made), dim=1) * normalize(self.target(batch), dim=1)).sum(1)
            followed = torch.stack([self.pose_of(made)[:, -1], asked[:, -1]])
            one, two = (self.noise(512, torch.Generator().manual_seed(2), made.device) for _ in range(2))
            diversity = [
                float(network(z).float().var(0).mean()) for network, z in ((self.generator1, one), (self.generator2, two))
            ]
        return {
            "psnr": float(torch.cat(errors).mean()),
            "distilled": float(torch.cat(cosines).mean()),
            "yaw": _correlation(torch.cat(yaws, 1)),
            "similarity": float(same.mean()),
            "followed": _correlation(followed),
            "diversity1": diversity[0],
            "diversity2": diversity[1],
        } | judged_distance(torch.cat(photos), torch.cat(rebuilt))


class Game:
    """One step of the game after the extractors: what is made once and what each player minimises of it.

    x^rec and x^s are painted once, and only where a player asks for them. Who moves before G^I is handed gradients of features
    (:func:`objective.through`), so that no network at rest is gone through twice.
    """

    def __init__(self, system: FaceFeatSystem, batch: FaceFeatBatch, phase: Phase) -> None:
        self.system, self.batch, self.phase = system, batch, phase
        recipe, photo, chance = system.recipe, batch.photo, batch.generator
        count = len(photo)
        self.weights = recipe.weights
        self.made_count, self.judged = min(recipe.made or count, count), min(recipe.judged or count, count)
        with torch.no_grad():
            self.pose = system.pose_of(photo)
        self.general: Tensor = system.general(photo).float()
        self.read = _leaf(self.general)
        self.heard = self.read
        if recipe.jitter:
            shake = per_row(count, lambda n: torch.randn(n, recipe.general, generator=chance), chance)
            self.heard = self.read + recipe.jitter * shake.to(self.read, non_blocking=True)
        self.features, self.painted_from = self._made_features()
        self._rebuilt_terms: dict[str, Term] | None = None
        self._image: tuple[Tensor, Tensor, Tensor] | None = None
        coin = torch.rand(1, generator=chance).item() < 0.5
        self.turn = (1.0, 1.0) if not recipe.turns else ((2.0, 0.0) if coin else (0.0, 2.0))

    @cached_property
    def identity(self) -> Tensor:
        """f_id of the photos."""
        return self.system.identity_of(self.batch.photo)

    @cached_property
    def rebuilt(self) -> Tensor:
        """x^rec."""
        return self.system.decode(self.identity, self.pose, self.heard)

    @cached_property
    def made(self) -> Tensor:
        """x^s, of the first so many faces."""
        n = self.made_count
        return self.system.decode(self.identity[:n], *(feature[:n] for feature in self.painted_from))

    def _made_features(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """f_1^s and f_2^s, and the same cut off from their generators; while these do not move, real ones of other faces."""
        system, batch = self.system, self.batch
        count, chance = len(batch.photo), batch.generator
        if {"G1", "G2"} & set(self.phase.players):
            one, two = (system.noise(count, chance, batch.photo.device) for _ in range(2))
            made = (system.generator1(one).float(), system.generator2(two).float())
        else:
            orders = [torch.randperm(count, generator=chance).to(self.pose.device, non_blocking=True) for _ in range(2)]
            made = (self.pose[orders[0]], self.general.detach()[orders[1]])
        return made, (_leaf(made[0]), _leaf(made[1]))

    def discriminator(self, pictures: Tensor) -> Judgement:
        """D^I."""
        return judgement(self.system.discriminator, pictures, self.batch.generator)

    def rebuilt_terms(self) -> dict[str, Term]:
        """φ_rec of x^rec, once for E_2 and G^I."""
        if self._rebuilt_terms is None:
            photo, made = self.batch.photo, self.rebuilt

            def look() -> Tensor:
                one, other = photo, made
                if self.system.recipe.crop:
                    one, other = same_crop([photo, made], self.system.recipe.crop, self.batch.generator)
                return objective.perception(self.system.features, one, other)

            self._rebuilt_terms = objective.reconstruction_terms(photo, made, look, self.weights, self.phase.disabled_terms)
        return self._rebuilt_terms

    def image_energy(self) -> tuple[Tensor, Tensor, Tensor]:
        """φ^I(x^s), and its gradients in f_1^s and f_2^s."""
        if self._image is None:
            value = objective.energy(self.discriminator(self.made))
            one, two = torch.autograd.grad(value, self.painted_from, retain_graph=True)
            self._image = value.detach(), one, two
        return self._image

    def encoder_terms(self) -> Mapping[str, Term]:
        """E_2: (8) alone, through a frozen G^I."""
        terms = self.rebuilt_terms()
        if not terms:
            return {}
        value = torch.stack([term.weight * term.value for term in terms.values()]).sum()
        (gradient,) = torch.autograd.grad(value, self.read, retain_graph=True)
        return {"encoder": Term(objective.through(value, gradient, self.general), 1.0, "(8)")}

    def feature_generator_terms(self, number: int) -> Mapping[str, Term]:
        """G_i^f: (1)."""
        feature = self.features[number - 1]
        judge = getattr(self.system, f"discriminator{number}")
        image = None
        if self.weights.image_feature and "image_feature" not in self.phase.disabled_terms:
            value, *gradients = self.image_energy()
            image = objective.through(value, gradients[number - 1], feature)
        terms = objective.feature_generator_terms(judge(feature), image, self.weights, number)
        return self.system.balance(terms, f"feature{number}")

    def feature_discriminator_terms(self, number: int) -> Mapping[str, Term]:
        """D_i^f: (2), on the present f_2^r, which drifts while E_2 learns."""
        judge = getattr(self.system, f"discriminator{number}")
        real, fake = (self.pose, self.general)[number - 1].detach(), self.features[number - 1].detach()
        return objective.feature_discriminator_terms(judge(real), judge(fake), number)

    def generator_terms(self) -> Mapping[str, Term]:
        """G^I: (3), which has no φ^I(x^s)."""
        system, weights, disabled = self.system, self.weights, self.phase.disabled_terms
        terms = {} if "decoder_reconstruction" in disabled else dict(self.rebuilt_terms())
        if weights.adversarial and "adversarial" not in disabled:
            value = objective.energy(self.discriminator(self.rebuilt[: self.judged]))
            terms["adversarial"] = Term(value, weights.adversarial, "(3), first term")
        target = system.target(self.batch)
        pictures = {"identity_rec": self.rebuilt[: self.judged], "identity_made": self.made}
        for (name, faces), turn in zip(pictures.items(), self.turn, strict=True):
            weight = getattr(weights, name) * turn
            if weight and name not in disabled:
                value = objective.identity_loss(target[: len(faces)], system.recognise(faces))
                terms[name] = Term(value, weight, "(11)")
        if weights.pose_made and "pose_made" not in disabled:
            away = system.pose_of(self.made) - self.painted_from[0][: self.made_count].detach()
            terms["pose_made"] = Term(away.square().mean(), weights.pose_made, "as (11), of f_1")
        return system.balance(terms, "reconstruction")

    def discriminator_terms(self) -> Mapping[str, Term]:
        """D^I: (4)."""
        real, rebuilt = self.batch.photo, self.rebuilt.detach()[: self.judged]
        made = self.discriminator(self.made.detach()) if self.weights.critic_made else None
        terms = objective.discriminator_terms(self.discriminator(real), made, self.discriminator(rebuilt), self.weights)
        return self.system.balance(terms, "critic_real")


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """While open, a network normalises by its running statistics and moves none, whatever the rest does."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def people_numbers(keys: list[tuple[str, str]], photos: int, most: int) -> np.ndarray:
    """A number for each face's person, from 0; −1 for people of fewer than ``photos`` photos, and past the ``most``-th."""
    counts, numbers = Counter(keys), dict[tuple[str, str], int]()
    for key in keys:
        if counts[key] >= photos and len(numbers) < most:
            numbers.setdefault(key, len(numbers))
    return np.array([numbers.get(key, -1) for key in keys], np.int64)


def moved(photo: Tensor, landmarks: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Faces B × 3 × S × S shifted by up to 4 % and scaled by up to 8 %, lit and coloured otherwise; their landmarks with them."""
    count, size = len(photo), photo.shape[-1]
    draws = (2 * torch.rand(count, 7, generator=chance) - 1).to(photo)
    scale, shift = 1.08 ** draws[:, :1], 0.08 * draws[:, 1:3]
    maps = torch.zeros(count, 2, 3, device=photo.device)
    maps[:, 0, 0] = maps[:, 1, 1] = 1 / scale[:, 0]
    maps[:, :, 2] = -shift / scale
    places = affine_grid(maps, list(photo.shape), align_corners=False)
    photo = grid_sample(photo, places, padding_mode="reflection", align_corners=False)
    around = (2 * landmarks + 1) / size - 1
    landmarks = (((around * scale[..., None] + shift[:, None]) + 1) * size - 1) / 2
    middle = photo.mean((1, 2, 3), keepdim=True)
    photo = (photo - middle) * (1 + 0.3 * draws[:, 3, None, None, None]) + middle
    return (photo + 0.15 * draws[:, 4:, None, None]).clamp(-1, 1), landmarks


def _leaf(feature: Tensor) -> Tensor:
    return feature.detach().requires_grad_()


def _correlation(two: Tensor) -> float:
    """Pearson's correlation of two rows; 0 where one does not vary."""
    if two.shape[1] < 2:
        return 0.0
    found = torch.corrcoef(two.float())[0, 1]
    return float(torch.nan_to_num(found))
