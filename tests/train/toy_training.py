"""A small system whose batches, play and critic draw by chance, trained by one process and by several; see together.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from likeness.data.store import FaceStore
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.losses.augmentation import augment
from likeness.losses.perceptual import same_crop
from likeness.recipe import Phase, Recipe, Training
from likeness.records import Term
from likeness.system import System


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    """32 px."""

    framing: Framing = field(default_factory=lambda: Framing(size=32))


class Toy(System):
    """G redraws noisy faces, D tells augmented crops apart; no BatchNorm."""

    players = {"D": ("critic",), "G": ("net",)}  # noqa: RUF012
    ships = ("net",)

    def __init__(self, recipe: ToyRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.net = nn.Sequential(first, nn.InstanceNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
        self.critic = nn.Sequential(nn.Conv2d(3, 8, 4, 2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3))

    def table(self, store: FaceStore) -> dict[str, Tensor]:
        return {"photo": torch.stack([torch.tensor(face.image).permute(2, 0, 1) for face in store])}

    def batch(self, rows: dict[str, Tensor], generator: torch.Generator, augment: bool) -> dict[str, Any]:
        photo = rows["photo"].float() / 127.5 - 1
        noise = 0.3 * torch.randn(photo.shape, generator=generator)
        turned = torch.rand(len(photo), generator=generator) < 0.5
        photo = torch.where(turned[:, None, None, None], photo.flip(-1), photo)
        return {"photo": photo, "noisy": photo + noise, "generator": generator}

    def play(self, batch: dict[str, Any], phase: Phase) -> Iterator[Any]:
        photo, made = batch["photo"], self.net(batch["noisy"])

        def judged(pictures: Tensor) -> Tensor:
            said: Tensor = self.critic(augment(pictures, batch["generator"]))
            return said

        def tell() -> dict[str, Term]:
            said = judged(torch.cat([photo, made.detach()])).chunk(2)
            return {"critic": Term(nn.functional.softplus(-said[0]).mean() + nn.functional.softplus(said[1]).mean(), 1.0, "toy")}

        yield "D", tell

        def redraw() -> dict[str, Term]:
            one, other = same_crop([photo, made], 20, batch["generator"])
            return {"near": Term((one - other).square().mean(), 10.0, "toy"), "fool": Term(-judged(made).mean(), 0.1, "toy")}

        yield "G", redraw

    def show(self, rows: dict[str, Tensor]) -> Any:
        raise AssertionError

    def measure(self, rows: dict[str, Tensor]) -> dict[str, float]:
        return {}


def toy(batch: int) -> tuple[Toy, FaceStore]:
    """The system and 30 drawn faces, from one seed."""
    plan = Training(phases=(Phase(12, ("D", "G")),), batch=batch, rates=(1e-3, 1e-3), bf16=False, look=1000)
    recipe = ToyRecipe(name="toy", training=plan)
    torch.manual_seed(0)
    return Toy(recipe), FaceStore.of(drawn_faces(30, recipe.framing), recipe.framing, "drawn")
