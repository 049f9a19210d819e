"""The parser in training: photos, or drawings of them, and the classes of their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.labels import CLASSES, coloured, read_off
from likeness.faces.variety import moved, seen_otherwise
from likeness.image import to_images, to_tensor
from likeness.nn.bisenet import BiSeNet
from likeness.recipe import Phase
from likeness.records import Image
from likeness.system import Move, System, Table
from likeness.systems.parser.objective import joint_loss
from likeness.systems.parser.recipes import ParserRecipe


@dataclass(frozen=True)
class ParserBatch:
    """``picture`` B × 3 × S × S in [-1, 1] and ``classes`` B × S × S, integers."""

    picture: Tensor
    classes: Tensor


class ParserSystem(System):
    """One player: P, which tells what each pixel is."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"P": ("parser",)}
    ships: ClassVar[tuple[str, ...]] = ("parser",)
    on_host: ClassVar[bool] = True
    recipe: ParserRecipe

    def __init__(self, recipe: ParserRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.parser = BiSeNet(len(CLASSES), recipe.widths)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S and ``classes`` uint8 N × S × S, read off the coloured pairs."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        if store.pairs != "labels":
            raise LikenessError(f"{store.path}: its faces have no masks; prepare them with --labels MASKS")
        photos, classes = [], []
        for face in store:
            assert face.pair is not None
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            classes.append(torch.from_numpy(read_off(face.pair)))
        return {"photo": torch.stack(photos), "classes": torch.stack(classes)}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> ParserBatch:
        """Photos and classes, varied if ``augment``; all chance from ``generator``."""
        device = rows["photo"].device
        photos = rows["photo"].permute(0, 2, 3, 1).cpu().numpy()
        classes = rows["classes"].cpu().numpy()
        if augment:
            seeds = torch.randint(2**31, (len(photos),), generator=generator).tolist()
            made = [self._varied(*row) for row in zip(photos, classes, seeds, strict=True)]
            photos, classes = (np.stack(some) for some in zip(*made, strict=True))
        return ParserBatch(to_tensor(photos).to(device), torch.from_numpy(classes.astype(np.int64)).to(device))

    def _varied(self, photo: Image, classes: NDArray[np.uint8], seed: int) -> tuple[Image, NDArray[np.uint8]]:
        """A photo and its mask, moved alike; the photo drawn, or in another light."""
        plan, chance = self.recipe.variety, np.random.default_rng(seed)
        if plan.flip and chance.random() < 0.5:
            photo, classes = np.ascontiguousarray(photo[:, ::-1]), np.ascontiguousarray(classes[:, ::-1])
        photo, classes = moved(photo, classes, plan.turn, plan.scale, plan.shift, chance)
        return seen_otherwise(photo, plan, chance), classes

    def play(self, batch: ParserBatch, phase: Phase) -> Iterator[Move]:
        """One step of gradient descent."""
        main, *beside = self.parser(batch.picture)
        yield "P", lambda: joint_loss(main, tuple(beside), batch.classes, self.recipe.auxiliary, self.recipe.hardest)

    def show(self, rows: Table) -> Image:
        """Rows of picture, parsing and label; every second picture drawn."""
        with torch.no_grad():
            batch = self._half_drawn(rows)
            made = self.parser(batch.picture)[0].argmax(1).to(torch.uint8).cpu().numpy()
        columns = [to_images(batch.picture), coloured(made), coloured(batch.classes.cpu().numpy().astype(np.uint8))]
        return np.concatenate([np.concatenate(list(column), 0) for column in columns], 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean IoU over the classes, of photos and of photos drawn with the effects in turn."""
        figures = {}
        with torch.no_grad():
            for name, drawn in (("photo", False), ("drawing", True)):
                both, either = torch.zeros(len(CLASSES)), torch.zeros(len(CLASSES))
                for start in range(0, len(rows["photo"]), 20):
                    some = {key: column[start : start + 20] for key, column in rows.items()}
                    batch = self._drawn(some) if drawn else self.batch(some, torch.Generator(), augment=False)
                    made = self.parser(batch.picture)[0].argmax(1)
                    for k in range(len(CLASSES)):
                        one, other = made == k, batch.classes == k
                        both[k] += int((one & other).sum())
                        either[k] += int((one | other).sum())
                known = either > 0
                figures[f"iou_{name}"] = float((both[known] / either[known]).mean())
        return figures

    def _drawn(self, rows: Table, every: int = 1) -> ParserBatch:
        """Photos drawn with the effects in turn, only each ``every``-th of them."""
        photos = rows["photo"].permute(0, 2, 3, 1).cpu().numpy()
        names = self.recipe.variety.effects
        pictures = [
            effects.apply(names[i // every % len(names)], photo, i) if i % every == 0 else photo for i, photo in enumerate(photos)
        ]
        plain = self.batch(rows, torch.Generator(), augment=False)
        return ParserBatch(to_tensor(np.stack(pictures)).to(plain.picture.device), plain.classes)

    def _half_drawn(self, rows: Table) -> ParserBatch:
        return self._drawn(rows, 2)
