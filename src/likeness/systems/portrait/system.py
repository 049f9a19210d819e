"""The portrait system: pix2pix, with its drawings made from the photos as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from likeness.data.store import FaceStore
from likeness.data.unaligned import unaligned
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.landmarks import mirror
from likeness.image import to_images, to_tensor
from likeness.losses.adversarial import Judgement, judgement
from likeness.losses.perceptual import Features, judged_distance, same_crop
from likeness.losses.pixel import absolute_within
from likeness.nn.efficientnet import efficientnet_features
from likeness.nn.patchgan import PatchGAN
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.unet import UNet
from likeness.nn.vgg import vgg_features
from likeness.recipe import Phase
from likeness.records import Image, Term
from likeness.system import Move, System, Table
from likeness.systems.portrait.objective import discriminator_terms, generator_terms, perceived
from likeness.systems.portrait.recipes import PortraitRecipe

MIRRORED = {"left_eye": "right_eye", "right_eye": "left_eye"}
"""What a feature is called in a mirrored picture, where that is not the same."""


@dataclass(frozen=True)
class PortraitBatch:
    """``source`` x and ``target`` y, B × 3 × S × S in [-1, 1], and ``noise`` z, B × K in [0, 1), or None.

    ``erased`` is 1 where features were rubbed out of x, B × 1 × S × S; where pairs are jittered it is not.
    """

    source: Tensor
    target: Tensor
    noise: Tensor | None
    erased: Tensor
    generator: torch.Generator


def build_discriminator(recipe: PortraitRecipe) -> nn.Module:
    """The discriminator that a recipe names."""
    if recipe.discriminator == "projected":
        return ProjectedDiscriminator(head=recipe.critic_width, seed=recipe.training.seed)
    return PatchGAN(6, recipe.critic_width, recipe.critic_layers, recipe.critic_norm)


class PortraitSystem(System):
    """G makes y from x, D tells (x, G(x)) from (x, y); x is a drawing and y its photo, or the other way round."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("discriminator",), "G": ("generator",)}
    ships: ClassVar[tuple[str, ...]] = ("generator",)
    on_host: ClassVar[bool] = True
    recipe: PortraitRecipe

    def __init__(self, recipe: PortraitRecipe, features: Features | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.generator = UNet(recipe.framing.size, 3, 3, recipe.width, recipe.norm, recipe.levels)
        self.discriminator = build_discriminator(recipe)
        self._features = features

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Φ of the perceptual term, loaded when it is first needed."""
        if self._features is None:
            self._features = vgg_features() if self.recipe.perceptual == "vgg19" else efficientnet_features()
        return list(self._features(pictures))

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S, ``landmarks`` N × 68 × 2 in pixels and, from pairs, ``pair`` like ``photo``."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        if self.recipe.drawing.source == "pairs" and not store.paired:
            raise LikenessError(f"{store.path}: its faces have no other picture; prepare them with --with, --labels or --depth")
        photos, landmarks, pairs = [], [], []
        for face in store:
            if self.recipe.drawing.unaligned:
                face = unaligned(face, self.recipe.drawing.unaligned)
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            landmarks.append(torch.from_numpy(face.landmarks))
            if self.recipe.drawing.source == "pairs":
                assert face.pair is not None
                pairs.append(torch.from_numpy(face.pair.transpose(2, 0, 1).copy()))
        table = {"photo": torch.stack(photos), "landmarks": torch.stack(landmarks)}
        return table | {"pair": torch.stack(pairs)} if pairs else table

    def validation_subset(self, store: FaceStore) -> FaceStore:
        """One person's held-out photos are all looked at; of many people, the first of each."""
        held_out = store.select("validation")
        return held_out if len(set(store.column("person"))) == 1 else held_out.first_of_each_person()

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> PortraitBatch:
        """Draw each photo with an effect of the recipe, or take its other picture; all chance from ``generator``.

        Without ``augment`` the i-th photo gets the i-th effect in turn, nothing is erased, and there is no noise.
        """
        plan, device = self.recipe.drawing, rows["photo"].device
        photos = rows["photo"].permute(0, 2, 3, 1).cpu().numpy()
        others = rows["pair"].permute(0, 2, 3, 1).cpu().numpy() if plan.source == "pairs" else None
        count = len(photos)
        if augment:
            landmarks = rows["landmarks"].cpu().numpy()
            seeds = torch.randint(2**31, (count,), generator=generator).tolist()
            pairs = [
                self._pair(photos[i], others[i] if others is not None else None, landmarks[i], seeds[i]) for i in range(count)
            ]
        elif others is not None:
            pairs = [(other, photo, _none(photo)) for other, photo in zip(others, photos, strict=True)]
        else:
            drawn = [effects.apply(plan.effects[i % len(plan.effects)], photo, 0) for i, photo in enumerate(photos)]
            pairs = [(one, photo, _none(photo)) for one, photo in zip(drawn, photos, strict=True)]
        drawing, photo = (to_tensor(np.stack(pictures)) for pictures in zip(*(pair[:2] for pair in pairs), strict=True))
        erased = torch.from_numpy(np.stack([pair[2] for pair in pairs]))[:, None].float()
        if augment and plan.jitter:
            drawing, photo = jittered(drawing, photo, plan.jitter, generator)
        noise = None
        if augment and self.recipe.dropout:
            noise = torch.rand(count, self.generator.noise_length, generator=generator).to(device)
        source, target = (drawing, photo) if self.recipe.made == "photo" else (photo, drawing)
        return PortraitBatch(source.to(device), target.to(device), noise, erased.to(device), generator)

    def _pair(
        self, photo: Image, other: Image | None, landmarks: np.ndarray, seed: int
    ) -> tuple[Image, Image, NDArray[np.bool_]]:
        """A drawing, and its photo, varied; and where features were rubbed out of it."""
        plan, chance = self.recipe.drawing, np.random.default_rng(seed)
        flipped = bool(plan.flip and chance.random() < 0.5)
        if flipped:
            photo = np.ascontiguousarray(photo[:, ::-1])
            other = None if other is None else np.ascontiguousarray(other[:, ::-1])
            landmarks = mirror(landmarks, photo.shape[1])
        if plan.light and not (plan.source == "pairs" and self.recipe.made == "photo"):
            gain, lift = 1 + plan.light * (2 * chance.random() - 1), 255 * plan.light * 0.5 * (2 * chance.random() - 1)
            photo = np.clip(np.round((photo.astype(np.float32) - 127.5) * gain + 127.5 + lift), 0, 255).astype(np.uint8)
        drawing = effects.apply(str(chance.choice(plan.effects)), photo, int(chance.integers(2**31))) if other is None else other
        if self.recipe.made == "photo" and chance.random() < plan.erase:
            count = min(int(chance.integers(1, 3)), len(plan.features))
            names = [str(name) for name in chance.choice(list(plan.features), size=count, replace=False)]
            names = [MIRRORED.get(name, name) for name in names] if flipped else names
            drawing, erased = effects.rubbed_out(drawing, landmarks.astype(np.float32), names, chance, plan.eraser)
            return drawing, photo, erased
        return drawing, photo, _none(photo)

    def play(self, batch: PortraitBatch, phase: Phase) -> Iterator[Move]:
        """One step of gradient descent on D, then one on G (section 3.3)."""
        fake = self.generator(batch.source, batch.noise)

        def critic(pictures: Tensor) -> Judgement:
            return judgement(self.discriminator, pictures[:, 3:], batch.generator, pictures[:, :3])

        yield "D", lambda: discriminator_terms(critic, batch.source, batch.target, fake.detach())
        yield "G", lambda: self._write(critic, batch, fake)

    def _write(self, critic: Callable[[Tensor], Judgement], batch: PortraitBatch, fake: Tensor) -> dict[str, Term]:
        """(4), and the perceptual term where the recipe has one."""
        plan, view = self.recipe, [batch.target, fake]
        terms = generator_terms(critic, batch.source, batch.target, fake, plan.adversarial, plan.absolute)
        if plan.repaired:
            terms["repaired"] = Term(absolute_within(batch.target, fake, batch.erased), plan.repaired, "ours")
        if not plan.perceptual_weight:
            return terms
        if plan.crop:
            view = same_crop(view, plan.crop, batch.generator)
        return terms | perceived(self.features, view[0], view[1], plan.perceptual_weight)

    def show(self, rows: Table) -> Image:
        """Rows of x, G(x) and y; where the recipe erases features, x without its first feature and what G makes of it, too."""
        plan = self.recipe.drawing
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator(), augment=False)
            columns = [batch.source, self.generator(batch.source).float(), batch.target]
            if plan.erase and self.recipe.made == "photo":
                drawn, points = to_images(batch.source), rows["landmarks"].cpu().numpy()
                regions = [
                    effects.erased_region(one.shape[:2], some, plan.features[:1]) for one, some in zip(drawn, points, strict=True)
                ]
                rubbed = to_tensor(
                    np.stack([effects.mutilate(one, where) for one, where in zip(drawn, regions, strict=True)])
                ).to(batch.source)
                columns += [rubbed, self.generator(rubbed).float()]
        return np.concatenate([np.concatenate(list(to_images(column)), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean absolute error in [0, 1] and PSNR in dB over the faces; drawn, where they are, with the effects in turn.

        Where its package is installed also ``lite0``, the distance on EfficientNet-Lite0's features.
        """
        errors, ratios, pictures = [], [], []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 50):
                batch = self.batch({key: column[start : start + 50] for key, column in rows.items()}, torch.Generator(), False)
                fake = self.generator(batch.source).float().clamp(-1, 1)
                pictures.append((batch.target, fake))
                errors.append((fake - batch.target).abs().flatten(1).mean(1) / 2)
                square = ((fake - batch.target) / 2).square().flatten(1).mean(1).clamp(min=1e-8)
                ratios.append(-10 * torch.log10(square))
        photos, made = (torch.cat(some) for some in zip(*pictures, strict=True))
        return {"absolute": float(torch.cat(errors).mean()), "psnr": float(torch.cat(ratios).mean())} | judged_distance(
            photos, made
        )


def jittered(drawing: Tensor, photo: Tensor, pixels: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both of a pair enlarged by ``pixels`` and cropped to their size at one random place, another for each pair."""
    size = drawing.shape[-1]
    places = torch.randint(pixels + 1, (len(drawing), 2), generator=generator).tolist()
    large = [interpolate(pictures, size=size + pixels, mode="bilinear", antialias=False) for pictures in (drawing, photo)]
    one, other = (
        torch.stack([picture[:, y : y + size, x : x + size] for picture, (y, x) in zip(pictures, places, strict=True)])
        for pictures in large
    )
    return one, other


def _none(picture: Image) -> NDArray[np.bool_]:
    """Nothing of a picture H × W × 3 is erased."""
    return np.zeros(picture.shape[:2], np.bool_)
