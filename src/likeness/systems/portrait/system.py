"""The portrait system: pix2pix, with its drawings made from the photos as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.landmarks import mirror
from likeness.image import to_images, to_tensor
from likeness.nn.patchgan import PatchGAN
from likeness.nn.unet import UNet
from likeness.recipe import Phase
from likeness.records import Image
from likeness.system import Move, System, Table
from likeness.systems.portrait.objective import judge, write
from likeness.systems.portrait.recipes import PortraitRecipe


@dataclass(frozen=True)
class PortraitBatch:
    """``drawing`` x and ``photo`` y, B × 3 × S × S in [-1, 1], and ``noise`` z, B × K in [0, 1), or None."""

    drawing: Tensor
    photo: Tensor
    noise: Tensor | None


class PortraitSystem(System):
    """G paints photos from drawings, D tells (drawing, made) from (drawing, photo)."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("discriminator",), "G": ("generator",)}
    ships: ClassVar[tuple[str, ...]] = ("generator",)
    recipe: PortraitRecipe

    def __init__(self, recipe: PortraitRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.generator = UNet(recipe.framing.size, 3, 3, recipe.width, recipe.norm, recipe.levels)
        self.discriminator = PatchGAN(6, recipe.critic_width, 3, recipe.critic_norm)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S and ``landmarks`` N × 68 × 2 in pixels."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        photos, landmarks = [], []
        for face in store:
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            landmarks.append(torch.from_numpy(face.landmarks))
        return {"photo": torch.stack(photos), "landmarks": torch.stack(landmarks)}

    def judged(self, store: FaceStore) -> FaceStore:
        """One person's held-out photos are all looked at; of many people, the first of each."""
        held_out = store.select("validation")
        return held_out if len(set(store.column("person"))) == 1 else held_out.first_of_each_person()

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> PortraitBatch:
        """Draw each photo with an effect of the recipe; all chance from ``generator``.

        Without ``augment`` the i-th photo gets the i-th effect in turn, nothing is erased, and there is no noise.
        """
        plan, device = self.recipe.drawing, rows["photo"].device
        photos = rows["photo"].permute(0, 2, 3, 1).cpu().numpy()
        landmarks = rows["landmarks"].cpu().numpy()
        count = len(photos)
        if not augment:
            drawings = [effects.apply(plan.effects[i % len(plan.effects)], photo, 0) for i, photo in enumerate(photos)]
            return PortraitBatch(to_tensor(np.stack(drawings)).to(device), to_tensor(photos).to(device), None)
        seeds = torch.randint(2**31, (count,), generator=generator).tolist()
        pairs = [self._pair(photo, points, seed) for photo, points, seed in zip(photos, landmarks, seeds, strict=True)]
        drawing, photo = (to_tensor(np.stack(pictures)) for pictures in zip(*pairs, strict=True))
        if plan.jitter:
            drawing, photo = jittered(drawing, photo, plan.jitter, generator)
        noise = None
        if self.recipe.dropout:
            noise = torch.rand(count, self.generator.noise_length, generator=generator).to(device)
        return PortraitBatch(drawing.to(device), photo.to(device), noise)

    def _pair(self, photo: Image, landmarks: np.ndarray, seed: int) -> tuple[Image, Image]:
        """A photo, varied, and its drawing."""
        plan, chance = self.recipe.drawing, np.random.default_rng(seed)
        if plan.flip and chance.random() < 0.5:
            photo = np.ascontiguousarray(photo[:, ::-1])
            landmarks = mirror(landmarks, photo.shape[1])
        if plan.light:
            gain, lift = 1 + plan.light * (2 * chance.random() - 1), 255 * plan.light * 0.5 * (2 * chance.random() - 1)
            photo = np.clip(np.round((photo.astype(np.float32) - 127.5) * gain + 127.5 + lift), 0, 255).astype(np.uint8)
        drawing = effects.apply(str(chance.choice(plan.effects)), photo, int(chance.integers(2**31)))
        if chance.random() < plan.erase:
            names = chance.choice(list(effects.FEATURES), size=int(chance.integers(1, 3)), replace=False)
            region = effects.erased_region(photo.shape[:2], landmarks.astype(np.float32), [str(name) for name in names])
            drawing = effects.mutilate(drawing, region)
        return drawing, photo

    def play(self, batch: PortraitBatch, phase: Phase) -> Iterator[Move]:
        """One step of gradient descent on D, then one on G (section 3.3)."""
        fake = self.generator(batch.drawing, batch.noise)
        yield "D", lambda: judge(self.discriminator, batch.drawing, batch.photo, fake.detach())
        yield (
            "G",
            lambda: write(self.discriminator, batch.drawing, batch.photo, fake, self.recipe.adversarial, self.recipe.absolute),
        )

    def show(self, rows: Table) -> Image:
        """Rows of drawing, made photo and photo."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator(), augment=False)
            columns = [batch.drawing, self.generator(batch.drawing).float(), batch.photo]
        return np.concatenate([np.concatenate(list(to_images(column)), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean absolute error in [0, 1] and PSNR in dB over the faces, each drawn with the effects in turn."""
        errors, ratios = [], []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 50):
                batch = self.batch({key: column[start : start + 50] for key, column in rows.items()}, torch.Generator(), False)
                fake = self.generator(batch.drawing).float().clamp(-1, 1)
                errors.append((fake - batch.photo).abs().flatten(1).mean(1) / 2)
                square = ((fake - batch.photo) / 2).square().flatten(1).mean(1).clamp(min=1e-8)
                ratios.append(-10 * torch.log10(square))
        return {"absolute": float(torch.cat(errors).mean()), "psnr": float(torch.cat(ratios).mean())}


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
