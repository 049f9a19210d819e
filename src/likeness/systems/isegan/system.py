"""ISEGAN in training: sketch to photo through an intermediate parsing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.labels import CLASSES, coloured
from likeness.image import to_images
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.perceptual import Features, judged_distance, same_crop
from likeness.nn.efficientnet import efficientnet_features, open_efficientnet
from likeness.nn.patchgan import PatchGAN
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.vgg import vgg_features
from likeness.recipe import Phase
from likeness.records import Image
from likeness.system import Move, System, Table
from likeness.systems.isegan.networks import BothStages, DIPGenerator, SEGenerator, widths
from likeness.systems.isegan.objective import Net, judge_first, judge_second, write_first, write_second
from likeness.systems.isegan.recipes import ISEGANRecipe


@dataclass(frozen=True)
class Batch:
    """``sketch`` X and ``photo`` Y, B × 3 × S × S in [-1, 1]; their parsings P_s and P_p, B × 8 × S × S in [0, 1]."""

    sketch: Tensor
    photo: Tensor
    sketch_parsing: Tensor
    photo_parsing: Tensor
    generator: torch.Generator

    @property
    def given(self) -> Tensor:
        """X and P_s, what every critic of pictures is told."""
        return torch.cat([self.sketch, self.sketch_parsing], 1)


def build_generators(recipe: ISEGANRecipe) -> tuple[DIPGenerator, SEGenerator]:
    """G1 and G2 of a recipe."""
    wide = widths(recipe.networks.width, recipe.networks.depth, recipe.networks.widest)
    return DIPGenerator(len(CLASSES), wide, recipe.middle), SEGenerator(len(CLASSES), wide, recipe.enhanced)


def build_critics(recipe: ISEGANRecipe) -> tuple[nn.Module, nn.Module]:
    """D1 and D2 of a recipe."""
    width, seed = recipe.networks.critic_width, recipe.training.seed
    if recipe.networks.discriminator == "projected":
        features = open_efficientnet()
        return tuple(ProjectedDiscriminator(head=width, seed=seed + i, features=features) for i in (0, 1))  # type: ignore[return-value]
    told = 6 + len(CLASSES)  # X and P_s, and the photo
    return PatchGAN(told, width, 3, "instance"), PatchGAN(told, width, 1, "instance")  # patches of 70 × 70 and 16 × 16


class ISEGANSystem(System):
    """DIP-GAN: G1 against D1 and D_par; SE-GAN: G2 against D2. D1 and D_par move as one, for (1) weighs one against the other."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {
        "D1": ("photo_critic", "parsing_critic"),
        "D2": ("second_critic",),
        "G1": ("first",),
        "G2": ("second",),
    }
    ships: ClassVar[tuple[str, ...]] = ("first", "second")
    recipe: ISEGANRecipe

    def __init__(self, recipe: ISEGANRecipe, features: Features | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.first, self.second = build_generators(recipe)
        self.photo_critic, self.second_critic = build_critics(recipe)
        self.parsing_critic = PatchGAN(len(CLASSES), recipe.networks.critic_width, 3, "instance")
        self._features = features

    def features(self, photo: Tensor, made: Tensor, generator: torch.Generator) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """φ of (5), of both pictures, or of the same random square of both."""
        if self._features is None:
            self._features = self._open_features()
        if self.recipe.crop:
            photo, made = same_crop([photo, made], self.recipe.crop, generator)
        with torch.no_grad():
            true = self._features(photo)
        return true, self._features(made)

    def _open_features(self) -> Features:
        """φ of the recipe.

        Raises:
            LikenessError: its weights cannot be had.
        """
        if self.recipe.perceptual == "efficientnet":
            return efficientnet_features()
        try:
            return vgg_features(self.recipe.features, self.recipe.distilled)
        except LikenessError as problem:
            raise LikenessError(f"{problem}; or train with --set perceptual=efficientnet, which needs no VGG-19") from None

    def table(self, store: FaceStore) -> Table:
        """``photo``, ``sketch`` uint8 N × 3 × S × S and their ``…_parsing`` uint8 N × 8 × S × S in 255ths."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        if not (store.paired and store.mapped):
            raise LikenessError(
                f"{store.path}: its faces have no sketches with parsings; make some: likeness prepare cufs FOLDER"
            )
        columns: dict[str, list[Tensor]] = {name: [] for name in ("photo", "sketch", "photo_parsing", "sketch_parsing")}
        for face in store:
            assert face.pair is not None and face.maps is not None
            for name, picture in (("photo", face.image), ("sketch", face.pair)):
                columns[name].append(torch.from_numpy(picture.transpose(2, 0, 1).copy()))
            for name, maps in zip(("photo_parsing", "sketch_parsing"), face.maps, strict=True):
                columns[name].append(torch.from_numpy(maps.copy()))
        return {name: torch.stack(column) for name, column in columns.items()}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> Batch:
        """Each pair padded and cropped at one random place, mirrored or not; all chance from ``generator``."""
        columns = dict(rows)
        if augment and self.recipe.jitter:
            places = torch.randint(self.recipe.jitter + 1, (len(rows["photo"]), 2), generator=generator).tolist()
            columns = {name: moved(column, places, self.recipe.jitter) for name, column in columns.items()}
        if augment and self.recipe.flip:
            turned = (torch.rand(len(rows["photo"]), generator=generator) < 0.5).tolist()
            columns = {
                name: torch.stack([one.flip(-1) if turn else one for one, turn in zip(column, turned, strict=True)])
                for name, column in columns.items()
            }
        sketch, photo = ("sketch", "photo") if self.recipe.made == "photo" else ("photo", "sketch")  # or the other way round
        return Batch(
            columns[sketch].float() / 127.5 - 1,
            columns[photo].float() / 127.5 - 1,
            columns[f"{sketch}_parsing"].float() / 255,
            columns[f"{photo}_parsing"].float() / 255,
            generator,
        )

    def play(self, batch: Batch, phase: Phase) -> Iterator[Move]:
        """One step (section 3.1): D1 and D_par, then D2, then G1, then G2."""
        plan, weights = self.recipe, self.recipe.weights
        parsing_critic = self.parsing_critic if plan.middle else None
        middle, first = self.first(batch.sketch, batch.sketch_parsing)
        regions = middle.detach() if plan.regions == "intermediate" else batch.sketch_parsing
        seen = middle.detach(), first.detach()

        def look(photo: Tensor, made: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
            return self.features(photo, made, batch.generator)

        def critic(network: nn.Module) -> Net:
            def asked(photo: Tensor) -> Judgement:
                return judgement(network, photo, batch.generator, batch.given)

            return asked

        one, two = critic(self.photo_critic), critic(self.second_critic)
        yield (
            "D1",
            lambda: judge_first(
                one,
                parsing_critic,
                (batch.photo, seen[1]),
                (batch.photo_parsing, seen[0]),
                weights.alpha,
            ),
        )
        second = self.second(batch.sketch, seen[1], batch.sketch_parsing, seen[0]) if plan.stages == 2 else seen[1]
        yield "D2", lambda: judge_second(two, batch.photo, second.detach())
        yield (
            "G1",
            lambda: write_first(
                one,
                parsing_critic,
                look,
                (batch.photo, first),
                (batch.photo_parsing, middle),
                regions,
                weights,
            ),
        )
        yield "G2", lambda: write_second(two, look, (batch.photo, second), regions, weights)

    def both(self) -> BothStages:
        """What a sketch goes through."""
        return BothStages(self.first, self.second if self.recipe.stages == 2 else None)

    def show(self, rows: Table) -> Image:
        """Rows of X, P_s, P_int, Ŷ(1), Ŷ(2), Y and P_p."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator(), augment=False)
            middle, first, second = self.both()(batch.sketch, batch.sketch_parsing)
        pictures = [to_images(one.float()) for one in (batch.sketch, first, second, batch.photo)]
        parsings = [
            coloured(one.argmax(1).to(torch.uint8).cpu().numpy()) for one in (batch.sketch_parsing, middle, batch.photo_parsing)
        ]
        columns = [pictures[0], parsings[0], parsings[1], pictures[1], pictures[2], pictures[3], parsings[2]]
        return np.concatenate([np.concatenate(list(column), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean absolute error in [0, 1] of both stages, and the share of pixels whose class P_int has right.

        Where its package is installed also ``lite0``, the distance of Ŷ(2) from Y on EfficientNet-Lite0's features.
        """
        found: dict[str, list[Tensor]] = {"absolute_1": [], "absolute_2": [], "parsing": []}
        pictures: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 10):
                some = {key: column[start : start + 10] for key, column in rows.items()}
                batch = self.batch(some, torch.Generator(), augment=False)
                middle, *photos = self.both()(batch.sketch, batch.sketch_parsing)
                for name, made in zip(("absolute_1", "absolute_2"), photos, strict=True):
                    found[name].append((made.float() - batch.photo).abs().flatten(1).mean(1) / 2)
                pictures.append((batch.photo, photos[1].float()))
                right = middle.argmax(1) == batch.photo_parsing.argmax(1)
                found["parsing"].append(right.float().flatten(1).mean(1))
        photos, made = (torch.cat(some) for some in zip(*pictures, strict=True))
        return {name: float(torch.cat(values).mean()) for name, values in found.items()} | judged_distance(photos, made)


def moved(pictures: Tensor, places: Sequence[Sequence[int]], jitter: int) -> Tensor:
    """Pictures padded by half of ``jitter`` on each side and cropped to their size again, each at its own (y, x).

    Three channels are padded with black, as the paper does it; eight with the class background.
    """
    size, before = pictures.shape[-1], jitter // 2
    large = pad(pictures, (before, jitter - before, before, jitter - before))
    if pictures.shape[1] != 3:
        outside = torch.ones(large.shape[-2:], dtype=torch.bool, device=large.device)
        outside[before : before + size, before : before + size] = False
        large[:, 0][:, outside] = 255
    return torch.stack([one[:, y : y + size, x : x + size] for one, (y, x) in zip(large, places, strict=True)])
