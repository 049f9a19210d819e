"""FaceFeat-GAN: its equations against closed forms, and who is moved by whom."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from likeness import systems
from likeness.checkpoint import read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.export import export
from likeness.faces import bases
from likeness.faces.drawing import drawn_faces
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.nn.recogniser import CROP, FIVE, crop_of
from likeness.recipe import Phase, override
from likeness.systems.facefeat import objective
from likeness.systems.facefeat.networks import BeganDecoder, BeganEncoder, FeatureGenerator
from likeness.systems.facefeat.recipes import COMPETE, FEATURES, FaceFeatRecipe, Weights, tiny
from likeness.systems.facefeat.synthesis import between
from likeness.systems.facefeat.system import FaceFeatBatch, FaceFeatSystem, Game, moved, people_numbers
from likeness.train.loop import train


def store(recipe: FaceFeatRecipe, count: int = 12) -> FaceStore:
    return FaceStore.of(drawn_faces(count, recipe.framing), recipe.framing, "drawn")


def made(*settings: str) -> tuple[FaceFeatSystem, FaceFeatBatch]:
    torch.manual_seed(0)
    recipe = override(systems.recipe("facefeat:tiny"), settings)
    system = systems.row("facefeat").build(recipe)
    assert isinstance(system, FaceFeatSystem)
    table = system.table(store(system.recipe, 6))
    system.fit_statistics(table)
    return system, system.batch(table, torch.Generator().manual_seed(0), augment=True)


# equations


def test_energies() -> None:
    """(9), (10), and the bounded forms of (2) and (4)."""
    logits = torch.tensor([[0.3], [-1.2]])
    said = torch.sigmoid(logits)
    assert objective.energy(logits).item() == pytest.approx(-said.log().mean().item(), abs=1e-6)
    assert objective.real_energy(logits).item() == pytest.approx(-said.log().mean().item(), abs=1e-6)
    assert objective.fake_energy(logits).item() == pytest.approx(-(1 - said).log().mean().item(), abs=1e-6)
    heads = [torch.tensor([[0.5, -3.0]]), torch.tensor([[2.0]])]
    assert objective.energy(heads).item() == pytest.approx(-(-1.25 + 2) / 2)
    assert objective.real_energy(heads).item() == pytest.approx(((0.5 + 4) / 2 + 0) / 2)
    assert objective.fake_energy(heads).item() == pytest.approx(((1.5 + 0) / 2 + 3) / 2)
    assert objective.fake_energy(torch.tensor([[100.0]])).isfinite() and objective.energy(torch.tensor([[-100.0]])).isfinite()


def test_classification() -> None:
    """(5): −log softmax at the person's place; nobody's faces count nothing."""
    logits = torch.tensor([[1.0, 2.0, 0.0], [5.0, 5.0, 5.0]])
    expected = math.log(sum(math.exp(value) for value in (1, 2, 0))) - 2
    assert objective.classification(logits, torch.tensor([1, -1])).item() == pytest.approx(expected, abs=1e-6)
    assert objective.classification(logits, torch.tensor([-1, -1])).item() == 0


def test_regression() -> None:
    """(7), over how many numbers there are."""
    found, truth, importance = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]]), torch.tensor([0.5, 1.5])
    assert objective.regression(found, truth, importance).item() == pytest.approx((0.5 * 1 + 1.5 * 4) / 2)


def test_reconstruction_and_identity() -> None:
    """(8) and (11): l1; and a squared distance of unit vectors: 0 of a face with itself, 4 of opposites, at any length."""
    assert objective.reconstruction(torch.ones(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.25)).item() == pytest.approx(0.75)
    feature = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    assert objective.identity_loss(feature, 7 * feature).item() == pytest.approx(0, abs=1e-6)
    assert objective.identity_loss(feature, -feature).item() == pytest.approx(4, abs=1e-5)


def test_through_has_the_value_and_hands_back_the_gradient() -> None:
    feature = torch.tensor([1.0, 2.0], requires_grad=True)
    value = (feature**3).sum()
    (gradient,) = torch.autograd.grad(value, feature)
    again = torch.tensor([1.0, 2.0], requires_grad=True)
    said = objective.through(value, gradient, again)
    assert said.item() == value.item()
    said.backward()
    torch.testing.assert_close(again.grad, torch.tensor([3.0, 12.0]))


# networks


def test_networks_have_the_papers_shapes() -> None:
    sizes = [layer.weight.shape for layer in FeatureGenerator(64, 30).body if isinstance(layer, nn.Linear)]
    assert [tuple(size) for size in sizes] == [(128, 64), (256, 128), (256, 256), (30, 256)]
    assert FeatureGenerator(8, 16, length=4.0)(torch.rand(3, 8)).norm(dim=1).tolist() == pytest.approx([4, 4, 4])
    assert BeganEncoder(5, 4, 128)(torch.zeros(1, 3, 128, 128)).shape == (1, 5)
    assert BeganDecoder(9, 4, 128)(torch.zeros(1, 9)).shape == (1, 3, 128, 128)


def test_features_have_unit_variance_on_average() -> None:
    system, batch = made()
    for features in (system.identity_of(batch.photo), system.general(batch.photo)):
        torch.testing.assert_close(features.square().mean(1), torch.ones(6), atol=1e-3, rtol=0)


def test_the_paper_recipe_runs_some_steps(tmp_path: Path) -> None:
    """ResNet-50, ResNet-18 and BEGAN, (5) on photos, at a smaller batch and picture."""
    recipe = systems.recipe("facefeat:paper")
    plan = replace(recipe.training, batch=2, phases=(Phase(1, ("C", "I", "P")), Phase(1, COMPETE)), bf16=False, look=2)
    recipe = override(replace(recipe, training=plan), ["framing.size=64", "people=8", "shapes=2", "expressions=3", "photos=2"])
    system = systems.row("facefeat").build(recipe)
    assert sum(weight.numel() for weight in system.parameters_of("I")) > 20e6  # ResNet-50
    train(system, "facefeat", store(recipe, 6), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert {"identity", "pose", "critic_real", "lambda_identity_made"} <= lines[-2].keys() | lines[-1].keys()


def test_anothers_morphable_model_takes_the_learned_ones_place(instruments: Path) -> None:
    """The Surrey model has 50 landmarks; the fit of E_1's targets is that of the model itself."""
    system, batch = made("morphable=surrey", "shapes=3", "expressions=6")
    model = system.morphable.model()
    assert model.mean.shape == (50, 3) and len(model.expression) == 6
    row = model.names.index("yaw")
    standard = system.morphable.standardised(batch.landmarks)
    raw = standard[:, row] * system.morphable.spread[row] + system.morphable.middle[row]
    expected = bases.cut(bases.surrey(), 3, 6).fit(batch.landmarks.numpy())[:, row]
    np.testing.assert_allclose(raw.numpy(), expected, atol=0.1)
    with pytest.raises(LikenessError, match="expressions=7: the morphable model has 6"):
        made("morphable=surrey", "shapes=3", "expressions=7")


# the game


def test_every_parameter_has_one_owner() -> None:
    system, _ = made()
    owned = [id(weight) for player in system.players for weight in system.parameters_of(player)]
    assert len(owned) == len(set(owned)) == len(list(system.parameters()))


def test_no_players_loss_moves_anothers_weights() -> None:
    """Played as the loop plays: after each move only the mover's weights differ."""
    system, batch = made()
    batch = replace(batch, person=torch.tensor([0, 0, 1, 1, 2, -1]))  # drawn faces are all strangers
    phase = Phase(1, tuple(system.players))
    seen = []
    for player, ask in system.play(batch, phase):
        before = {name: value.detach().clone() for name, value in system.named_parameters()}
        loss = torch.stack([term.weight * term.value for term in ask().values()]).sum()
        weights = system.parameters_of(player)
        for weight in weights:
            weight.grad = None
        loss.backward(inputs=weights)
        with torch.no_grad():
            for weight in weights:
                weight -= 0.01 * weight.grad
        changed = {name.split(".")[0] for name, value in system.named_parameters() if not torch.equal(value, before[name])}
        assert changed <= set(system.players[player]) and changed, player
        seen.append(player)
    assert seen == ["C", "I", "P", "E", "G1", "D1", "G2", "D2", "G", "D"]


def game(*settings: str, players: tuple[str, ...] = COMPETE) -> Game:
    system, batch = made(*settings)
    return Game(system, batch, Phase(1, players))


def test_who_minimises_what() -> None:
    """The table of the sheet: names of the terms of each player."""
    one = game()
    plain = lambda terms: {name for name, term in terms.items() if term.weight}  # noqa: E731
    assert plain(one.encoder_terms()) == {"encoder"}
    assert plain(one.feature_generator_terms(1)) == {"feature1", "image_feature1"}  # no identity loss
    assert plain(one.feature_discriminator_terms(2)) == {"feature_critic2"}
    assert plain(one.generator_terms()) == {"reconstruction", "adversarial", "identity_rec", "identity_made"}
    assert plain(one.discriminator_terms()) == {"critic_real", "critic_made", "critic_rec"}


def test_the_image_generator_never_gets_the_energy_of_made_faces() -> None:
    """(3) has φ^I(x^rec), not φ^I(x^s): D^I is asked by G^I about x^rec alone."""
    one, asked = game(), []

    def ask(pictures: torch.Tensor) -> torch.Tensor:
        asked.append(pictures)
        return one.system.discriminator(pictures)

    one.discriminator = ask
    one.generator_terms()
    assert len(asked) == 1 and torch.equal(asked[0], one.rebuilt[: one.judged])
    one.image_energy()
    assert torch.equal(asked[1], one.made)


def test_features_players_alone_paint_nothing() -> None:
    """While only features are made no face is: steps are quick. λ_1^f is the recipe's share of λ^f."""
    system, batch = made("weights.image_share1=0.25")
    painted = []
    system.decoder.register_forward_hook(lambda *_: painted.append(1))
    quick = Game(system, batch, Phase(1, FEATURES, ("image_feature",)))
    for number in (1, 2):
        assert set(quick.feature_generator_terms(number)) == {f"feature{number}"}
        quick.feature_discriminator_terms(number)
    assert not painted
    whole = Game(system, batch, Phase(1, COMPETE))
    one, two = (whole.feature_generator_terms(number)[f"image_feature{number}"].weight for number in (1, 2))
    assert painted and one == 0.25 * two == 0.25 * system.recipe.weights.image_feature


def test_the_encoder_gets_its_reconstructions_gradient_alone() -> None:
    """(8): the handed-back gradient is that of ‖x − G^I(f_id, f_1, E_2(x))‖₁."""
    one = game("jitter=0")
    system = one.system
    (term,) = one.encoder_terms().values()
    found = torch.autograd.grad(term.value, system.parameters_of("E"))
    general = system.general(one.batch.photo).float()
    value = objective.reconstruction(one.batch.photo, system.decode(one.identity, one.pose, general))
    for mine, true in zip(found, torch.autograd.grad(value, system.parameters_of("E")), strict=True):
        torch.testing.assert_close(mine, true, atol=1e-6, rtol=1e-3)


def test_the_feature_generators_get_the_gradient_of_equation_1() -> None:
    one = game("balance=0")
    system, batch = one.system, one.batch
    for number in (1, 2):
        terms = one.feature_generator_terms(number)
        value = torch.stack([term.weight * term.value for term in terms.values()]).sum()
        found = torch.autograd.grad(value, system.parameters_of(f"G{number}"), retain_graph=True)
        features = [feature if i + 1 == number else feature.detach() for i, feature in enumerate(one.features)]
        judge = getattr(system, f"discriminator{number}")
        image = objective.energy(system.discriminator(system.decode(one.identity, *features)))
        true = objective.energy(judge(features[number - 1])) + image
        for mine, wanted in zip(
            found, torch.autograd.grad(true, system.parameters_of(f"G{number}"), retain_graph=True), strict=True
        ):
            torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=1e-3)
    assert batch.photo.shape[0] == len(one.made)


def test_identity_of_a_face_with_itself_is_zero() -> None:
    """(11), by the way that training takes: the recogniser's kept numbers against the same face recognised anew."""
    system, batch = made()
    assert objective.identity_loss(system.target(batch), system.recognise(batch.photo)).item() == pytest.approx(0, abs=1e-4)
    other = batch.photo.roll(1, 0)
    assert objective.identity_loss(system.target(batch), system.recognise(other)).item() > 1e-3


def test_generators_that_rest_leave_made_faces_to_real_features() -> None:
    one = game(players=("E", "G"))
    for mine, real in zip(one.features, (one.pose, one.general.detach()), strict=True):
        torch.testing.assert_close(mine.sort(0).values, real.sort(0).values)


def test_turns_take_double_weight() -> None:
    seen = {game("turns=true", f"training.seed={i}").turn for i in range(1)}
    system, batch = made("turns=true")
    seen |= {Game(system, batch, Phase(1, COMPETE)).turn for _ in range(12)}
    assert seen == {(2.0, 0.0), (0.0, 2.0)}


def test_the_balance_is_measured_then_frozen_and_logged() -> None:
    system, batch = made("balance=2")
    balance = system.balance
    said = []
    for _ in range(4):
        terms = {"reconstruction": _term(2.0), "identity_rec": _term(0.5 + len(said))}
        said.append(balance(terms, "reconstruction"))
    shares = [float(terms["lambda_identity_rec"].value) for terms in said]
    assert shares[0] == pytest.approx(4) and shares[1] == pytest.approx(2) and shares[2] == shares[3] == shares[1]
    assert all(terms["lambda_identity_rec"].weight == 0 for terms in said)
    assert float(said[0]["identity_rec"].value) == pytest.approx(2)  # comparable with its reference
    assert batch.photo.shape[0] == 6


def _term(value: float) -> objective.Term:
    return objective.Term(torch.tensor(value), 1.0, "")


def test_a_resumed_run_is_the_same(tmp_path: Path, no_graphs: None) -> None:
    recipe = systems.recipe("facefeat:tiny")

    def run(folder: Path, *steps: int) -> dict[str, torch.Tensor]:
        for stop in steps:
            torch.manual_seed(1)
            train(systems.row("facefeat").build(recipe), "facefeat", store(recipe), folder, steps=stop)
        found = torch.load(folder / "state.pt", weights_only=True)["system"]
        assert isinstance(found, dict)
        return found

    whole, parted = run(tmp_path / "a", 24), run(tmp_path / "b", 11, 24)
    assert all(torch.equal(value, parted[name]) for name, value in whole.items())


# faces


def test_people_are_numbered() -> None:
    keys = [("a", "x")] * 3 + [("a", "y")] * 2 + [("b", "x")] * 3
    assert people_numbers(keys, 3, 10).tolist() == [0, 0, 0, -1, -1, 1, 1, 1]
    assert people_numbers(keys, 2, 1).tolist() == [0, 0, 0, -1, -1, -1, -1, -1]


def test_moved_faces_take_their_landmarks_with_them() -> None:
    size = 64
    photo = torch.zeros(3, 3, size, size) - 1
    landmarks = torch.full((3, 68, 2), 20.0)
    landmarks[:, :, 1] = 40.0
    photo[:, :, 39:42, 19:22] = 1
    after, points = moved(photo, landmarks, torch.Generator().manual_seed(0))
    assert not torch.equal(points, landmarks)
    for picture, point in zip(after, points, strict=True):
        bright = (picture.mean(0) == picture.mean(0).max()).nonzero().float().mean(0).flip(0)
        assert (bright - point[0]).abs().max() < 1.5


def test_the_fixed_crop_brings_eyes_and_mouth_where_the_recogniser_wants_them() -> None:
    framing = FaceFeatRecipe("x").framing
    ((gain_x, _, shift_x), (_, gain_y, shift_y)) = crop_of(framing)[0].tolist()
    height, width = CROP
    target = np.stack([FIVE[0], FIVE[1], (FIVE[3] + FIVE[4]) / 2])
    x = ((2 * target[:, 0] + 1) / width - 1) * gain_x + shift_x
    y = ((2 * target[:, 1] + 1) / height - 1) * gain_y + shift_y
    back = np.stack([((x + 1) * framing.size - 1) / 2, ((y + 1) * framing.size - 1) / 2], 1)
    assert np.abs(back - framing.template).max() < 1.5


def test_weights_of_zero_leave_terms_out() -> None:
    logits = torch.zeros(2, 1)
    terms = objective.feature_generator_terms(logits, None, Weights(feature=0), 1)
    assert terms == {}


# making


@pytest.fixture(scope="module")
def run(tiny_run: Callable[[str], Path]) -> Path:
    """A tiny run with its graphs."""
    return tiny_run("facefeat")


def test_seeds_and_what_is_kept(run: Path, samples: list[Path]) -> None:
    system = systems.load(run, "facefeat")
    person = system.person(samples[0])  # type: ignore[attr-defined]
    one, same, other = (system.prepare({"photo": person, "noise": seed}).arrays for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one) and not np.array_equal(one["pose"], other["pose"])
    kept = system.prepare({"photo": person, "keep": ("pose", "rest"), "noise": 1}).arrays
    assert kept["pose"][-1] == person.pose[-1] and np.array_equal(kept["general"], person.general)
    assert np.array_equal(kept["pose"][:-1], one["pose"][:-1]) and np.array_equal(kept["identity"], person.identity)
    front = system.prepare({"photo": person, "yaw": 0, "neutral": True}).arrays["pose"]
    assert front[-1] == pytest.approx(system.yaw_number(0.0)) and not front[:-1].any()  # type: ignore[attr-defined]
    taken = system.prepare({"photo": person, "expression": samples[1]}).arrays["pose"]
    assert np.array_equal(taken[:-1], system.person(samples[1]).pose[:-1])  # type: ignore[attr-defined]


def test_a_person_is_blended_with_that_of_another_photo(run: Path, samples: list[Path]) -> None:
    """By no share, half and all of the angle between the two; numbers are taken as a photo's are."""
    system = systems.load(run, "facefeat")
    first, second = (system.person(one).identity for one in samples[:2])  # type: ignore[attr-defined]

    def mixed(**how: object) -> np.ndarray:
        return system.prepare({"photo": samples[0], **how}).arrays["identity"]

    assert np.array_equal(mixed(identity=samples[1]), second)
    assert np.array_equal(mixed(identity=second.tolist()), second)
    cosine = [
        one @ first / np.linalg.norm(one) / np.linalg.norm(first) for one in (mixed(identity=samples[1], blend=0.5), second)
    ]
    assert 2 * np.arccos(cosine[0]) == pytest.approx(np.arccos(cosine[1]), abs=1e-3)
    nothing = mixed(identity=samples[1], blend=0.0)
    np.testing.assert_allclose(nothing / np.linalg.norm(nothing), first / np.linalg.norm(first), atol=1e-5)


def test_a_person_who_is_not_kept_is_told(run: Path, samples: list[Path]) -> None:
    result = systems.load(run)(photo=samples[0], noise=1)
    assert -1 <= result.made["likeness"] <= 1
    assert bool(result.notes) == (result.made["likeness"] < 0.3)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({"yaw": 90}, "yaw"),
        ({"keep": ("hair",)}, "keep"),
        ({"noise": -1}, "noise"),
        ({"noise": 1.5}, "noise"),
        ({"identity": [1.0, 2.0]}, "identity"),
        ({"identity": ["a", "b"]}, "identity"),
        ({"blend": 1.5}, "blend"),
        ({"neutral": True, "keep": "expression", "expression": "x.png"}, "expression"),
    ],
)
def test_refusals(run: Path, samples: list[Path], request_: dict[str, object], word: str) -> None:
    with pytest.raises(LikenessError, match=word):
        systems.load(run).prepare({"photo": samples[0], **request_})


def test_between_goes_from_end_to_end() -> None:
    first, second = np.array([3.0, 0, 0]), np.array([0, 3.0, 0])
    steps = between(first, second, 5)
    np.testing.assert_allclose(steps[[0, -1]], [first, second], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 3, atol=1e-5)
    assert (np.diff(steps @ second) > 0).all()
    with pytest.raises(LikenessError, match="steps"):
        between(first, second, 1)


def test_commands(run: Path, samples: list[Path], likeness, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    w = ["--weights", run]
    assert likeness("many", samples[0], "-n", 4, *w, "-o", "grid.png", "--json") == 0
    assert len(json.loads((tmp_path / "grid.json").read_text())["faces"]) == 4
    assert likeness("many", samples[0], "-n", 3, "--best-of", 2, "--keep-rest", "--yaw", 20, *w, "-o", "folder") == 0
    assert len(list((tmp_path / "folder").glob("*.png"))) == 3
    assert likeness("frontal", samples[0], *w, "-o", "front.png") == 0
    assert likeness("blend", samples[0], samples[1], "--steps", 3, *w, "-o", "blend.png") == 0
    assert likeness("blend", samples[0], "7", "--noise", "--steps", 3, *w, "-o", "noise.png") == 0
    capsys.readouterr()
    bad = (
        ["many", samples[0], "-n", 0],
        ["many", samples[0], "--yaw", 100],
        ["many", samples[0], "--yaw", 1, "--keep-pose"],
        ["many", "nobody.png"],
        ["blend", samples[0], "x", "--noise"],
        ["blend", samples[0], samples[1], "--steps", 1],
    )
    for words in bad:
        assert likeness(*words, *w) == 2, words
        said = capsys.readouterr().err
        assert said.startswith("likeness: ") and said.count("\n") == 1, words


def test_a_training_of_features_alone_ships_no_painter(tmp_path: Path) -> None:
    """E_id and E_1 for the joint model and for ``facefeat:lite`` to go on from."""
    recipe = tiny()
    plan = replace(recipe.training, phases=recipe.training.phases[:2])
    features = replace(recipe, training=plan)
    store = FaceStore.of(drawn_faces(12, recipe.framing), recipe.framing, "drawn")
    train(FaceFeatSystem(features), "facefeat", store, tmp_path / "features", steps=2)
    export(tmp_path / "features" / "weights.safetensors")
    _, state = read_weights(tmp_path / "features" / "weights.safetensors")
    assert {name.split(".")[0] for name in state} == {"layer", "identity", "pose", "morphable"}
    assert {path.stem for path in (tmp_path / "features").glob("*.onnx")} == {"identity", "pose"}
    with pytest.raises(LikenessError, match="no painter yet"):
        systems.load(tmp_path / "features", "facefeat")
    read = open_tool(FaceRecogniser, tmp_path / "features")
    assert read.framed([face.image for face in store]).shape == (12, recipe.identity)
    further = FaceFeatSystem(recipe)
    train(further, "facefeat", store, tmp_path / "run", steps=1, warm_start=tmp_path / "features" / "weights.safetensors")
    assert (tmp_path / "run" / "weights.safetensors").is_file()
