"""What CycleGAN and DualGAN share: a generator each way, a critic of each kind of picture, and pictures that come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from likeness.data.store import FaceStore
from likeness.engine import Weights
from likeness.engine.graph import in_batches
from likeness.errors import LikenessError
from likeness.faces.align import Framing, check_framed
from likeness.faces.cufs import FRAMING, HEIGHT, WIDTH, padded
from likeness.faces.landmark_detector import framing_of
from likeness.image import from_planes, picture_of, to_images, to_planes
from likeness.nn.patchgan import PatchGAN
from likeness.recipe import Phase, Recipe, Training, require, require_each
from likeness.records import Image
from likeness.synthesizer import Condition, Prepared, Result, Synthesizer, describe
from likeness.system import System, Table
from likeness.systems.isegan.system import moved


@dataclass(frozen=True)
class TwoWayRecipe(Recipe):
    """``width`` and ``critic_width`` are the channels of first layers, ``cycle`` is λ of what comes back.

    ``jitter`` and ``flip`` vary pictures as ISEGAN's recipe does.
    """

    framing: Framing = field(default_factory=lambda: FRAMING)
    width: int = 64
    critic_width: int = 64
    cycle: float = 10.0
    jitter: int = 30
    flip: bool = True

    def __post_init__(self) -> None:
        require(self.framing.size % 16 == 0, "framing.size", self.framing.size, "a multiple of 16")
        require_each(self, ("width", "critic_width"), 4, 1024, "a number from 4 to 1024")
        require(0 <= self.cycle < float("inf"), "cycle", self.cycle, "a weight of 0 or more")
        require(0 <= self.jitter <= self.framing.size, "jitter", self.jitter, "a number of pixels, at most the framing's size")


@dataclass(frozen=True)
class TwoWayBatch:
    """``sketch`` and ``photo``, B × 3 × S × S in [-1, 1]; that they are of the same people is not used."""

    sketch: Tensor
    photo: Tensor
    generator: torch.Generator


class TwoWay(System):
    """``forth`` makes photos from sketches, ``back`` sketches from photos; a critic of either."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("photo_critic", "sketch_critic"), "G": ("forth", "back")}
    ships: ClassVar[tuple[str, ...]] = ("forth", "back")
    recipe: TwoWayRecipe

    def __init__(self, recipe: TwoWayRecipe, build: Callable[[], nn.Module], norm: str) -> None:
        super().__init__()
        self.recipe = recipe
        self.forth, self.back = build(), build()
        self.photo_critic, self.sketch_critic = (PatchGAN(3, recipe.critic_width, 3, norm) for _ in range(2))

    def table(self, store: FaceStore) -> Table:
        """``photo`` and ``sketch`` uint8 N × 3 × S × S."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        if not store.paired:
            raise LikenessError(f"{store.path}: its faces have no sketches; make some: likeness prepare cufs FOLDER")
        photos, sketches = [], []
        for face in store:
            assert face.pair is not None
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            sketches.append(torch.from_numpy(face.pair.transpose(2, 0, 1).copy()))
        return {"photo": torch.stack(photos), "sketch": torch.stack(sketches)}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> TwoWayBatch:
        """Photos and sketches, mixed within the batch, each moved on its own; all chance from ``generator``.

        In a batch of one or two a photo may meet its own sketch; no loss compares the two.
        """
        photos, sketches = rows["photo"], rows["sketch"]
        if augment:
            sketches = sketches[torch.randperm(len(sketches), generator=generator)]
            photos, sketches = (self._varied(some, generator) for some in (photos, sketches))
        return TwoWayBatch(sketches.float() / 127.5 - 1, photos.float() / 127.5 - 1, generator)

    def _varied(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        if self.recipe.jitter:
            places = torch.randint(self.recipe.jitter + 1, (len(pictures), 2), generator=generator).tolist()
            pictures = moved(pictures, places, self.recipe.jitter)
        if self.recipe.flip:
            turned = (torch.rand(len(pictures), generator=generator) < 0.5).tolist()
            pictures = torch.stack([one.flip(-1) if turn else one for one, turn in zip(pictures, turned, strict=True)])
        return pictures

    def show(self, rows: Table) -> Image:
        """Rows of sketch, made photo, photo and made sketch."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator(), augment=False)
            columns = [batch.sketch, self.forth(batch.sketch).float(), batch.photo, self.back(batch.photo).float()]
        return np.concatenate([np.concatenate(list(to_images(column)), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean absolute error in [0, 1] of the photos."""
        errors = []
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 10):
                batch = self.batch({key: column[start : start + 10] for key, column in rows.items()}, torch.Generator(), False)
                errors.append((self.forth(batch.sketch).float() - batch.photo).abs().flatten(1).mean(1) / 2)
        return {"absolute": float(torch.cat(errors).mean())}


class TwoWaySynthesizer(Synthesizer):
    """Photos from sketches that are framed like CUFS's: 200 × 250, or padded already."""

    conditions: ClassVar[tuple[Condition, ...]] = (Condition("sketch", "drawing", True, "a sketch of a face, framed like CUFS"),)
    batch: ClassVar[int] = 8

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.framing = framing_of(weights)

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        given, _ = self.chosen(request)
        picture, _ = picture_of(given["sketch"], "the sketch")
        if self.framing == FRAMING and picture.shape[:2] == (HEIGHT, WIDTH):
            picture = padded(picture)
        (framed,) = check_framed([picture], self.framing, "sketch")
        made = self.said(conditions={"sketch": describe(given["sketch"])})
        return Prepared({"sketch": framed}, {"sketch": framed}, made)

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A photo for each sketch, with its padding."""
        if not requests:
            return []
        made = self.draw([request.arrays["sketch"] for request in requests])
        return [Result(photo, request.pictures, request.made) for photo, request in zip(made, requests, strict=True)]

    def draw(self, pictures: Sequence[Image]) -> Image:
        """A photo for each framed sketch S × S × 3: uint8 N × S × S × 3."""
        sketches = to_planes(check_framed(pictures, self.framing, "sketch"))
        return from_planes(in_batches(self.weights.graphs["forth"], self.batch, sketch=sketches)["photo"])


K = TypeVar("K", bound=TwoWayRecipe)


def variants(
    kind: type[K], name: str, rates: tuple[float, float], betas: tuple[float, float] = (0.5, 0.999), **fields: Any
) -> dict[str, Callable[[], K]]:
    """``tiny``, ``lite`` and ``paper`` of a method."""

    def make(variant: str, size: int, width: int, batch: int, steps: int, expects: str) -> Callable[[], K]:
        plan = Training(
            batch=batch,
            rates=rates,
            betas=betas,
            phases=(Phase(steps, ("D", "G")),),
            cooldown=steps // 3,
            ema=max(steps / 40, 1.0),
        )
        plan = Training(**{**plan.__dict__, "every": min(250, max(steps // 2, 1)), "look": min(500, max(steps // 2, 1))})
        framing = Framing(size, FRAMING.eye_distance, FRAMING.eye_height, FRAMING.mouth_drop)
        return lambda: kind(
            name=f"{name}:{variant}",
            training=plan,
            framing=framing,
            width=width,
            critic_width=max(8, min(width, 64)),
            jitter=30 * size // 256,
            expects=expects,
            **fields,
        )

    return {
        "tiny": make("tiny", 64, 8, 2, 10, "seconds on two cores; smudges"),
        "lite": make("lite", 256, 16, 2, 2000, "an hour on two cores"),
        "paper": make("paper", 256, 64, 1, 200 * 268, "hours on a GPU; not run yet"),
    }
