"""LandmarkGAN in training: everybody's landmarks to every target's, and each target's to its face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from likeness import assets
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Similarity
from likeness.faces.landmarks import mirror
from likeness.faces.variety import similarity
from likeness.image import to_images
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.perceptual import Features, feature_distance, judged_distance, same_crop
from likeness.nn.dsnt import expected, heat
from likeness.nn.efficientnet import efficientnet_features, open_efficientnet
from likeness.nn.hourglass import open_landmark_net
from likeness.nn.patchgan import PatchGAN
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.vgg import vgg_features
from likeness.recipe import Phase
from likeness.records import Image, Term
from likeness.system import Move, System, Table
from likeness.systems.landmark.networks import Converter, Seen, blocks_in, converted, grown, networks_of, slot
from likeness.systems.landmark.objective import (
    critic_loss,
    crossed,
    generator_adversarial,
    image,
    kept,
    normalised,
    reconstruction,
)
from likeness.systems.landmark.recipes import GENERIC, LandmarkRecipe

Detector = Callable[[Tensor], Tensor]
"""Ω: faces B × 3 × S × S in [-1, 1] to landmarks B × K × 2 in [0, 1]; differentiable."""
Mean = Callable[[Iterable[Tensor]], Tensor]
"""A number of each target in the batch to their mean."""


@dataclass(frozen=True)
class LandmarkBatch:
    """Faces, and what drives them.

    ``photo`` B × 3 × S × S in [-1, 1], ``landmarks`` B × 68 × 2 in [0, 1] and ``driver``, the landmarks of the batch in chance
    order: each drives one target, whoever's they are. ``target`` is each face's, and ``weight`` what it counts beside others, so
    that every target that is there counts alike: the mean over all rows is 1.
    """

    photo: Tensor
    landmarks: Tensor
    driver: Tensor
    target: list[int]
    weight: list[float]
    generator: torch.Generator

    def rows(self, target: int) -> Tensor | None:
        """The numbers of a target's faces, or None where there are none. The answer is known without waiting for the device."""
        found = [i for i, one in enumerate(self.target) if one == target]
        return torch.tensor(found).to(self.photo.device, non_blocking=True) if found else None

    def share(self, target: int) -> float:
        """What a target counts in a mean over the targets; by all rows together 1."""
        own = [weight for weight, one in zip(self.weight, self.target, strict=True) if one == target]
        return sum(own) / len(self.target)


def build_critics(recipe: LandmarkRecipe) -> nn.ModuleDict:
    """D_t of each target."""
    if recipe.discriminator == "patch":
        return nn.ModuleDict({slot(name): PatchGAN(3, recipe.critic_width, 3, "instance") for name in recipe.names})
    features, seed = open_efficientnet(), recipe.training.seed
    return nn.ModuleDict(
        {
            slot(name): ProjectedDiscriminator(head=recipe.critic_width, seed=seed + i, features=features)
            for i, name in enumerate(recipe.names)
        }
    )


class LandmarkSystem(System):
    """C converts landmarks, G (one Θ_t a target) makes faces of them, D (one D_t a target) tells them from photos."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("critics",), "C": ("converter",), "G": ("generators",)}
    ships: ClassVar[tuple[str, ...]] = ("converter", "generators", "seen", "ranges")
    on_host: ClassVar[bool] = True
    recipe: LandmarkRecipe
    converter: Converter
    generators: nn.ModuleDict
    seen: Seen
    ranges: nn.ModuleDict

    def __init__(self, recipe: LandmarkRecipe, features: Features | None = None, detector: Detector | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        for name, network in networks_of(recipe).items():
            setattr(self, name, network)
        self.critics = build_critics(recipe)
        self._features, self._detector = features, detector

    def detector(self, faces: Tensor) -> Tensor:
        """Ω of (3), loaded when it is first needed: the landmark detector that ships, frozen."""
        if self._detector is None:
            self._detector = open_detector()
        return self._detector(faces)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Φ of the perceptual term, loaded when it is first needed."""
        if self._features is None:
            self._features = vgg_features(distilled=True) if self.recipe.perceptual == "vgg19" else efficientnet_features()
        return list(self._features(pictures))

    def needs(self) -> None:
        """Open what the recipe's terms need, so that a missing instrument is told at once.

        Raises:
            LikenessError: Ω's weights or VGG-19's cannot be had.
        """
        nothing = torch.zeros(1, 3, 64, 64)
        if self.recipe.weights.perceptual:
            self.features(nothing)
        if self.recipe.weights.kept:
            self.detector(nothing)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S, ``landmarks`` N × 68 × 2 in pixels and ``target`` N."""
        if store.framing.size != self.recipe.framing.size:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        if not self.recipe.generic and len(self.recipe.targets) < 2:
            raise LikenessError(
                f"targets={list(self.recipe.targets)}: {self.recipe.name} converts between targets, so two or more are needed; "
                f"""name people of {store.path}, such as --set 'targets=["ann","bob"]'"""
            )
        photos, landmarks, targets = [], [], []
        for face in store:
            if self.recipe.targets and face.person not in self.recipe.targets:
                raise LikenessError(f"{store.path}: shows {face.person!r}, who is not one of {', '.join(self.recipe.targets)}")
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            landmarks.append(torch.from_numpy(face.landmarks))
            targets.append(self.recipe.targets.index(face.person) if self.recipe.targets else 0)
        return {"photo": torch.stack(photos), "landmarks": torch.stack(landmarks), "target": torch.tensor(targets)}

    def fit_statistics(self, table: Table) -> None:
        """Learn how landmarks vary, as they are and as training moves them: everybody's, and each target's."""
        size, landmarks, targets = self.recipe.framing.size, table["landmarks"], table["target"]
        if self.recipe.flip:
            landmarks, targets = torch.cat([landmarks, mirrored(landmarks, size)]), targets.repeat(2)
        if self.recipe.moves:
            ways = self._ways(len(landmarks), torch.Generator().manual_seed(0))
            landmarks, targets = torch.cat([landmarks, brought(landmarks, ways)]), targets.repeat(2)
        points = (landmarks + 0.5) / size
        self.seen.learn(points)
        if self.recipe.axes:  # otherwise they stay what they are: each coordinate by itself
            self.converter.given.learn(points)
            self.converter.between.learn(normalised(points))
        for i, name in enumerate(self.recipe.names):
            if not bool((targets == i).any()):
                raise LikenessError(f"targets: there is no face of {name!r} to learn from")
            if slot(name) in self.ranges:
                self.ranges[slot(name)].learn(points[targets == i])  # type: ignore[operator]
            if self.recipe.axes:
                self.generators[slot(name)].given.learn(points[targets == i])  # type: ignore[union-attr, operator]

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The generic face as the beginning of every target; which landmarks are common is each target's own.

        A face of half the side, or a quarter, begins as itself enlarged (:func:`~likeness.systems.landmark.networks.grown`).
        """
        state = self._enlarged(state)
        found: dict[str, Tensor] = {}
        own = ("seen.", "ranges.")
        strangers = [slot(name) for name in (GENERIC, *self.recipe.names)]
        for key, value in state.items():
            first, _, rest = key.partition(f".{strangers[0]}.")
            if rest:
                found |= {f"{first}.{name}.{rest}": value for name in strangers[1:]}
            elif not key.startswith(own):
                found[key] = value
        return found | {key: value for key, value in self.shipped_state().items() if key.startswith(own)}

    def _enlarged(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights for smaller faces, brought to the recipe's size."""
        found = {key: value for key, value in state.items() if not key.startswith("generators.")}
        generators: dict[str, dict[str, Tensor]] = {}
        for key in state.keys() - found.keys():
            _, name, rest = key.split(".", 2)
            generators.setdefault(name, {})[rest] = state[key]
        for name, generator in generators.items():
            whole = {"head.weight", "head.bias"} <= generator.keys() and blocks_in(generator) > 0
            while whole and blocks_in(generator) < self.recipe.blocks:
                generator = grown(generator)
            found |= {f"generators.{name}.{rest}": value for rest, value in generator.items()}
        return found

    def parameters_of(self, player: str) -> list[nn.Parameter]:
        """The parameters that a player moves; Φ rests where the recipe says that it is another's."""
        if player == "C" and self.recipe.freeze_encoder:
            return list(self.converter.decoders.parameters())
        return super().parameters_of(player)

    def validation_subset(self, store: FaceStore) -> FaceStore:
        """All held-out faces of targets; of everybody, one of each."""
        return store.select("validation") if self.recipe.targets else super().validation_subset(store)

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> LandmarkBatch:
        """Faces and their landmarks, mirrored and moved or not; all chance from ``generator``."""
        size, photo, landmarks = self.recipe.framing.size, rows["photo"], rows["landmarks"]
        if augment and self.recipe.flip:
            turned = torch.rand(len(photo), generator=generator) < 0.5
            photo = torch.stack([one.flip(-1) if turn else one for one, turn in zip(photo, turned, strict=True)])
            landmarks = torch.where(turned[:, None, None].to(landmarks.device), mirrored(landmarks, size), landmarks)
        if augment and self.recipe.moves:
            ways = self._ways(len(photo), generator)
            pictures = [
                way.warp(one, size, size).transpose(2, 0, 1)
                for one, way in zip(photo.permute(0, 2, 3, 1).cpu().numpy(), ways, strict=True)
            ]
            photo, landmarks = torch.from_numpy(np.stack(pictures)).to(photo.device), brought(landmarks, ways)
        points, target = (landmarks + 0.5) / size, rows["target"].tolist()
        driver = points[torch.randperm(len(points), generator=generator).to(points.device)]
        faces = Counter(target)
        weight = [len(target) / (len(faces) * faces[one]) for one in target]
        return LandmarkBatch(photo.float() / 127.5 - 1, points, driver, target, weight, generator)

    def _ways(self, count: int, generator: torch.Generator) -> list[Similarity]:
        """Chance similarities, as many as ``count``."""
        plan = self.recipe
        seeds = torch.randint(2**31, (count,), generator=generator).tolist()
        return [similarity(plan.framing.size, plan.turn, plan.scale, plan.shift, np.random.default_rng(s)) for s in seeds]

    def play(self, batch: LandmarkBatch, phase: Phase) -> Iterator[Move]:
        """One step: the critics, the converter by (4) and (5), the generators by (2), (3) and (6)."""
        own = {name: rows for i, name in enumerate(self.recipe.names) if (rows := batch.rows(i)) is not None}

        def mean(values: Iterable[Tensor]) -> Tensor:
            shares = (batch.share(self.recipe.names.index(name)) for name in own)
            return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum()

        @cache
        def shown(name: str) -> Tensor:  # what D_t is shown of Θ_t
            points = converted(batch.driver[own[name]], name, self.converter, self.ranges).detach()
            made: Tensor = self.generators[slot(name)](points)
            return made

        def discriminator_terms() -> dict[str, Term]:
            if not self.recipe.weights.adversarial:
                return {}
            losses = [
                critic_loss(self._said(n, batch.photo[own[n]], batch), self._said(n, shown(n).detach(), batch)) for n in own
            ]
            return {"critics": Term(mean(losses), 1.0, "(6)")}

        yield "D", discriminator_terms
        yield "C", lambda: self._convert(batch, own, mean)
        yield "G", lambda: self._paint(batch, own, mean, shown)

    def _convert(self, batch: LandmarkBatch, own: Mapping[str, Tensor], mean: Mean) -> dict[str, Term]:
        """(4) and (5), a mean over the targets in the batch."""
        weights, converter, terms = self.recipe.weights, self.converter, {}
        own_points = {name: batch.landmarks[rows] for name, rows in own.items()}
        if weights.reconstruction:
            costs = [
                reconstruction(points, converter(points, name), converter.neutral(points)) for name, points in own_points.items()
            ]
            terms["reconstruction"] = Term(mean(costs), weights.reconstruction, "(4)")
        if weights.crossed and len(self.recipe.names) > 1:
            names = self.recipe.names
            drawn = torch.randint(1, len(names), (len(names),), generator=batch.generator).tolist()  # s, so many names after t
            cycles = []
            for name, points in own_points.items():  # of the mean over s ≠ t one s, by chance
                place = names.index(name)
                through = names[(place + drawn[place]) % len(names)]
                cycles.append(crossed(points, name, [through], converter.neutral, converter.decode))
            terms["crossed"] = Term(mean(cycles), weights.crossed, "(5)")
        return terms

    def _paint(
        self, batch: LandmarkBatch, own: Mapping[str, Tensor], mean: Mean, shown: Callable[[str], Tensor]
    ) -> dict[str, Term]:
        """(2), (3) and (6), means over the targets in the batch."""
        weights, terms = self.recipe.weights, {}
        given = {name: self._shaken(batch.landmarks[rows], name, batch.generator) for name, rows in own.items()}
        made = {name: self.generators[slot(name)](given[name]) for name in own}
        true = {name: batch.photo[rows] for name, rows in own.items()}
        if weights.image:
            terms["image"] = Term(mean([image(true[name], made[name]) for name in own]), weights.image, "(2)")
        if weights.perceptual:
            terms["perceptual"] = Term(mean([self._apart(true[n], made[n], batch) for n in own]), weights.perceptual, "ours")
        if weights.kept:
            seen = [kept(given[name], self.detector(made[name])) for name in own]
            terms["kept"] = Term(mean(seen), weights.kept, "(3)")
        if weights.adversarial:
            fooled = [generator_adversarial(self._said(name, shown(name), batch)) for name in own]
            terms["adversarial"] = Term(mean(fooled), weights.adversarial, "(6)")
        return terms

    def _said(self, name: str, faces: Tensor, batch: LandmarkBatch) -> Judgement:
        """What D_t says of faces."""
        return judgement(self.critics[slot(name)], faces, batch.generator)

    def _shaken(self, points: Tensor, name: str, generator: torch.Generator) -> Tensor:
        """A target's landmarks as Θ_t is given them to learn from."""
        if not any(self.recipe.landmark_jitter) or slot(name) not in self.ranges:
            return points
        moved: Tensor = self.ranges[slot(name)].jittered(points, *self.recipe.landmark_jitter, generator)  # type: ignore[operator]
        return moved

    def _apart(self, photo: Tensor, made: Tensor, batch: LandmarkBatch) -> Tensor:
        if self.recipe.crop:
            photo, made = same_crop([photo, made], self.recipe.crop, batch.generator)
        return feature_distance(self.features(photo), self.features(made))

    def show(self, rows: Table) -> Image:
        """Columns of photo, its own target's face from its landmarks, and every target's."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator(), augment=False)
            names = self.recipe.names
            own = torch.cat(
                [self.generators[slot(names[t])](points[None]) for points, t in zip(batch.landmarks, batch.target, strict=True)]
            )
            columns = [batch.photo, own.float()]
            for name in names[:6]:
                points = converted(batch.landmarks, name, self.converter, self.ranges)
                columns.append(self.generators[slot(name)](points).float())
        return np.concatenate([np.concatenate(list(to_images(column)), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean absolute error in [0, 1] of faces from their own landmarks; mean distance of reconverted landmarks, in [0, 1].

        Where its package is installed also ``lite0``, the distance of the faces on EfficientNet-Lite0's features.
        """
        errors, away, pictures = [], [], []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 20):
                some = {key: column[start : start + 20] for key, column in rows.items()}
                batch = self.batch(some, torch.Generator(), augment=False)
                for i, name in enumerate(self.recipe.names):
                    if (own := batch.rows(i)) is not None:
                        points, photo = batch.landmarks[own], batch.photo[own]
                        made = self.generators[slot(name)](points).float()
                        pictures.append((photo, made))
                        errors.append((made - photo).abs().flatten(1).mean(1) / 2)
                        away.append((self.converter(points, name) - points).norm(dim=-1).mean(1))
        figures = {"absolute": float(torch.cat(errors).mean()), "converter": float(torch.cat(away).mean())}
        photos, faces = (torch.cat(some) for some in zip(*pictures, strict=True))
        return figures | judged_distance(photos, faces)


def mirrored(landmarks: Tensor, size: int) -> Tensor:
    """The landmarks N × 68 × 2 of mirror images ``size`` pixels wide."""
    return torch.stack([torch.from_numpy(mirror(one, size)) for one in landmarks.cpu().numpy()]).to(landmarks)


def brought(landmarks: Tensor, ways: Sequence[Similarity]) -> Tensor:
    """Landmarks N × 68 × 2, each face's by its own similarity."""
    points = [way.apply(some) for some, way in zip(landmarks.cpu().numpy(), ways, strict=True)]
    return torch.from_numpy(np.stack(points)).to(landmarks)


def open_detector() -> Detector:
    """Ω from its shipped weights, for faces of any size."""
    network, side = open_landmark_net(assets.WEIGHTS / "landmark_detector" / "weights.safetensors")

    def detect(faces: Tensor) -> Tensor:
        network.to(faces.device)  # no part of the system, which may move after it was opened
        faces = faces.float()  # scaling knows no bfloat16
        scaled = interpolate(faces, size=(side, side), mode="bilinear", antialias=True) if faces.shape[-1] != side else faces
        return (expected(heat(network(scaled).float())) + 1) / 2

    return detect
