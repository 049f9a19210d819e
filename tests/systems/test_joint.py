"""The joint model: its conditions, its terms, its networks, and what it makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.cli import main
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.portrait import Fidelity
from likeness.faces.drawing import draw, drawn_faces
from likeness.faces.labels import CLASSES, coloured
from likeness.faces.landmarks import GROUPS, MIRROR
from likeness.image import write
from likeness.losses.pixel import absolute_within, root_mean_square
from likeness.recipe import override
from likeness.records import AlignedFace
from likeness.system import Table
from likeness.systems.joint import conditions, maps, objective, protocol
from likeness.systems.joint.maps import FLAGS, SPATIAL
from likeness.systems.joint.networks import REGIONS, LookEncoder
from likeness.systems.joint.recipes import CODES, NOISE, lite, tiny
from likeness.systems.joint.synthesis import JointSynthesizer
from likeness.systems.joint.system import JointSystem, others, per_number

FRAMING = tiny().framing


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def system() -> JointSystem:
    torch.manual_seed(0)
    return JointSystem(tiny())


@pytest.fixture(scope="module")
def table(system: JointSystem) -> Table:
    made = system.table(FaceStore.of(drawn_faces(8, FRAMING), FRAMING, "drawn"))
    system.fit_statistics(made)
    return made


# conditions


def test_shares_of_conditions_are_those_of_the_recipe() -> None:
    plan = lite().chances
    flags, looked = conditions.chosen(plan, 20_000, chance())
    spatial = flags[:, : len(SPATIAL)]
    alone = spatial.sum(1) == 1
    for index, name in enumerate(SPATIAL):
        assert float((alone & (spatial[:, index] == 1)).float().mean()) == pytest.approx(getattr(plan, name), abs=0.01)
    assert float((spatial.sum(1) >= 2).float().mean()) == pytest.approx(plan.mixed + plan.driven, abs=0.01)
    both = (spatial.sum(1) == 2) & (spatial[:, [FLAGS.index(name) for name in conditions.DRIVEN]].sum(1) == 2)
    assert float(both.float().mean()) == pytest.approx(plan.driven + plan.mixed * 0.6 / 10, abs=0.01)  # ten pairs of five
    assert float(flags[:, -1].mean()) == pytest.approx(plan.identity, abs=0.015)
    assert float(looked[:, 1].mean()) == pytest.approx(plan.looked * 0.75, abs=0.015)
    told = flags[:, [FLAGS.index(name) for name in ("drawing", "parsing", "landmarks")]].amax(1) > 0
    assert not looked[told, 0].any()
    assert bool(looked[~told, 0].any())


def test_only_what_is_given_is_seen(system: JointSystem, table: Table) -> None:
    for name in SPATIAL:
        batch = system.given(table, (name,))
        for other in SPATIAL:
            there = bool(batch.maps[:, maps.channels(other)].any())
            assert there == (other == name), (name, other)
    assert not system.given(table, SPATIAL).identity.any()
    assert system.given(table, ("identity",)).identity.square().mean().item() == pytest.approx(1, rel=0.01)


def test_every_row_keeps_its_own_conditions(system: JointSystem, table: Table) -> None:
    """What a sheet could get wrong: rows of different tensors drawn with different indices."""
    whole = system.given(table, FLAGS)
    for row in (0, 5):
        alone = system.given({key: column[row : row + 1] for key, column in table.items()}, FLAGS)
        for name in ("parts", "parsing", "landmarks"):
            assert torch.equal(whole.maps[row, maps.channels(name)], alone.maps[0, maps.channels(name)]), name
        assert torch.equal(whole.identity[row], alone.identity[0])
        assert torch.equal(whole.photo[row], alone.photo[0])


def test_known_pixels_are_the_photo(system: JointSystem, table: Table) -> None:
    batch = system.given(table, ("known",))
    known = batch.maps[:, maps.channels("known")]
    mask = known[:, 3:]
    assert 0 < float(mask.mean()) < 1
    assert torch.allclose(known[:, :3], batch.photo * mask)


def test_features_are_rubbed_out_of_drawings(table: Table) -> None:
    """Where they are, all drawings are of one tone, the mask says so, and the objective compares there once more."""
    recipe = override(tiny(), ["chances.erased=1", "weights.repaired=2"])
    torch.manual_seed(0)
    repairing = JointSystem(recipe)
    flags = torch.zeros(len(table["photo"]), len(FLAGS))
    flags[:, FLAGS.index("drawing")] = 1
    looked = torch.zeros(len(flags), len(CODES))
    batch = conditions.batch_of(table, flags, looked, recipe, repairing.anchors.mean, chance(), True)
    drawing = batch.maps[:, maps.channels("drawing")][:, :1]
    for row, where in zip(drawing, batch.erased > 0, strict=True):
        assert 0 < float(where.float().mean()) < 0.5
        assert len(row[where].unique()) == 1
    whole = conditions.batch_of(table, flags, looked, tiny(), repairing.anchors.mean, chance(), True)
    assert not whole.erased.any()
    as_it_is = conditions.batch_of(table, flags, looked, recipe, repairing.anchors.mean, chance(), False)
    assert not as_it_is.erased.any()  # what is measured and shown is not rubbed out
    asked = dict(repairing.play(batch, recipe.training.phases[-1]))
    term = asked["G"]()["repaired"]
    assert term.weight == 2 and float(term.value.detach()) > 0
    empty = dict(repairing.play(whole, recipe.training.phases[-1]))["G"]()["repaired"]
    assert float(empty.value.detach()) == 0


def test_mirrored_faces_stay_consistent(table: Table) -> None:
    size = FRAMING.size
    flips = torch.tensor([True, False] * 4)
    turned = conditions.mirrored(table, flips, size)
    assert torch.equal(turned["photo"][1], table["photo"][1])
    assert torch.equal(turned["photo"][0], table["photo"][0].flip(-1))
    assert torch.equal(turned["classes"][0], table["classes"][0].flip(-1))
    points = table["landmarks"][0][list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([size - 1.0, 0.0])
    assert torch.allclose(turned["landmarks"][0], points)
    again = conditions.mirrored(turned, flips, size)
    assert all(torch.allclose(again[key].float(), table[key].float(), atol=1e-4) for key in table)


def test_landmark_lines_show_each_group_in_its_map() -> None:
    _, points = draw(3, 128)
    lines = maps.landmark_maps(points, 128)
    assert lines.shape == (5, 128, 128) and lines.max() <= 1
    for one, name in zip(lines, maps.LINES, strict=True):
        rows, columns = np.nonzero(one > 0.5)
        chosen = {"jaw": points[:17], "brows": points[17:27], "nose": points[27:36], "eyes": points[36:48], "mouth": points[48:]}
        low, high = chosen[name].min(0) - 2, chosen[name].max(0) + 2
        assert low[0] <= columns.min() and columns.max() <= high[0], name
        assert low[1] <= rows.min() and rows.max() <= high[1], name


def test_another_photo_of_the_person_is_the_next_in_turn() -> None:
    keys = [("a", "ann"), ("a", "bo"), ("a", "ann"), ("b", "ann"), ("a", "ann")]
    assert others(keys).tolist() == [2, 1, 4, 3, 0]


# terms


def test_how_much_is_known() -> None:
    none, every = torch.zeros(1, len(CODES)), torch.ones(1, len(CODES))

    def share(*names: str, looked: torch.Tensor = none) -> float:
        return float(objective.known_share(torch.tensor([[float(name in names) for name in FLAGS]]), looked)[0])

    assert share() == 0 and share("identity") == 0
    assert share("landmarks") == pytest.approx(0.8 * 0.15)
    assert share("drawing") > share("parts") > share("parsing") > share("landmarks") > 0
    assert share("drawing", "parts", looked=every) == pytest.approx(1)
    for names in ((), ("landmarks",), ("parts", "identity")):
        assert share(*names, looked=every) > share(*names)
        for more in FLAGS:
            assert share(*names, more) >= share(*names)


def test_reconstruction_is_the_root_mean_square_of_what_is_known() -> None:
    one, other = torch.randn(2, 4, 3, 8, 8, generator=chance())
    assert objective.reconstruction(one, other, torch.ones(4)) == pytest.approx(float(root_mean_square(one, other)), rel=1e-5)
    share = torch.tensor([1.0, 0, 0, 0])
    assert objective.reconstruction(one, other, share) == pytest.approx(float(root_mean_square(one[:1], other[:1])) / 4, rel=1e-5)


def test_known_pixels_alone_are_compared() -> None:
    one, mask = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    other = one.clone()
    mask[0, :, :2] = 1
    other[0, :, 2:] = 5  # where nothing is known
    assert absolute_within(one, other, mask) == 0
    other[0, :, 0, 0] = 0.8  # one of eight known pixels
    assert absolute_within(one, other, mask) == pytest.approx(0.1)
    assert absolute_within(one, other, torch.zeros_like(mask)) == 0


def test_perception_weighs_rows() -> None:
    one, other = [torch.zeros(2, 3, 4, 4)], [torch.stack([torch.ones(3, 4, 4), 3 * torch.ones(3, 4, 4)])]
    assert objective.perception(one, other, torch.tensor([0.5, 0.0])) == pytest.approx(0.25)
    assert objective.perception(one, other, torch.tensor([0.0, 1.0])) == pytest.approx(1.5)


def test_prior_is_the_divergence_of_normal_distributions() -> None:
    mean, spread = torch.randn(2, 5, 7, generator=chance()).unbind(0)
    own = torch.distributions.Normal(mean, (0.5 * spread).exp())
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    assert objective.prior(mean, spread) == pytest.approx(float(expected), rel=1e-5)
    drawn = objective.sampled(torch.full((40_000, 1), 2.0), torch.full((40_000, 1), np.log(9.0)), torch.randn(40_000, 1))
    assert float(drawn.mean()) == pytest.approx(2, abs=0.1) and float(drawn.std()) == pytest.approx(3, rel=0.03)


def test_identity_loss_is_one_less_the_cosine() -> None:
    one = torch.tensor([[3.0, 0], [0, 2]])
    assert objective.identity_loss(one, 5 * one) == pytest.approx(0)
    assert objective.identity_loss(one, one.flip(1)) == pytest.approx(1)


# the game


def test_no_term_moves_another_players_weights(system: JointSystem, table: Table) -> None:
    system.train()
    batch = system.batch(table, chance(), augment=True)
    moves = dict(system.play(batch, system.recipe.training.phases[-1]))
    assert list(moves) == ["D", "G"]
    own = {player: set(map(id, system.parameters_of(player))) for player in system.players}
    assert not own["D"] & own["G"]
    system.zero_grad()
    sum(term.weight * term.value for term in moves["D"]().values()).backward()  # type: ignore[union-attr]
    assert all(weight.grad is None for weight in system.parameters_of("G"))
    assert all(weight.grad is not None for weight in system.parameters_of("D"))


def test_noise_is_the_photos_own_code_where_it_was_looked_at(system: JointSystem, table: Table) -> None:
    system.zero_grad()
    batch = system.given(table, ("identity",))
    mean, spread = system.codes(batch)
    assert mean.shape == spread.shape == (8, NOISE)
    looked = torch.zeros(8, len(CODES))
    looked[:, list(CODES).index("hair")] = 1
    noise = system.noise(replace(batch, looked=looked), mean, torch.full_like(spread, -80.0))
    start = CODES["shape"] + CODES["ground"]
    hair = slice(start, start + CODES["hair"])
    assert torch.allclose(noise[:, hair], mean[:, hair])
    assert torch.equal(noise[:, : CODES["shape"]], batch.noise[:, : CODES["shape"]])
    strange = objective.sampled(*system.look(batch.photo.roll(1, 0), batch.classes.roll(1, 0)), batch.noise[:, CODES["shape"] :])
    rest = torch.ones(NOISE - CODES["shape"], dtype=torch.bool)
    rest[CODES["ground"] : CODES["ground"] + CODES["hair"]] = False
    assert torch.allclose(noise[:, CODES["shape"] :][:, rest], strange[:, rest], atol=1e-5)
    noise[:, CODES["shape"] :][:, rest].sum().backward()
    assert not any(weight.grad.any() for weight in system.look.heads["skin"].parameters() if weight.grad is not None)
    assert per_number(looked).sum() == 8 * CODES["hair"]


def test_a_code_of_a_look_sees_its_region_alone() -> None:
    """Pixels far from the hair change every code but the hair's."""
    torch.manual_seed(0)
    encoder = LookEncoder(8)
    photo = torch.rand(1, 3, 128, 128) * 2 - 1
    classes = torch.zeros(1, len(CLASSES), 128, 128)
    classes[:, list(CLASSES).index("hair"), :32] = 1
    classes[:, list(CLASSES).index("skin"), 32:96] = 1
    classes[:, 0, 96:] = 1
    changed = photo.clone()
    changed[:, :, 112:] *= -1
    before, after = encoder(photo, classes)[0], encoder(changed, classes)[0]
    where = 0
    for name in REGIONS:
        piece = slice(where, where + CODES[name])
        where += CODES[name]
        assert torch.equal(before[:, piece], after[:, piece]) == (name != "ground"), name


def test_lite_fits_the_size_that_ships() -> None:
    weights = sum(weight.numel() for weight in JointSystem(lite()).parameters_of("G"))
    assert weights < 12e6  # a byte each in int8, and scales


# making


def test_any_subset_makes_a_face(joint: JointSynthesizer, samples: list[Path], tmp_path: Path) -> None:
    ann, bo = samples[:2]
    requests = [
        {},
        {"parts": ann},
        {"eyes": ann, "mouth": bo},
        {"drawing": ann, "effect": "pencil", "noise": 4},
        {"parsing": bo},
        {"landmarks": ann},
        {"keep": ann},
        {"look": bo},
        {"like": [ann, bo]},
        {"parts": ann, "drawing": bo, "landmarks": ann, "look": bo},
    ]
    results = joint.make([joint.prepare(request) for request in requests])
    assert all(result.picture.shape == (64, 64, 3) for result in results)
    assert len({result.picture.tobytes() for result in results}) == len(requests)
    assert {"landmarks"} == set(results[5].intermediates)
    again = joint(drawing=ann, effect="pencil", noise=4)
    assert np.abs(again.picture.astype(int) - results[3].picture).max() <= 1
    assert results[6].pasted().picture.shape == results[6].place.photo.shape  # type: ignore[union-attr]
    parsing = coloured(np.full((32, 32), 1, np.uint8))
    write(tmp_path / "parsing.png", parsing)
    assert (joint(parsing=tmp_path / "parsing.png").intermediates["parsing"] == coloured(np.full((64, 64), 1, np.uint8))).all()


def test_who_it_is_is_left_to_chance_where_nothing_tells(joint: JointSynthesizer, samples: list[Path]) -> None:
    """The seed's person is held while all else is varied, and the other way round; a drawing tells who it is."""
    first, second = (joint.prepare({"landmarks": samples[0], "noise": 3, "hold": {"person": seed}}) for seed in (5, 6))
    assert np.array_equal(first.arrays["noise"], second.arrays["noise"])
    assert not np.array_equal(first.arrays["identity"], second.arrays["identity"])
    other = joint.prepare({"noise": 9, "hold": {"person": 5}})
    assert np.array_equal(first.arrays["identity"], other.arrays["identity"])
    assert first.arrays["flags"][FLAGS.index("identity")] == 1
    drawn = joint.prepare({"drawing": samples[0], "effect": "pencil"})
    assert not drawn.arrays["identity"].any() and drawn.arrays["flags"][FLAGS.index("identity")] == 0


def test_identity_may_be_numbers(joint: JointSynthesizer) -> None:
    numbers = np.random.default_rng(0).standard_normal(256).astype(np.float32)
    assert np.abs(joint(like=numbers).picture.astype(int) - joint(like=5 * numbers).picture).max() <= 1
    assert (joint(like=numbers).picture != joint(like=-numbers).picture).any()


def test_a_code_can_be_varied_alone(joint: JointSynthesizer) -> None:
    base, other = joint.noise(7), joint.noise(7, {"hair": 9})
    start = CODES["shape"] + CODES["ground"]
    changed = np.flatnonzero(base != other)
    assert changed.min() >= start and changed.max() < start + CODES["hair"]
    assert np.array_equal(joint.noise(1, dict.fromkeys(CODES, 7)), base)


def test_it_stands_in_for_specialists(joint: JointSynthesizer, joint_run: Path, samples: list[Path], tmp_path: Path) -> None:
    """``--weights`` of their commands; what it has no counterpart of is refused."""
    ann, bo = map(str, samples[:2])
    as_parts, as_portrait = systems.load(joint_run, "parts"), systems.load(joint_run, "portrait")
    same = np.array_equal
    assert same(as_parts(photo=ann, mouth=bo).picture, joint(parts=ann, mouth=bo).picture)
    assert same(as_parts(photo=ann, only=("eyes", "nose")).picture, joint(eyes=ann, nose=ann).picture)
    assert same(as_portrait(drawing=ann, effect="line", noise=2).picture, joint(drawing=ann, effect="line", noise=2).picture)
    with pytest.raises(LikenessError, match=r"shift: the joint model lays parts"):
        as_parts(photo=ann, shift={"mouth": (0.1, 0)})
    for other in ("isegan", "facefeat"):
        with pytest.raises(LikenessError, match="holds weights of 'joint', not of"):
            systems.load(joint_run, other)
    for words in (["parts", ann, "--mouth", bo], ["portrait", "draw", ann, "--effect", "pencil", "--sheet"]):
        target = tmp_path / f"{words[0]}.png"
        assert main([*words, "--weights", str(joint_run), "-o", str(target)]) == 0
        assert target.is_file()


def test_other_chance_is_as_if_all_were_read_again(joint: JointSynthesizer, samples: list[Path]) -> None:
    for given in (
        {},
        {"like": samples[0]},
        {"look": samples[1]},
        {"eyes": samples[1], "drawing": samples[0], "effect": "pencil"},
        {"landmarks": samples[2], "look": samples[1], "like": samples[0]},
    ):
        other = {**given, "noise": 2, "hold": {"rest": 3}}
        for first in ({**given, "noise": 1, "hold": {"hair": 4}}, given):
            found, wanted = joint.with_chance(joint.prepare(first), other), joint.prepare(other)
            assert found.made == wanted.made and found.notes == wanted.notes and (found.place is None) == (wanted.place is None)
            for one, same in ((found.arrays, wanted.arrays), (found.pictures, wanted.pictures)):
                assert one.keys() == same.keys() and all(np.array_equal(one[name], same[name]) for name in same)


def test_bad_conditions_are_named(joint: JointSynthesizer, samples: list[Path], tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    write(blank, np.full((90, 70, 3), 200, np.uint8))
    nans = np.full((68, 2), np.nan, np.float32)
    broken = tmp_path / "broken.json"
    broken.write_text('{"points": [[NaN, 1]]}')
    for request, said in (
        ({"parts": blank}, "blank"),
        ({"keep": samples[0], "mask": blank}, "70×90"),
        ({"mask": blank}, "name the photo"),
        ({"landmarks": nans}, "finite"),
        ({"landmarks": broken}, "broken"),
        ({"landmarks": tmp_path / "none.json"}, "no such file"),
        ({"effect": "pencil"}, "no drawing"),
        ({"drawing": np.zeros((1, 1, 3), np.uint8)}, "only 1×1"),
        ({"drawing": samples[0], "effect": "oil"}, "there are"),
        ({"noise": -1}, "seed"),
        ({"hold": {"beard": 1}}, "there are shape"),
        ({"like": np.zeros(256, np.float32)}, "not all 0"),
        ({"like": np.ones(3, np.float32)}, "256 finite"),
        ({"like": blank}, "blank"),
        ({"photo": samples[0]}, "no condition"),
    ):
        with pytest.raises(LikenessError, match=said):
            joint.prepare(request)


def test_the_mouth_of_a_driven_photo_is_not_told() -> None:
    face = next(iter(drawn_faces(1, FRAMING)))
    size = FRAMING.size
    told = conditions.kept(face.image, face.landmarks, np.zeros((size, size), np.uint8), np.random.default_rng(0), driven=True)
    inside = face.landmarks[list(GROUPS["outer_lips"])].mean(0).round().astype(int)
    assert not told[inside[1], inside[0]] and told.mean() > 0.7


# measuring


class StandIn:
    """In place of the instruments: mean colours."""

    notes = instruments = ()

    @property
    def panel(self) -> StandIn:
        return self

    def seen(self, faces: list[AlignedFace]) -> None:
        return None

    def fidelity(self, made: np.ndarray, faces: list[AlignedFace], photo: None) -> Fidelity:
        away = [float(np.abs(one.astype(float) - face.image).mean()) for one, face in zip(made, faces, strict=True)]
        judged = {"lpips": (float(np.mean(away)), 0), "kernel_efficientnet_lite0": 1.0}
        return Fidelity(len(made), (0, 0), (0, 0), judged, 0, {"lpips": away}, [faces[0].landmarks, *(None for _ in faces[1:])])

    def distances(self, made: np.ndarray, wanted: np.ndarray) -> list[float]:
        return [float(one) for one in np.abs(made.astype(float) - wanted).mean((1, 2, 3))]


def test_every_condition_is_measured(joint_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "Ruler", StandIn)
    faces = [replace(face, split="test") for face in drawn_faces(4, FRAMING)]
    data = FaceStore.of(faces, FRAMING, "drawn").write(tmp_path / "faces.parquet")
    outcome = protocol.measure(protocol.Options(data=str(data), source="drawn", weights=str(joint_run), alone=True, groups=True))
    lines = {line["given"]: line for line in outcome.lines}
    assert list(lines) == list(protocol.CONDITIONS)
    assert lines["landmarks"]["landmarks"] == 0  # the face that was found is the photo's own
    assert all(len(line["each"]["lpips"]) == 4 == len(outcome.names) for line in outcome.lines)
    assert lines["nothing"]["apart"] > 0
    yaws = [one["count"] for one in outcome.tables["groups"] if one["kind"] == "yaw" and one["method"] == "nothing: joint"]
    assert sum(yaws) == 4
    record = outcome.record()
    assert {line["title"] for line in record["lines"]} == {f"{name}, joint" for name in protocol.CONDITIONS}


def test_specialists_take_what_they_are_given() -> None:
    assert set(protocol.SPECIALISTS) <= set(protocol.CONDITIONS)
    for name, condition in protocol.SPECIALISTS.values():
        assert condition in {one.name for one in systems.row(name).synthesizer_class().conditions}
