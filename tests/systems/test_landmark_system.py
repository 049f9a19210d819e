"""LandmarkGAN in training and in use: who minimises what, targets that do not touch each other, faces that follow landmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from likeness import assets, systems
from likeness.checkpoint import read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.nn.projected import ProjectedDiscriminator
from likeness.recipe import freeze, override
from likeness.systems.landmark.networks import slot
from likeness.systems.landmark.recipes import LandmarkRecipe, Weights, finetune, paper, tiny
from likeness.systems.landmark.synthesis import LandmarkSynthesizer
from likeness.systems.landmark.system import LandmarkSystem
from likeness.train.loop import train

TWO = ("ann", "bob")


def store(count: int = 8, names: tuple[str, ...] = TWO) -> FaceStore:
    """Drawn faces that are said to be of these people in turn."""
    framing = Framing(size=64)
    faces = [replace(face, person=names[i % len(names)], split="train") for i, face in enumerate(drawn_faces(count, framing))]
    return FaceStore.of(faces, framing, "drawn")


def recipe(**fields: object) -> LandmarkRecipe:
    return replace(tiny(), targets=TWO, **fields)  # type: ignore[arg-type]


def test_a_step() -> None:
    """Critics (6), converter (4) and (5), generators (2), (3), (6); every weight of a player is asked to move."""
    plan = recipe(weights=Weights(kept=2.0, perceptual=3.0))
    system = LandmarkSystem(
        plan, lambda pictures: [pictures], lambda faces: faces.mean((1, 2, 3))[:, None, None].expand(-1, 68, 2)
    )
    batch = system.batch(system.table(store()), torch.Generator(), augment=False)
    said = []
    for player, ask in system.play(batch, plan.training.phases[0]):
        terms = ask()
        said.append((player, {name: (term.weight, term.equation) for name, term in terms.items()}))
        system.zero_grad()
        torch.stack([term.weight * term.value for term in terms.values()]).sum().backward(inputs=system.parameters_of(player))
        assert all(weight.grad is not None for weight in system.parameters_of(player))
    assert said == [
        ("D", {"critics": (1.0, "(6)")}),
        ("C", {"reconstruction": (1.0, "(4)"), "crossed": (1.0, "(5)")}),
        ("G", {"image": (1.0, "(2)"), "perceptual": (3.0, "ours"), "kept": (2.0, "(3)"), "adversarial": (1.0, "(6)")}),
    ]


def test_the_papers_recipe_needs_targets(tmp_path: Path) -> None:
    """Without two targets it would mix everybody, leave out (5) and convert nothing: one line says so, nothing is written."""
    plain = replace(paper(), framing=Framing(size=64), width=2, hidden=8, converter_width=8, critic_width=4)
    for targets in ((), ("ann",)):
        with pytest.raises(LikenessError, match=r"landmark:paper converts between targets.*--set 'targets="):
            train(LandmarkSystem(replace(plain, targets=targets)), "landmark", store(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    two = LandmarkSystem(
        replace(plain, targets=TWO), detector=lambda faces: faces.mean((1, 2, 3))[:, None, None].expand(-1, 68, 2)
    )
    system_table = two.table(store())
    two.fit_statistics(system_table)
    batch = two.batch(system_table, torch.Generator(), augment=False)
    said = {player: set(ask()) for player, ask in two.play(batch, plain.training.phases[0])}
    assert said == {"D": {"critics"}, "C": {"reconstruction", "crossed"}, "G": {"image", "kept", "adversarial"}}


def test_coordinates_as_the_paper_feeds_them() -> None:
    """Without ``axes`` the layers read the coordinates themselves, whatever the training landmarks are; with, whitened ones."""
    for axes in (False, True):
        system = LandmarkSystem(recipe(axes=axes))
        system.fit_statistics(system.table(store()))
        points = torch.rand(3, 68, 2)
        for given in (system.converter.given, system.converter.between, system.generators[slot("ann")].given):
            read = given.into(points)  # type: ignore[union-attr, operator]
            assert torch.equal(read, points.flatten(1)) == (not axes)
            torch.testing.assert_close(given.back(torch.zeros(1, 136)).abs().sum() == 0, torch.tensor(not axes))  # type: ignore[union-attr, operator]


def test_what_the_papers_weights_mean() -> None:
    """(2) is a mean over pixels and weighs 10, the others are norms and weigh 1; the rest of the recipe is the paper's."""
    frozen = freeze(paper())
    weights = {"image": 10.0, "kept": 1.0, "reconstruction": 1.0, "crossed": 1.0, "adversarial": 1.0, "perceptual": 0.0}
    assert frozen["weights"] == weights and frozen["discriminator"] == "patch"
    assert (frozen["generic"], frozen["axes"], frozen["clamp_to_range"], frozen["landmark_jitter"]) == (
        False,
        False,
        False,
        [0.0, 0.0],
    )
    assert (frozen["width"], frozen["hidden"], frozen["converter_width"], frozen["critic_width"]) == (64, 1024, 512, 64)
    assert frozen["training"]["rates"] == [6e-5, 1e-5, 6e-5] and frozen["training"]["betas"] == [0.5, 0.999]


def test_projected_critics(tmp_path: Path) -> None:
    """One a target, each with its own projection; perceptual by EfficientNet; a stopped training goes on bit for bit."""
    plan = override(recipe(), ["discriminator=projected", "perceptual=efficientnet", "weights.perceptual=1", "crop=32"])
    system = LandmarkSystem(plan)
    ann, bob = (system.critics[slot(name)] for name in TWO)
    assert isinstance(ann, ProjectedDiscriminator) and isinstance(bob, ProjectedDiscriminator)
    assert ann.features is bob.features and not torch.equal(ann.mix0, bob.mix0)  # type: ignore[arg-type]
    for name, stops in (("once", (4,)), ("twice", (2, 4))):
        for steps in stops:
            torch.manual_seed(1)
            train(LandmarkSystem(plan), "landmark", store(), tmp_path / name, steps=steps)
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True)["system"] for name in ("once", "twice")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert not [key for key in states[0] if "features" in key]


def test_finetune_begins_from_what_ships(tmp_path: Path) -> None:
    shipped = assets.WEIGHTS / "landmark" / "weights.safetensors"
    faces = drawn_faces(4, Framing(size=128))
    system = LandmarkSystem(finetune(), lambda pictures: [pictures])
    train(system, "landmark", FaceStore.of(faces, Framing(size=128), "drawn"), tmp_path / "run", steps=0, warm_start=shipped)
    found = system.shipped_state()
    for key, value in read_weights(shipped)[1].items():
        assert key.startswith("seen.") or torch.equal(value, found[key]), key
    assert finetune().training.betas == (0.0, 0.99) and finetune().training.phases[0].players == ("D",)


def test_only_targets_in_the_batch_move() -> None:
    plan = recipe()
    system = LandmarkSystem(plan)
    table = {key: column[::2] for key, column in system.table(store()).items()}  # ann alone
    *_, (player, ask) = system.play(system.batch(table, torch.Generator(), False), plan.training.phases[0])
    terms = ask()
    torch.stack([term.weight * term.value for term in terms.values()]).sum().backward(inputs=system.parameters_of(player))
    assert all(weight.grad is not None for weight in system.generators[slot("ann")].parameters())
    assert all(weight.grad is None for weight in system.generators[slot("bob")].parameters())


def test_landmarks_are_shares_of_the_picture() -> None:
    """The middle of the picture is (½, ½); a mirrored face's landmarks are mirrored too."""
    system, faces = LandmarkSystem(recipe(flip=True)), store(1)
    table = system.table(faces)
    batch = system.batch({**table, "landmarks": torch.full((1, 68, 2), 31.5)}, torch.Generator(), False)
    assert torch.allclose(batch.landmarks, torch.full((1, 68, 2), 0.5))
    seen: dict[bool, Tensor] = {}
    for seed in range(8):
        varied = system.batch(table, torch.Generator().manual_seed(seed), True)
        plain = bool(torch.equal(varied.photo, table["photo"].float() / 127.5 - 1))
        seen[plain] = varied.landmarks
    assert set(seen) == {True, False}
    assert torch.allclose(seen[True][0, 36, 0], 1 - seen[False][0, 45, 0], atol=1e-6)


def test_it_learns_and_draws(tmp_path: Path) -> None:
    """On one drawn person: the face comes nearer; another's landmarks, converted, give a face; without converting, another."""
    plan = override(recipe(width=8), ["training.batch=8", "weights.adversarial=0", "training.rates=[0.001,0.001,0.003]"])
    plan = replace(plan, training=replace(plan.training, phases=(replace(plan.training.phases[0], steps=60),), look=1000))
    faces = store(4)
    torch.manual_seed(0)
    system = LandmarkSystem(plan)
    table = system.table(faces)
    before = system.measure(table)
    train(system, "landmark", faces, tmp_path / "run")
    after = system.eval().measure(table)
    assert after["absolute"] < 0.6 * before["absolute"] and after["converter"] < 0.5 * before["converter"]
    model = systems.load(tmp_path / "run", "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    points = next(iter(faces)).landmarks
    ann, bob = (model.draw([points], target=name)[0] for name in TWO)
    assert ann.shape == (64, 64, 3) and not np.array_equal(ann, bob)
    assert not np.array_equal(ann, model.draw([points], target="ann", convert=False)[0])
    assert model.converted(points, "bob").shape == (68, 2)
    wanted = model.draw([model.converted(points, "bob")], target="bob", convert=False)
    assert np.abs(model.draw([points], target="bob").astype(int) - wanted).max() <= 1
    near, far = model.ood_scores([points, points + np.float32([20, 0])], convert=False)
    assert near < 1 < far
    for wrong, word in (([], "no landmarks"), ([points[:5]], "68 finite"), ([points * np.nan], "68 finite")):
        with pytest.raises(LikenessError, match=word):
            model.draw(wrong)
    with pytest.raises(LikenessError, match="no target"):
        model.draw([points], target="cleo")


def test_who_is_learned() -> None:
    """A stranger among the targets is refused; without targets everybody is one."""
    with pytest.raises(LikenessError, match="'cleo', who is not one of ann, bob"):
        LandmarkSystem(recipe()).table(store(3, ("ann", "bob", "cleo")))
    generic = LandmarkSystem(tiny())
    assert not generic.table(store(3, ("ann", "bob", "cleo")))["target"].any() and list(generic.generators) == [slot("generic")]
    assert paper().blocks == 6 and tiny().blocks == 4
    for fields in (
        {"targets": ("a", "a")},
        {"targets": ("a.b",)},
        {"targets": ("generic",)},
        {"crop": 65},
        {"framing": Framing(size=96)},
    ):
        with pytest.raises(LikenessError):
            replace(tiny(), **fields)  # type: ignore[arg-type]


def test_faces_and_landmarks_move_together() -> None:
    """A bright spot at a landmark is at that landmark still, turned, scaled and shifted; and such landmarks are not strange."""
    system = LandmarkSystem(recipe(turn=30.0, scale=0.2, shift=0.1))
    table = system.table(store(1))
    photo = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    photo[:, :, 19:22, 24:27] = 255  # its middle is (25, 20)
    points = torch.full((1, 68, 2), 25.0)
    points[..., 1] = 20.0
    for seed in range(5):
        made = system.batch({**table, "photo": photo, "landmarks": points}, torch.Generator().manual_seed(seed), True)
        bright = (made.photo[0].mean(0) + 1).clamp(min=0)
        rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        middle = torch.stack([(bright * columns).sum(), (bright * rows).sum()]) / bright.sum()
        assert torch.allclose(middle, made.landmarks[0, 0] * 64 - 0.5, atol=0.3)
        assert not torch.allclose(middle, torch.tensor([25.0, 20.0]), atol=0.5)
    many = system.table(store(150))
    system.fit_statistics(many)
    moved = system.batch(many, torch.Generator().manual_seed(1), True).landmarks
    still = LandmarkSystem(recipe())
    still.fit_statistics(many)
    assert (system.seen(moved) > 1).float().mean() < 0.1 < 0.5 < (still.seen(moved) > 1).float().mean()


def test_a_target_begins_as_the_generic_face(tmp_path: Path) -> None:
    """Φ of the generic face stays to the bit, Ψ and Θ begin as its own and move on; what is common is learned anew."""
    plan = tiny()
    faces = store(4)
    torch.manual_seed(0)
    first = train(LandmarkSystem(plan), "landmark", faces, tmp_path / "generic")
    ann = faces.take([i for i, name in enumerate(faces.column("person")) if name == "ann"])
    own = replace(plan, targets=("ann",), freeze_encoder=True)
    torch.manual_seed(1)
    begun = train(LandmarkSystem(own), "landmark", ann, tmp_path / "begun", warm_start=first, steps=0)
    _, base = read_weights(first)
    _, state = read_weights(begun)
    renamed = {key.replace("of generic", "of ann"): value for key, value in base.items()}
    assert renamed.keys() == {key for key in state if not key.startswith("ranges.")}
    own_range = LandmarkSystem(own)
    own_range.fit_statistics(own_range.table(ann))
    assert torch.allclose(state["ranges.of ann.mean"], own_range.ranges[slot("ann")].mean, atol=1e-3)
    assert all(torch.equal(value, state[key]) for key, value in renamed.items() if not key.startswith("seen."))
    assert not torch.equal(base["seen.mean"], state["seen.mean"])
    _, later = read_weights(train(LandmarkSystem(own), "landmark", ann, tmp_path / "ann", warm_start=first))
    for key, value in renamed.items():
        still = key.startswith("converter.encoder.") or ".given." in key or ".between." in key
        assert still == torch.equal(value, later[key]) or key.startswith("seen."), key


def test_a_larger_target_begins_as_the_generic_face_enlarged(tmp_path: Path) -> None:
    """Weights of faces of 64 pixels begin a target of 128: at once the same face, four pixels for each."""
    torch.manual_seed(0)
    small = LandmarkSystem(tiny())
    faces = store(4)
    first = train(small, "landmark", faces, tmp_path / "generic")
    framing = Framing(size=128)
    large = [replace(face, person="ann", split="train") for face in drawn_faces(4, framing)]
    own = replace(tiny(), targets=("ann",), freeze_encoder=True, framing=framing)
    begun = train(
        LandmarkSystem(own), "landmark", FaceStore.of(large, framing, "drawn"), tmp_path / "begun", warm_start=first, steps=0
    )
    points = next(iter(faces)).landmarks
    before, after = systems.load(first, "landmark"), systems.load(begun, "landmark")
    assert isinstance(before, LandmarkSynthesizer) and isinstance(after, LandmarkSynthesizer)
    one, two = before.draw([points])[0], after.draw([2 * points + 0.5], convert=False)[0]
    assert two.shape == (128, 128, 3)
    enlarged = cv2.resize(one, (128, 128), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(enlarged - two)[1:-1, 1:-1].max() <= 2  # rounded twice
    with pytest.raises(LikenessError, match="does not fit"):  # a smaller one does not begin from a larger one
        train(small, "landmark", faces, tmp_path / "smaller", warm_start=begun, steps=0)


def test_the_detector_that_ships_judges_in_training() -> None:
    """(3) with Ω itself, in half precision as in training: its gradient reaches Θ's first layer and leaves Ω alone."""
    plan = recipe(weights=Weights(image=0, kept=1.0, adversarial=0))
    system = LandmarkSystem(plan)
    system.needs()
    batch = system.batch(system.table(store(2)), torch.Generator(), augment=False)
    with torch.autocast("cpu", torch.bfloat16):
        *_, (_, ask) = system.play(batch, plan.training.phases[0])
        term = ask()["kept"]
    term.value.backward()  # type: ignore[no-untyped-call]
    weight = system.generators[slot("ann")].full[0].weight  # type: ignore[union-attr, index]
    faces = torch.empty(1, 3, 64, 64, device="meta")  # the system may move to another device after it was opened
    assert system.detector(faces).device.type == "meta"
    assert term.equation == "(3)" and weight.grad is not None and bool((weight.grad != 0).any())
    assert term.value.dtype == torch.float32


def test_every_target_is_looked_at_and_has_faces(tmp_path: Path) -> None:
    """Validation looks at all, evenly, however many there are; a target without a face is refused before anything is learned."""
    faces = [
        replace(face, person=TWO[i >= 250], split="validation") for i, face in enumerate(drawn_faces(1, Framing(size=64)) * 400)
    ]
    many = FaceStore.of([replace(face, name=f"{i:03d}") for i, face in enumerate(faces)], Framing(size=64), "drawn")
    looked_at = LandmarkSystem(recipe()).validation_subset(many).evenly(200)
    names = looked_at.column("person")
    assert names.count("ann") == 125 and names.count("bob") == 75
    assert looked_at.column("name")[:3] == ["000", "002", "004"] and len(many.evenly(500)) == 400
    with pytest.raises(LikenessError, match="no face of 'bob'"):
        train(LandmarkSystem(recipe()), "landmark", store(4, ("ann",)), tmp_path / "run", steps=0)
