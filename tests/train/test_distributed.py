"""Two processes with half a batch each do what one does with the whole batch, to float noise."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from likeness.losses import augmentation
from likeness.losses.chance import Chance, chance_of, per_row
from likeness.train.batches import own_rows

TOY = '''
import os
import sys
from dataclasses import dataclass, field
import torch
from torch import nn
from likeness.data.store import FaceStore
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.losses.augmentation import augment
from likeness.losses.perceptual import same_crop
from likeness.recipe import Phase, Recipe, Training
from likeness.records import Term
from likeness.system import System
from likeness.train.loop import train

@dataclass(frozen=True)
class ToyRecipe(Recipe):
    framing: Framing = field(default_factory=lambda: Framing(size=32))

class Toy(System):
    """G redraws noisy faces, D tells augmented crops apart; no BatchNorm."""
    players = {"D": ("critic",), "G": ("net",)}
    ships = ("net",)
    def __init__(self, recipe):
        super().__init__()
        self.recipe = recipe
        first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.net = nn.Sequential(first, nn.InstanceNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
        self.critic = nn.Sequential(nn.Conv2d(3, 8, 4, 2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3))
    def table(self, store):
        return {"photo": torch.stack([torch.tensor(face.image).permute(2, 0, 1) for face in store])}
    def batch(self, rows, generator, augment):
        photo = rows["photo"].float() / 127.5 - 1
        noise = 0.3 * torch.randn(photo.shape, generator=generator)
        turned = torch.rand(len(photo), generator=generator) < 0.5
        photo = torch.where(turned[:, None, None, None], photo.flip(-1), photo)
        return {"photo": photo, "noisy": photo + noise, "generator": generator}
    def play(self, batch, phase):
        photo, made = batch["photo"], self.net(batch["noisy"])
        def judged(pictures):
            return self.critic(augment(pictures, batch["generator"]))
        def tell():
            said = judged(torch.cat([photo, made.detach()])).chunk(2)
            return {"critic": Term(nn.functional.softplus(-said[0]).mean() + nn.functional.softplus(said[1]).mean(), 1.0, "toy")}
        yield "D", tell
        def redraw():
            one, other = same_crop([photo, made], 20, batch["generator"])
            return {"near": Term((one - other).square().mean(), 10.0, "toy"), "fool": Term(-judged(made).mean(), 0.1, "toy")}
        yield "G", redraw
    def show(self, rows):
        raise AssertionError
    def measure(self, rows):
        return {}

if __name__ == "__main__":
    folder, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    plan = Training(phases=(Phase(12, ("D", "G")),), batch=batch, rates=(1e-3, 1e-3), bf16=False, look=1000)
    recipe = ToyRecipe(name="toy", training=plan)
    torch.manual_seed(0)
    store = FaceStore.of(drawn_faces(30, recipe.framing), recipe.framing, "drawn")
    train(Toy(recipe), "toy", store, folder, steps=steps)
    sys.stdout.flush()
    os._exit(0)  # see likeness/cli/__main__.py
'''


def state(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "state.pt", weights_only=True)["system"]
    return found


def test_two_halves_equal_one_whole(tmp_path: Path) -> None:
    """2 × 4 under torchrun (gloo) against 1 × 8: chance a row, chance a batch, and chance in play; stopped and gone on with."""
    (tmp_path / "toy.py").write_text(TOY)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    options = {"check": True, "capture_output": True, "timeout": 200, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}

    def command(launch: list[str], folder: str, batch: int, steps: int) -> None:
        words = [str(tmp_path / "toy.py"), str(tmp_path / folder), str(batch), str(steps)]
        try:
            subprocess.run([*launch, *words], **options)  # type: ignore[call-overload]
        except subprocess.CalledProcessError as problem:
            raise AssertionError(problem.stderr.decode()) from None

    command([sys.executable], "one", 8, 12)
    command(torchrun, "two", 4, 5)
    early = state(tmp_path / "two")
    command(torchrun, "two", 4, 12)
    one, two = (state(tmp_path / name) for name in ("one", "two"))
    for name, value in one.items():
        assert (value - early[name]).abs().max() > 1e-3 or "bias" in name, f"{name} learned nothing"
        torch.testing.assert_close(two[name], value, atol=2e-6, rtol=0)  # 5e-7 was measured; a step is up to 1e-3
    assert (
        load_file(tmp_path / "one" / "weights.safetensors").keys() == load_file(tmp_path / "two" / "weights.safetensors").keys()
    )


@dataclass(frozen=True)
class Batch:
    photo: torch.Tensor
    names: list[int]
    middle: torch.Tensor
    both: tuple[torch.Tensor, float]


def test_own_rows() -> None:
    """Each row has one owner, and together the processes have all; what has no rows stays."""
    whole = Batch(torch.arange(6), list(range(6)), torch.arange(4), (torch.arange(12).reshape(6, 2), 0.5))
    assert own_rows(whole, 0, 1, 6) is whole
    first, second = (own_rows(whole, rank, 2, 6) for rank in range(2))
    assert first.photo.tolist() == first.names == [0, 2, 4] and second.photo.tolist() == second.names == [1, 3, 5]
    assert torch.equal(first.middle, whole.middle) and first.both[1] == 0.5 and first.both[0].tolist() == [[0, 1], [4, 5], [8, 9]]


@pytest.mark.parametrize("world", [1, 2, 4])
def test_rows_have_the_same_chance_wherever_they_are(world: int) -> None:
    """Pictures augmented in several processes are those of one, real and made ones behind each other as critics see them."""
    pictures = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown = torch.cat([pictures, -pictures])
    plain = augmentation.augment(shown, torch.Generator().manual_seed(7))
    for rank in range(world):
        chance = chance_of(7, rank, world)
        assert isinstance(chance, Chance)
        own = torch.cat([pictures[rank::world], -pictures[rank::world]])
        assert torch.equal(augmentation.augment(own, chance), torch.cat([plain[:8][rank::world], plain[8:][rank::world]]))
    draws = []
    for rank in range(2):
        chance = chance_of(3, rank, 2)
        draws.append(per_row(2, lambda n, chance=chance: torch.rand(n, generator=chance), chance))  # type: ignore[misc]
    assert sorted(torch.cat(draws).tolist()) == sorted(torch.rand(4, generator=torch.Generator().manual_seed(3)).tolist())
