"""The portrait system: pix2pix's equations, its drawings, one person's photos, and the command from folder to photo."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import read
from likeness.provenance import write as write_picture
from likeness.recipe import Phase, override
from likeness.systems.portrait.objective import absolute, critic_loss, generator_adversarial, judge, write
from likeness.systems.portrait.person import gather
from likeness.systems.portrait.recipes import Drawing, PortraitRecipe, paper, tiny
from likeness.systems.portrait.synthesis import open_portrait
from likeness.systems.portrait.system import PortraitSystem, jittered


def test_equations() -> None:
    """(1) and (3) against closed forms: an undecided critic costs 2 ln 2, and L1 of a shift is the shift."""
    undecided = torch.zeros(2, 1, 4, 4)
    assert float(critic_loss(undecided, undecided)) == pytest.approx(2 * math.log(2))
    assert float(generator_adversarial(undecided)) == pytest.approx(math.log(2))
    logits = torch.tensor([1.5])
    assert float(critic_loss(logits, logits)) == pytest.approx(
        -math.log(1 / (1 + math.exp(-1.5))) - math.log(1 - 1 / (1 + math.exp(-1.5)))
    )
    photo = torch.rand(2, 3, 8, 8)
    assert float(absolute(photo, photo - 0.25)) == pytest.approx(0.25)


def test_what_each_player_minimises() -> None:
    """The critic sees the drawing with the picture; D's loss is halved; G's terms carry their λ; others are not asked for."""
    seen = []

    def critic(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(pictures)
        return pictures.mean((1, 2, 3), keepdim=True)

    x, y, fake = (torch.rand(2, 3, 8, 8) for _ in range(3))
    assert judge(critic, x, y, fake)["discriminator"].weight == 0.5
    assert torch.equal(seen[0], torch.cat([x, y], 1)) and torch.equal(seen[1], torch.cat([x, fake], 1))
    terms = write(critic, x, y, fake, 1.0, 100.0)
    assert {name: term.weight for name, term in terms.items()} == {"adversarial": 1.0, "absolute": 100.0}
    assert set(write(critic, x, y, fake, 0.0, 100.0)) == {"absolute"} and len(seen) == 3


def test_the_paper_recipe_is_the_reports() -> None:
    recipe = paper()
    assert (recipe.framing.size, recipe.width, recipe.critic_width, recipe.absolute) == (256, 64, 64, 100.0)
    assert (recipe.training.batch, recipe.training.rates, recipe.training.betas) == (1, (2e-4, 2e-4), (0.5, 0.999))
    assert recipe.training.phases == (Phase(42000, ("D", "G")),)  # 2,000 epochs of 21 pairs
    assert recipe.drawing.jitter == 0 and recipe.drawing.flip and recipe.dropout
    with pytest.raises(LikenessError, match="watercolour"):
        override(recipe, ['drawing.effects=["watercolour"]'])
    with pytest.raises(LikenessError, match="probability"):
        override(recipe, ["drawing.erase=2"])


def system_of(drawing: Drawing, count: int = 4) -> tuple[PortraitSystem, dict[str, torch.Tensor]]:
    recipe = replace(tiny(), drawing=drawing)
    system = PortraitSystem(recipe)
    return system, system.table(FaceStore.of(drawn_faces(count, recipe.framing), recipe.framing, "drawn"))


def test_without_augmentation_a_drawing_is_the_effect() -> None:
    system, table = system_of(Drawing(effects=("line", "pencil")))
    batch = system.batch(table, torch.Generator(), augment=False)
    photo = table["photo"][1].permute(1, 2, 0).numpy()
    expected = effects.apply("pencil", photo, 0)
    made = ((batch.drawing[1] + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.array_equal(made, expected)
    assert torch.equal(((batch.photo + 1) * 127.5).round().to(torch.uint8), table["photo"])
    assert batch.noise is None


def test_chance_comes_from_the_generator_alone() -> None:
    system, table = system_of(Drawing(erase=0.5, jitter=6, light=0.2))
    one, again, other = (system.batch(table, torch.Generator().manual_seed(s), augment=True) for s in (1, 1, 2))
    assert torch.equal(one.drawing, again.drawing) and torch.equal(one.photo, again.photo)
    assert one.noise is not None and again.noise is not None and torch.equal(one.noise, again.noise)
    assert not torch.equal(one.drawing, other.drawing)


def test_a_flip_flips_both_and_erases_the_same_feature() -> None:
    """All erased and half flipped: what is rubbed out is where the flipped photo has its feature, never elsewhere."""
    system, table = system_of(Drawing(effects=("style_a",), erase=1.0))
    plain, _ = system_of(Drawing(effects=("style_a",), erase=0.0))
    rubbed = system.batch(table, torch.Generator().manual_seed(5), augment=True)
    whole = plain.batch(table, torch.Generator().manual_seed(5), augment=True)
    assert torch.equal(rubbed.photo, whole.photo)
    mirrored = [not torch.equal(a, b) for a, b in zip(rubbed.photo, table["photo"].float() / 127.5 - 1, strict=True)]
    changed = (rubbed.drawing != whole.drawing).any(1)
    size = changed.shape[-1]
    for i, flipped in enumerate(mirrored):
        points = table["landmarks"][i].numpy().copy()
        if flipped:
            points[:, 0] = size - 1 - points[:, 0]
        low, high = points[17:].min(0) - 0.2 * size, points[17:].max(0) + 0.2 * size
        rows, columns = np.nonzero(changed[i].numpy())
        assert len(rows)
        assert (columns >= low[0]).all() and (columns <= high[0]).all() and (rows >= low[1]).all() and (rows <= high[1]).all()


def test_jitter_moves_both_alike() -> None:
    x = torch.rand(3, 3, 32, 32)
    one, other = jittered(x, x, 8, torch.Generator().manual_seed(0))
    assert one.shape == x.shape and torch.equal(one, other)
    assert not torch.equal(one, x)


def folder_of(samples: list[Path], target: Path, copies: int = 6) -> Path:
    """Photos of one (made) person: one sample in different light, and trouble."""
    target.mkdir()
    picture = read(samples[0]).astype(np.float32)
    for i in range(copies):
        write_picture(target / f"{i}.png", np.clip(picture * (0.85 + 0.05 * i), 0, 255).astype(np.uint8), "a test")
    return target


def test_gathering_a_person(samples: list[Path], tmp_path: Path) -> None:
    folder = folder_of(samples, tmp_path / "hugo")
    shutil.copy(samples[1], folder / "stranger.png")
    write_picture(folder / "wall.png", np.full((90, 90, 3), 200, np.uint8), "a test")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    small = np.asarray(read(samples[0]))[::6, ::6]
    write_picture(folder / "far.png", np.pad(small, ((60, 60), (60, 60), (0, 0)), constant_values=200), "a test")
    found = gather(folder, Framing(size=64))
    why = dict(found.left_out)
    assert set(why) >= {"stranger.png", "wall.png", "broken.jpg", "far.png"}
    assert "somebody else" in why["stranger.png"] and "no face" in why["wall.png"]
    assert "tiny" in why["far.png"] or "no face" in why["far.png"]
    assert len(found.store) == 6
    assert found.store.column("split").count("validation") == 1
    assert set(found.store.column("person")) == {"hugo"}


def test_too_few_photos(samples: list[Path], tmp_path: Path) -> None:
    folder = folder_of(samples, tmp_path / "hugo", copies=2)
    with pytest.raises(LikenessError, match="at least 3 photos, 2 can be used"):
        gather(folder, Framing(size=64))


def test_a_persons_model_by_the_command(
    samples: list[Path], likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folder → model → photo from a drawing, stopped once on the way; from nothing and from other weights."""
    folder_of(samples, tmp_path / "hugo")
    words = ("portrait", "train", "hugo", "--recipe", "tiny", "--threads", "1", "--effects", "line,pencil")
    assert likeness(*words, "-o", "m", "--from", "nothing", "--minutes", "0.0001") == 0
    assert likeness(*words, "-o", "m", "--from", "nothing") == 0
    model = open_portrait(tmp_path / "m")
    assert model.card.step == 12 and model.recipe.drawing.effects == ("line", "pencil")
    assert (tmp_path / "m" / "contact-sheet.png").is_file()
    assert likeness(*words, "-o", "n", "--from", "m") == 0
    capsys.readouterr()
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--effect", "pencil", "-o", "made.png", "--json") == 0
    made = read(tmp_path / "made.png")
    assert made.shape == (64, 64, 3)
    assert json.loads((tmp_path / "made.json").read_text())["effect"] == "pencil"
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--effect", "pencil", "-o", "again.png") == 0
    assert np.array_equal(made, read(tmp_path / "again.png"))
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--effect", "pencil", "-o", "noisy.png", "--seed", "3") == 0
    assert not np.array_equal(made, read(tmp_path / "noisy.png"))
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--sheet", "-o", "sheet.png") == 0
    capsys.readouterr()
    assert likeness("portrait", "draw", samples[0]) == 2
    assert "ship yet" in capsys.readouterr().err
    assert likeness(*words, "-o", "x") == 2
    assert "--from nothing" in capsys.readouterr().err
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--effect", "oil") == 2
    assert likeness("portrait", "train", "nowhere", "-o", "x", "--from", "nothing") == 2


def test_reading_drawings(tmp_path: Path, samples: list[Path]) -> None:
    """What is framed already is only scaled; a drawing without a face that is seen gives its middle square."""
    recipe = tiny()
    system = PortraitSystem(recipe)
    from likeness.train.loop import train

    train(system, "portrait", FaceStore.of(drawn_faces(4, recipe.framing), recipe.framing, "drawn"), tmp_path / "run", steps=1)
    model = open_portrait(tmp_path / "run")
    blank = np.full((80, 120, 3), 255, np.uint8)
    blank[:, 60] = 0
    found = model.read(blank)
    assert found.shape == (64, 64, 3) and found[:, 30:34].min() < 200 and (found[:, :20] == 255).all()
    with pytest.raises(LikenessError, match="the model wants 64×64"):
        model.draw([blank])
    with pytest.raises(LikenessError, match="no drawing"):
        model.draw([])
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    grey = np.repeat(np.round(colours @ np.array([0.299, 0.587, 0.114]))[..., None], 3, 2).astype(np.uint8)
    assert np.abs(model.draw([colours])[0].astype(int) - model.draw([grey])[0]).max() <= 3


def test_weights_of_another_system_are_refused() -> None:
    with pytest.raises(LikenessError, match="holds weights of 'parts'"):
        systems.load("parts", "portrait")
    assert issubclass(systems.row("portrait").recipe_class(), PortraitRecipe)
