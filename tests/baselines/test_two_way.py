"""CycleGAN and DualGAN: equations against closed forms, networks against their papers, and both trained a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from likeness import baselines
from likeness.baselines.cyclegan import CycleGAN, CycleGANRecipe, generator, generator_term, least_squares, returned
from likeness.baselines.dualgan import DualGAN, DualGANRecipe, critic_loss, generators_loss, judged
from likeness.baselines.two_way import TwoWay, TwoWaySynthesizer
from likeness.checkpoint import read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.drawing import drawn_faces
from likeness.image import to_images
from likeness.recipe import freeze, override
from likeness.train.loop import train

NAMES = sorted(baselines.SKETCHES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_trained_and_used_like_a_system(name: str, tmp_path: Path) -> None:
    recipe = baselines.recipe(f"{name}:tiny")
    assert set(baselines.row(name).recipes()) == {"tiny", "lite", "paper"}
    system = baselines.row(name).build(recipe)
    framing = recipe.framing  # type: ignore[attr-defined]
    faces = drawn_faces(6, framing, paired=True)
    before = {key: value.detach().clone() for key, value in system.named_parameters()}
    train(system, name, FaceStore.of(faces, framing, "drawn", "labels"), tmp_path / "run", steps=3)
    after = dict(system.named_parameters())
    for owned in (name for names in system.players.values() for name in names):
        assert any(not torch.equal(after[key], before[key]) for key in after if key.split(".")[0] == owned), (
            f"{owned} never moved"
        )
    made = baselines.load(tmp_path / "run")
    assert isinstance(made, TwoWaySynthesizer) and made.card.recipe == freeze(recipe)
    sketches = [face.pair for face in faces if face.pair is not None]
    drawn = made.draw(sketches)
    assert drawn.shape == (6, 64, 64, 3) and np.abs(made(sketch=sketches[1]).picture.astype(int) - drawn[1]).max() <= 1
    tensors = torch.from_numpy(np.stack(sketches)).permute(0, 3, 1, 2) / 127.5 - 1
    _, state = read_weights(tmp_path / "run" / "weights.safetensors")
    assert isinstance(system, TwoWay)
    system.load_state_dict(state, strict=False)
    with torch.inference_mode():
        wanted = to_images(system.eval().forth(tensors))
    assert np.abs(drawn.astype(int) - wanted).max() <= 1
    with pytest.raises(LikenessError, match="no sketches"):
        system.table(FaceStore.of(drawn_faces(2, framing), framing, "drawn"))


def test_cyclegans_generator() -> None:
    """Appendix 7.2: 64, 128, 256, nine blocks of 256, 128, 64, 3; 11.4 million weights, as its published model has."""
    network = generator(64, 9)
    wide = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert wide == [64, 128, 256, *[256] * 18, 128, 64, 3]
    assert round(sum(weight.numel() for weight in network.parameters()) / 1e6, 1) == 11.4
    with torch.no_grad():
        assert generator(4, 1)(torch.rand(1, 3, 64, 64)).shape == (1, 3, 64, 64)


def test_cyclegans_equations() -> None:
    assert float(least_squares(torch.full((3,), 3.0), torch.full((3,), 2.0))) == pytest.approx((4 + 4) / 2)
    assert float(generator_term(torch.tensor([0.0, 3.0]))) == pytest.approx((1 + 4) / 2)
    assert float(returned(torch.zeros(2, 3), torch.full((2, 3), -0.5))) == pytest.approx(0.5)


def test_dualgans_equations() -> None:
    assert float(critic_loss(torch.tensor([2.0]), torch.tensor([0.5]))) == pytest.approx(-1.5)
    zero, one = torch.zeros(2, 3), torch.ones(2, 3)
    terms = generators_loss(zero, one, zero, 3 * one, (one, 2 * one), 100.0)
    assert (float(terms["cycle"].value), terms["cycle"].weight) == (4.0, 100.0)
    assert float(terms["adversarial"].value) == -3.0


def test_dualgans_critics_stay_small(tmp_path: Path) -> None:
    recipe = override(baselines.recipe("dualgan:tiny"), ["clip=0.01"])
    assert isinstance(recipe, DualGANRecipe)
    system = DualGAN(recipe)
    store = FaceStore.of(drawn_faces(2, recipe.framing, paired=True), recipe.framing, "drawn", "labels")
    move = next(system.play(system.batch(system.table(store), torch.Generator(), True), recipe.training.phases[0]))
    assert max(float(weight.detach().abs().max()) for weight in system.parameters_of("D")) > 0.01
    move[1]()
    assert max(float(weight.detach().abs().max()) for weight in system.parameters_of("D")) <= 0.01


def test_dualgans_critics_compare_in_one_batch() -> None:
    """BatchNorm sees real and made pictures together; the critics move twice a step; the rates are RMSprop's."""
    recipe = baselines.recipe("dualgan:tiny")
    assert isinstance(recipe, DualGANRecipe) and recipe.training.betas == (0.0, 0.9)
    torch.manual_seed(0)
    system = DualGAN(recipe)
    critic, real = system.photo_critic, torch.rand(3, 3, 64, 64) * 0.2
    one, other = judged(critic, real, real + 0.5)
    both = critic(torch.cat([real, real + 0.5]))
    assert torch.allclose(one, both[:3], atol=1e-5) and torch.allclose(other, both[3:], atol=1e-5)
    assert not torch.allclose(judged(critic, -real, real + 0.5)[1], other, atol=1e-3)  # what is real is a part of the norm
    store = FaceStore.of(drawn_faces(2, recipe.framing, paired=True), recipe.framing, "drawn", "labels")
    batch = system.batch(system.table(store), torch.Generator(), True)
    assert [player for player, _ in system.play(batch, recipe.training.phases[0])] == ["D", "D", "G"]


def test_pictures_of_other_people_meet() -> None:
    """Unpaired: a batch's sketches are in another order than its photos."""
    recipe = baselines.recipe("cyclegan:tiny")
    assert isinstance(recipe, CycleGANRecipe)
    system = CycleGAN(override(recipe, ["jitter=0", "flip=false"]))
    store = FaceStore.of(drawn_faces(8, recipe.framing, paired=True), recipe.framing, "drawn", "labels")
    table = system.table(store)
    plain = system.batch(table, torch.Generator(), augment=False)
    mixed = system.batch(table, torch.Generator().manual_seed(1), augment=True)
    assert torch.equal(mixed.photo, plain.photo) and not torch.equal(mixed.sketch, plain.sketch)
    assert torch.equal(mixed.sketch.flatten(1).sum(1).sort().values, plain.sketch.flatten(1).sum(1).sort().values)
