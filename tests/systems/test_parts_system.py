"""Algorithm 1 played, inputs made, and no player touching another's gradients."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from likeness import systems
from likeness.data.store import FaceStore
from likeness.faces import parts
from likeness.faces.drawing import drawn_faces
from likeness.faces.variety import PartsVariety
from likeness.nn import placement
from likeness.nn.placement import choose_parts, key_parts
from likeness.recipe import Phase, override
from likeness.systems.parts.system import PartsSystem
from likeness.train.loop import train


def made(*settings: str) -> tuple[PartsSystem, dict[str, torch.Tensor]]:
    recipe = override(systems.recipe("parts:tiny"), settings)
    system = systems.row("parts").build(recipe)
    assert isinstance(system, PartsSystem)
    table = system.table(FaceStore.of(drawn_faces(8, recipe.framing), recipe.framing, "drawn"))  # type: ignore[attr-defined]
    system.fit_statistics(table)
    return system, table


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_parameter_has_one_owner() -> None:
    system, _ = made()
    owned = [id(weight) for player in system.players for weight in system.parameters_of(player)]
    assert len(owned) == len(set(owned)) == len(list(system.parameters()))


def test_anchors_are_the_mean_positions() -> None:
    system, table = made()
    expected = torch.stack([placement.centroids(placement.unpack(bits[None]))[0] for bits in table["bits"]]).mean(0)
    torch.testing.assert_close(system.anchors.mean, expected)
    left, right = (parts.NAMES.index(name) for name in ("left_eye", "right_eye"))
    assert system.anchors.mean[left, 0] < system.anchors.mean[right, 0]


def test_the_plain_input_is_the_papers() -> None:
    """Without augmentation: key parts only, at the mean positions, target the photo itself."""
    system, table = made()
    batch = system.batch(table, chance(), augment=False)
    torch.testing.assert_close(batch.photo, table["photo"].float() / 127.5 - 1)
    masks = placement.unpack(table["bits"]) * key_parts(8)[..., None, None]
    colours, cover = placement.place(batch.photo, masks, system.anchors.mean)
    torch.testing.assert_close(batch.canvas, torch.cat([colours, 2 * cover - 1], 1))
    assert 0.02 < cover.mean() < 0.25  # most of the face is for G to make


def test_chance_is_an_argument() -> None:
    system, table = made()
    one, two, other = (system.batch(table, chance(seed), augment=True) for seed in (1, 1, 2))
    torch.testing.assert_close(one.canvas, two.canvas, rtol=0, atol=0)
    assert (one.canvas != other.canvas).any()


def test_flips_turn_photo_and_parts_together() -> None:
    """A flipped face's canvas is made from flipped parts: cutting commutes with flipping."""
    off = [f"augment.{name}=0" for name in ("dropout", "drop", "jaw", "move", "tint", "light")]
    system, table = made(*off)
    plain = system.batch(table, chance(), augment=False)
    flipped = system.batch(table, chance(3), augment=True)
    turned = [i for i in range(8) if torch.equal(flipped.photo[i], plain.photo[i].flip(-1))]
    kept = [i for i in range(8) if torch.equal(flipped.photo[i], plain.photo[i])]
    assert turned and kept and len(turned) + len(kept) == 8
    torch.testing.assert_close(flipped.canvas[kept], plain.canvas[kept])
    # the left eye of a flipped face is its former right eye, mirrored, at the left eye's place
    eyes = [parts.NAMES.index("left_eye"), parts.NAMES.index("right_eye")]
    masks = placement.unpack(table["bits"]) * key_parts(8)[..., None, None]
    for i in turned:
        mirrored = masks[i].flip(-1).clone()
        mirrored[eyes] = mirrored[eyes[::-1]]
        colours, _ = placement.place(plain.photo[i : i + 1].flip(-1), mirrored[None], system.anchors.mean)
        torch.testing.assert_close(flipped.canvas[i, :3], colours[0])


def test_choosing_parts() -> None:
    plan = PartsVariety(dropout=1.0, drop=0.9, jaw=0.5)
    chosen = choose_parts(plan, 4000, chance())
    key = [parts.NAMES.index(name) for name in parts.FACE]
    assert (chosen[:, key].sum(1) >= 1).all()  # never nothing
    assert abs(chosen[:, parts.NAMES.index("jaw")].mean() - 0.5) < 0.03
    assert abs(chosen[:, key].mean() - (0.25 + 0.75 * 0.1)) < 0.02
    assert torch.equal(choose_parts(PartsVariety(), 5, chance()), key_parts(5))


def test_a_move_is_one_players() -> None:
    """D's loss does not reach G, G's reaches G; and a player that sits out is not asked."""
    system, table = made()
    batch = system.batch(table, chance(), augment=True)
    moves = dict(system.play(batch, Phase(1, ("D", "G"))))
    assert list(moves) == ["D", "G"]
    judged = sum(term.weight * term.value for term in moves["D"]().values())
    assert torch.autograd.grad(judged, system.parameters_of("G"), allow_unused=True, retain_graph=True)[0] is None
    assert all(gradient is not None for gradient in torch.autograd.grad(judged, system.parameters_of("D"), allow_unused=True))
    written = moves["G"]()
    assert "adversarial" in written
    loss = sum(term.weight * term.value for term in written.values())
    assert all(gradient is not None for gradient in torch.autograd.grad(loss, system.parameters_of("G"), allow_unused=True))
    assert "adversarial" not in dict(system.play(batch, Phase(1, ("G",), disabled_terms=("adversarial",))))["G"]()


def test_phases_of_the_recipes() -> None:
    """Algorithm 1: G with R + P, then D alone, then both; the paper's counts."""
    paper = systems.recipe("parts:paper").training
    assert [(phase.steps, phase.players, phase.disabled_terms) for phase in paper.phases] == [
        (6000, ("G",), ("adversarial",)),
        (1500, ("D",), ()),
        (50000, ("D", "G"), ()),
    ]
    assert paper.batch == 32


def test_show_and_measure() -> None:
    system, table = made()
    system.eval()
    assert system.show(table).shape == (8 * 64, 6 * 64, 3)
    assert 3 < system.measure(table)["psnr"] < 30


@pytest.mark.parametrize("name", ["parts:tiny", "parts:lite", "parts:paper"])
def test_every_recipe_takes_its_steps(name: str, tmp_path: Path) -> None:
    """One step of each phase, with a stand-in for VGG: all players and all terms of the recipe, at its real size."""
    recipe = systems.recipe(name)
    short = [
        {"steps": 1, "players": list(phase.players), "disabled_terms": list(phase.disabled_terms)}
        for phase in recipe.training.phases
    ]
    recipe = override(recipe, [f"training.phases={json.dumps(short)}", "training.batch=2", "training.look=99"])
    asked = []

    def features(pictures: torch.Tensor) -> list[torch.Tensor]:
        asked.append(pictures.shape[-1])
        return [pictures, pictures.mean(1, keepdim=True)]

    framing = recipe.framing  # type: ignore[attr-defined]
    system = PartsSystem(recipe, features)  # type: ignore[arg-type]
    train(system, "parts", FaceStore.of(drawn_faces(4, framing), framing, "drawn"), tmp_path / "run")
    line = json.loads((tmp_path / "run" / "stats.jsonl").read_text().splitlines()[-1])
    terms = {"reconstruction", "perceptual", "adversarial", "discriminator"} - ({"perceptual"} if name == "parts:tiny" else set())
    assert set(line) == terms | {"step", "rate", "processor_seconds"}
    crop = recipe.crop or framing.size  # type: ignore[attr-defined]
    assert set(asked) == (set() if name == "parts:tiny" else {crop})
