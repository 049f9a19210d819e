"""The joint model in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from likeness.data.derived import derived, recognised
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.landmarks import COUNT
from likeness.faces.parser import FaceParser
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.image import to_images
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.perceptual import Features, feature_distance, judged_distance, same_crop
from likeness.losses.pixel import absolute_within
from likeness.nn.efficientnet import efficientnet_features
from likeness.nn.placement import Anchors
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.recogniser import RECOGNISERS, Recogniser
from likeness.recipe import Phase
from likeness.records import Image, Term
from likeness.system import STATISTICS_ROWS, Move, System, Table
from likeness.systems.joint import conditions, objective
from likeness.systems.joint.chance import split
from likeness.systems.joint.conditions import JointBatch, batch_of
from likeness.systems.joint.maps import FLAGS, SPATIAL, channels
from likeness.systems.joint.networks import JointGenerator, LookEncoder, ShapeEncoder
from likeness.systems.joint.prior import Moments, Prior
from likeness.systems.joint.recipes import CODES, PERSON, JointRecipe

TAUGHT_BY = "mobilefacenet_a"
"""The recogniser whose numbers, through a layer, are what E_id of FaceFeat-GAN learns."""
MEASURED = 48
"""Validation faces of which figures are taken for each condition."""
SHOWN: tuple[tuple[tuple[str, ...], str], ...] = (
    (("parts",), ""),
    (("parts", "identity"), ""),
    (("drawing",), "pencil"),
    (("drawing",), "line"),
    (("parsing",), ""),
    (("known",), ""),
    (("landmarks",), ""),
    (("landmarks",), ""),
    (("landmarks", "identity"), ""),
    (("identity",), ""),
    (("identity",), ""),
    ((), ""),
    ((), ""),
)
"""The sheet's columns by conditions, and the effect of drawings."""


class JointSystem(System):
    """G makes faces of any conditions, with the encoders whose codes are its noise; D tells them from photos."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("discriminator",), "G": ("generator", "look", "shape")}
    ships: ClassVar[tuple[str, ...]] = ("generator", "look", "shape", "anchors", "prior")
    recipe: JointRecipe

    def __init__(self, recipe: JointRecipe, features: Features | None = None, teacher: Recogniser | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        chosen = recipe.networks
        self.generator = JointGenerator(recipe.framing.size, recipe.identity, chosen)
        self.look, self.shape = LookEncoder(chosen.encoder), ShapeEncoder()
        self.discriminator = ProjectedDiscriminator(head=chosen.discriminator_width, seed=recipe.training.seed)
        self.anchors, self.prior = Anchors(recipe.framing.size), Prior(recipe.identity)
        self._features, self._teacher = features, teacher

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Φ of the perceptual term, loaded when it is first needed."""
        if self._features is None:
            self._features = efficientnet_features()
        return list(self._features(pictures))

    def recognise(self, faces: Tensor) -> Tensor:
        """What the identity term compares; gradients reach the faces."""
        if self._teacher is None:
            self._teacher = RECOGNISERS[self.recipe.teacher](self.recipe.framing)
        return self._teacher(faces)

    def table(self, store: FaceStore) -> Table:
        """``photo``, ``bits`` (see :func:`likeness.faces.parts.mask_bits`) and ``classes`` uint8, ``landmarks`` in pixels;
        ``identity`` N × n of each photo and ``other`` of another photo of the person where there is one, unit variance.
        """
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        size, count = self.recipe.framing.size, len(store)
        photos, bits = np.empty((count, 3, size, size), np.uint8), np.empty((count, size, size), np.uint8)
        landmarks = np.empty((count, COUNT, 2), np.float32)
        for i, face in enumerate(store):
            photos[i], landmarks[i] = face.image.transpose(2, 0, 1), face.landmarks
            bits[i] = parts.mask_bits(face.landmarks, size)
        identity = (normalize(identities(store, self.recipe), dim=1) * self.recipe.identity**0.5).half()
        keys = list(zip(store.column("source"), store.column("person"), strict=True))
        return {
            "photo": torch.from_numpy(photos),
            "bits": torch.from_numpy(bits),
            "classes": torch.from_numpy(parsings(store)),
            "landmarks": torch.from_numpy(landmarks),
            "identity": identity,
            "other": identity[torch.from_numpy(others(keys))],
        }

    def fit_statistics(self, table: Table) -> None:
        """The mean position and width of every part, and the distribution of landmarks, over the training faces."""
        columns = {name: table[name].split(STATISTICS_ROWS) for name in ("bits", "landmarks", "identity")}
        self.fit_tables(dict(zip(columns, some, strict=True)) for some in zip(*columns.values(), strict=True))

    def fit_tables(self, tables: Iterable[Table]) -> None:
        """See :meth:`likeness.system.System.fit_tables`."""
        size = self.recipe.framing.size
        seen = Moments(self.recipe.identity, size)

        def bits() -> Iterator[Tensor]:
            for table in tables:
                seen.add(table["landmarks"], table["identity"])
                yield table["bits"]

        self.anchors.fit(bits())
        self.prior.fit(seen)

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """See :meth:`likeness.system.System.adapt_state`; weights from before 0.3 have no :class:`Prior`."""
        return {name: value for name, value in self.shipped_state().items() if name.startswith("prior.")} | state

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> JointBatch:
        """Faces mirrored by chance, each with the conditions that chance gives it."""
        count = len(rows["photo"])
        if augment:
            flips = (torch.rand(count, generator=generator) < 0.5).to(rows["photo"].device)
            rows = conditions.mirrored(rows, flips, self.recipe.framing.size)
        flags, looked = conditions.chosen(self.recipe.chances, count, generator)
        return batch_of(rows, flags, looked, self.recipe, self.anchors.mean, generator, augment)

    def codes(self, batch: JointBatch) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the photos' own codes, B × 128 each."""
        shape, look = self.shape(batch.landmarks), self.look(batch.photo, batch.classes)
        return torch.cat([shape[0], look[0]], 1), torch.cat([shape[1], look[1]], 1)

    def noise(self, batch: JointBatch, mean: Tensor, spread: Tensor) -> Tensor:
        """Z: the photo's own codes, sampled, where ``looked`` says so, another photo's look and chance in the shape elsewhere.

        The other photo's codes get no gradient: they stand for those that chance will give.
        """
        own = objective.sampled(mean, spread, batch.noise)
        with torch.no_grad():
            middle, width = self.look(batch.other_photo, batch.other_classes)
            other = objective.sampled(middle, width, batch.noise[:, CODES["shape"] :])
            if self.training:
                self.prior.update(other)
        chance = torch.cat([batch.noise[:, : CODES["shape"]], other], 1)
        return torch.where(per_number(batch.looked) > 0, own, chance)

    def by_chance(self, batch: JointBatch) -> Tensor:
        """Z where no code is a photo's, as in making."""
        chance, noise = self.prior.chance(), batch.noise.float().cpu().numpy()
        looks = np.stack([chance.look(split(one)[1]) for one in noise])
        return torch.cat([batch.noise[:, : CODES["shape"]], torch.from_numpy(looks).to(batch.noise)], 1)

    def paint(self, batch: JointBatch, noise: Tensor) -> Tensor:
        """G."""
        made: Tensor = self.generator(batch.maps, noise, batch.identity, batch.flags)
        return made

    def play(self, batch: JointBatch, phase: Phase) -> Iterator[Move]:
        """One step: D, then G and the encoders, of the same made faces."""
        mean, spread = self.codes(batch)
        fake = self.paint(batch, self.noise(batch, mean, spread))

        def critic(pictures: Tensor) -> Judgement:
            return judgement(self.discriminator, pictures, batch.generator)

        def discriminator_terms() -> dict[str, Term]:
            value = objective.discriminator_loss(critic(batch.photo), critic(fake.detach()))
            return {"discriminator": Term(value, 1.0, "hinge")}

        yield "D", discriminator_terms
        yield "G", lambda: self._generator_terms(batch, fake, mean, spread, critic, phase.disabled_terms)

    def _generator_terms(
        self,
        batch: JointBatch,
        fake: Tensor,
        mean: Tensor,
        spread: Tensor,
        critic: Callable[[Tensor], Judgement],
        disabled: Sequence[str],
    ) -> dict[str, Term]:
        weights, photo = self.recipe.weights, batch.photo
        share = objective.known_share(batch.flags, batch.looked)
        mask = batch.maps[:, channels("known")][:, 3:]
        terms = {
            "reconstruction": Term(objective.reconstruction(photo, fake, share), weights.reconstruction, "‖x − x̂‖"),
            "known": Term(absolute_within(photo, fake, mask), weights.known, "known pixels"),
            "prior": Term(objective.prior(mean, spread), weights.prior, "KL"),
        }
        if weights.repaired:
            terms["repaired"] = Term(absolute_within(photo, fake, batch.erased), weights.repaired, "erased features")
        if weights.perceptual:
            view = same_crop([photo, fake], self.recipe.crop, batch.generator) if self.recipe.crop else [photo, fake]
            with torch.no_grad():
                real = self.features(view[0])
            terms["perceptual"] = Term(objective.perception(real, self.features(view[1]), share), weights.perceptual, "Φ")
        if weights.adversarial and "adversarial" not in disabled:
            terms["adversarial"] = Term(objective.generator_adversarial(critic(fake)), weights.adversarial, "hinge")
        if weights.identity and "identity" not in disabled:
            told = batch.flags[:, [FLAGS.index(name) for name in ("identity", "parts", "drawing")]].amax(1) > 0
            rows = torch.nonzero(told).flatten()[: self.recipe.judged or None]
            if len(rows):
                with torch.no_grad():
                    target = self.recognise(photo[rows])
                terms["identity"] = Term(objective.identity_loss(target, self.recognise(fake[rows])), weights.identity, "1 − cos")
        return terms

    # to look at

    def given(self, rows: Table, names: Iterable[str], seed: int = 0, effect: str = "") -> JointBatch:
        """A batch in which every face is given these conditions, and no code of its own; as in making, a person by chance where
        none of them tells who it is, and landmarks where none tells a place.
        """
        names, count = tuple(names), len(rows["photo"])
        rng, prior = np.random.default_rng(seed), self.prior.chance()
        if not set(names) - {"landmarks", "parsing"}:
            people = np.stack([prior.person(rng.standard_normal(PERSON, np.float32)) for _ in range(count)])
            rows, names = rows | {"identity": torch.from_numpy(people).to(rows["identity"])}, (*names, "identity")
        if not set(names) & set(SPATIAL):
            size, told = self.recipe.framing.size, rows["identity"].float().cpu().numpy()
            points = [prior.landmarks(rng.standard_normal(CODES["shape"], np.float32), size, who) for who in told]
            rows, names = rows | {"landmarks": torch.from_numpy(np.stack(points)).to(rows["landmarks"])}, (*names, "landmarks")
        flags = torch.zeros(count, len(FLAGS))
        flags[:, [FLAGS.index(name) for name in names]] = 1
        looked = torch.zeros(len(flags), len(CODES))
        generator = torch.Generator().manual_seed(seed)
        return batch_of(rows, flags, looked, self.recipe, self.anchors.mean, generator, False, effect)

    def show(self, rows: Table) -> Image:
        """Columns: the photo, then faces from :data:`SHOWN`, two noises a pair; the last two: this one's look and identity
        with the landmarks of another photo, and with its own.
        """
        with torch.no_grad():
            columns = [rows["photo"].float() / 127.5 - 1]
            for number, (names, effect) in enumerate(SHOWN):
                batch = self.given(rows, names, number, effect)
                if names == ("parts",):
                    columns.append(batch.maps[:, channels("parts")][:, :3])
                columns.append(self.paint(batch, self.by_chance(batch)).float())
            own = self.given(rows, ("landmarks", "identity"))
            driven = self.given(rows | {"landmarks": rows["landmarks"].roll(1, 0)}, ("landmarks", "identity"))
            mean, _ = self.codes(own)
            columns += [self.paint(batch, mean).float() for batch in (driven, own)]
        return np.concatenate([np.concatenate(list(to_images(column)), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """On validation faces, PSNR in dB and, where its package is installed, the distance on EfficientNet-Lite0, from parts
        and from drawings; ``same_psnr`` with the photo's landmarks, codes and identity; ``apart``, how far two noises of the same
        landmarks are apart on the features of the perceptual term; ``identity``, the teacher's cosine from identity alone, and
        beside it with other people's photos.
        """
        some = {key: column[:MEASURED] for key, column in rows.items()}
        figures: dict[str, float] = {}
        with torch.no_grad():
            photo = some["photo"].float() / 127.5 - 1
            for name, effect in (("parts", ""), ("drawing", "pencil")):
                batch = self.given(some, (name,), effect=effect)
                made = self.paint(batch, self.by_chance(batch)).float()
                figures |= {f"{name}_psnr": _psnr(photo, made)}
                figures |= {f"{name}_{key}": value for key, value in judged_distance(photo, made).items()}
            own = self.given(some, ("landmarks", "identity"))
            same = self.paint(own, self.codes(own)[0]).float()
            figures["same_psnr"] = _psnr(photo, same)
            if self.recipe.weights.perceptual:
                pair = [self.given(some, ("landmarks",), seed) for seed in (1, 2)]
                faces = [self.paint(batch, self.by_chance(batch)).float() for batch in pair]
                figures["apart"] = float(feature_distance(*(self.features(face) for face in faces)))
            if self.recipe.teacher:
                own = self.given(some, ("identity",))
                found = normalize(self.recognise(self.paint(own, self.by_chance(own)).float()), dim=1)
                truth = normalize(self.recognise(photo), dim=1)
                figures["identity"] = float((found * truth).sum(1).mean())
                figures["identity_of_others"] = float((found * truth.roll(1, 0)).sum(1).mean())
        return figures


def per_number(looked: Tensor) -> Tensor:
    """``looked``, B × 5, for each number of the noise: B × 128."""
    lengths = torch.tensor(list(CODES.values()), device=looked.device)
    return looked.repeat_interleave(lengths, dim=1, output_size=sum(CODES.values()))


def others(keys: list[tuple[str, str]]) -> np.ndarray:
    """For each photo the number of another one of the same person: the next in turn; itself where there is none."""
    found = np.arange(len(keys))
    of: dict[tuple[str, str], list[int]] = {}
    for number, key in enumerate(keys):
        of.setdefault(key, []).append(number)
    for numbers in of.values():
        found[numbers] = np.roll(numbers, -1)
    return found


def identities(store: FaceStore, recipe: JointRecipe) -> Tensor:
    """What E_id learns to tell of each face, N × n: numbers of the recogniser that taught it, through its layer."""
    if recipe.recogniser == "drawn":
        return recognised(store, "drawn")[:, 0, : recipe.identity].float()
    layer = torch.from_numpy(open_tool(FaceRecogniser).weights.tensor("layer.weight"))
    return recognised(store, TAUGHT_BY)[:, 0].float() @ layer.T


def parsings(store: FaceStore) -> np.ndarray:
    """The likeliest class of each pixel by the parser that ships, uint8 N × S × S."""
    opened = open_tool(FaceParser)

    def parsed(pictures: Image) -> np.ndarray:
        return np.asarray(opened.reframed(list(pictures), store.framing).argmax(1), np.uint8)

    return derived(store, f"parsing-{opened.weights.digest[:8]}", parsed, keep=store.path.is_file())


def _psnr(photo: Tensor, made: Tensor) -> float:
    """Mean PSNR in dB of eight-bit pictures."""
    rounded = [((some + 1) * 127.5).round().clamp(0, 255) for some in (photo, made)]
    error = (rounded[0] - rounded[1]).square().flatten(1).mean(1).clamp(min=1e-8)
    return float((10 * torch.log10(255**2 / error)).mean())
