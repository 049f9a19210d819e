"""The experiments of FaceFeat-GAN's paper: figures against closed forms, and the real commands on drawn faces."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import baselines, systems
from likeness.baselines import one_stage
from likeness.baselines.cvaegan import CVAEGAN
from likeness.baselines.one_stage import OneStage, Round
from likeness.card import read_card
from likeness.data.store import FaceStore, row, write_rows
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import eye_distance
from likeness.recipe import Phase
from likeness.records import AlignedFace, Image, Points
from likeness.systems.facefeat import measures, panels, study, usefulness
from likeness.systems.facefeat.measures import Judge, Seen
from likeness.systems.facefeat.system import FaceFeatBatch
from likeness.train.loop import train

Run = Callable[..., int]
FRAMING = Framing(size=64)


def faces(count: int, each: int = 2, sides: Sequence[str] = ("test",)) -> list[AlignedFace]:
    """Drawn faces of people with ``each`` photos; people take the sides in turn."""
    made = []
    for i, face in enumerate(drawn_faces(count, FRAMING)):
        person = i // each
        name = f"P{person}/P{person}_{i % each + 1:04d}"
        made.append(replace(face, split=sides[person % len(sides)], person=f"P{person}", name=name))
    return made


def store(some: list[AlignedFace], path: Path) -> Path:
    return write_rows(path, [row(face, "lfw", eye_distance(face.landmarks)) for face in some], FRAMING)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 people with 4 photos each, of the sides train, validation and test."""
    sides = ("train", "train", "train", "validation", "test", "test")
    return store(faces(72, 4, sides), tmp_path_factory.mktemp("faces") / "drawn.parquet")


class Recogniser:
    """One that knows people by a picture's grey, which :func:`labelled` gives it, ten levels a person."""

    def embed(self, crops: Sequence[Image]) -> np.ndarray:
        codes = np.array([round(int(crop[0, 0, 0]) / 10) for crop in crops])
        chance = np.random.default_rng(0).normal(size=(256, 32))
        return (chance / np.linalg.norm(chance, axis=1, keepdims=True))[codes].astype(np.float32)


class Judged(Judge):
    """A judge of labelled pictures; it finds faces in all but black ones."""

    def __init__(self) -> None:
        object.__setattr__(self, "recogniser", Recogniser())
        object.__setattr__(self, "reader", None)

    def look(self, pictures: Image, usual: Points) -> Seen:
        found = np.array([bool(picture.any()) for picture in pictures])
        return Seen(self.recogniser.embed(pictures), [usual if one else None for one in found], found)

    def known(self, faces: Sequence[AlignedFace]) -> Seen:
        return self.look(np.stack([face.image for face in faces]), faces[0].landmarks)


def labelled(some: list[AlignedFace]) -> list[AlignedFace]:
    """Faces whose pictures are one grey, that of their person."""
    return [replace(face, image=np.full_like(face.image, 10 * int(face.person[1:]) + 10)) for face in some]


# closed forms


def test_similarity_counts_a_face_that_is_not_found_as_nothing() -> None:
    unit = np.eye(3, dtype=np.float32)
    one = Seen(unit, [None] * 3, np.array([True, True, False]))
    other = Seen(unit[[0, 2, 2]], [None] * 3, np.ones(3, bool))
    assert measures.similarity(one, other).tolist() == [1, 0, 0]


def test_own_pairs_are_balanced_fold_by_fold() -> None:
    some = FaceStore.of(faces(40), FRAMING, "drawn")
    pairs, same = measures.own_pairs(some, most=20)
    people = some.column("person")
    assert len(pairs) == 40 and [people[i] == people[j] for i, j in pairs] == same.tolist()
    assert all(same.reshape(10, -1).sum(1) == 2)
    with pytest.raises(LikenessError, match="pairs of one person"):
        measures.own_pairs(FaceStore.of(faces(6), FRAMING, "drawn"))


def test_listed_pairs_whose_photos_are_missing_leave_the_folds_balanced() -> None:
    listed = [("a1", "a2"), ("b1", "b2"), ("a1", "b1"), ("a2", "b2")] * 2
    same = np.array([True, True, False, False] * 2)
    rows = {name: i for i, name in enumerate(("a1", "a2", "b1"))}  # b2 is not prepared
    pairs, kinds = measures.listed_pairs(listed, same, 2, rows)
    assert pairs == [(0, 1), (0, 2)] * 2 and kinds.tolist() == [True, False] * 2
    with pytest.raises(LikenessError, match="no pair left"):
        measures.listed_pairs(listed, same, 2, {"a1": 0, "b1": 1})


def test_verification_of_a_perfect_and_a_blind_method() -> None:
    some = labelled(faces(40))
    pairs, same = measures.own_pairs(FaceStore.of(faces(40), FRAMING, "drawn"))
    methods = {"kept": lambda photos, seeds: photos, "nobody": lambda photos, seeds: np.full_like(photos, 230)}
    lines = measures.verified(some, pairs, same, methods, Judged())
    assert [line["method"] for line in lines] == ["real photos", "kept", "nobody"]
    assert [line["accuracy"][0] for line in lines] == [1, 1, 0.5]
    assert lines[1]["accepted_at_0.001"] == 1 and len(lines[1]["each"]["accuracy"]) == 10


def test_templates_with_a_share_of_faces_of_another() -> None:
    """With the person kept every rate is 1; with synthetic faces of one and the same nobody, 100 % cannot tell people apart."""
    some = FaceStore.of(labelled(faces(24, 4)), FRAMING, "drawn")
    kept = measures.mixed_templates(some, lambda photos, seeds: photos, Judged())
    assert [line["synthetic_percent"] for line in kept] == [0, 20, 50, 80, 100]
    assert all(line["rank_1"] == (1, 0) and line["accepted_at_0.01"] == (1, 0) for line in kept)
    lost = measures.mixed_templates(some, lambda photos, seeds: np.full_like(photos, 230), Judged())
    assert lost[0]["rank_1"] == (1, 0) and lost[-1]["rank_1"][0] < 0.3
    with pytest.raises(LikenessError, match="0 people have 4 photos"):
        measures.mixed_templates(FaceStore.of(faces(12), FRAMING, "drawn"), lambda photos, seeds: photos, Judged())


def test_the_prior_is_normal() -> None:
    """√2 · erf⁻¹: what torch says of it, and the moments of a standard normal."""
    uniform = torch.linspace(-0.999, 0.999, 999)
    torch.testing.assert_close(one_stage.normal_of(uniform), 2**0.5 * torch.erfinv(uniform), atol=2e-4, rtol=1e-3)
    noise = 2 * torch.rand(4000, 30, generator=torch.Generator().manual_seed(0)) - 1
    feature = one_stage.Prior(20, "normal")(noise)
    assert (
        feature.shape == (4000, 20) and abs(float(feature.mean())) < 0.02 and float(feature.var()) == pytest.approx(1, abs=0.02)
    )
    assert not one_stage.Prior(5, "none")(noise).any()


# baselines


def game(name: str) -> tuple[OneStage, Round]:
    torch.manual_seed(0)
    recipe = baselines.recipe(f"{name}:tiny")
    system = baselines.row(name).build(recipe)
    assert isinstance(system, OneStage)
    table = system.table(FaceStore.of(faces(6), FRAMING, "drawn"))
    system.fit_statistics(table)
    batch: FaceFeatBatch = system.batch(table, torch.Generator().manual_seed(0), augment=True)
    return system, Round(system, replace(batch, person=torch.tensor([0, 0, 1, 1, 2, -1])))


WHO = {
    "single_stage": {"G": {"adversarial", "identity_made"}, "D": {"critic_real", "critic_made"}},
    "cvaegan": {
        "E": {"reconstruction", "divergence"},
        "G": {"reconstruction", "adversarial", "identity_made"},
        "D": {"critic_real", "critic_made"},
    },
    "drgan": {
        "K": {"told_person", "told_pose"},
        "G": {"adversarial", "told_person", "told_pose"},
        "D": {"critic_real", "critic_made"},
    },
    "faceidgan": {
        "K": {"person_real", "person_made"},
        "G": {"adversarial", "identity_made", "told_person", "pose_made"},
        "D": {"critic_real", "critic_made"},
    },
}


@pytest.mark.parametrize("name", WHO)
def test_who_minimises_what_and_moves_nobody_else(name: str) -> None:
    system, one = game(name)
    seen = {}
    for player, ask in system.terms(one).items():
        terms = ask()
        seen[player] = set(terms)
        weights = system.parameters_of(player)
        loss = torch.stack([term.weight * term.value for term in terms.values()]).sum()
        moved = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
        assert any(some is not None and some.abs().sum() > 0 for some in moved), player
    assert seen == WHO[name]
    owned = [id(weight) for player in system.players for weight in system.parameters_of(player)]
    assert len(owned) == len(set(owned)) == len(list(system.parameters()))


def test_faceid_gans_classifier_has_two_classes_a_person() -> None:
    system, one = game("faceidgan")
    logits, _ = system.teller(one.made)
    known = one.batch.person >= 0
    made = system.terms(one)["K"]()["person_made"].value
    people = one.batch.person[known] + system.recipe.people
    assert made.item() == pytest.approx(torch.nn.functional.cross_entropy(logits[known], people).item(), abs=1e-5)
    assert logits.shape[1] == 2 * system.recipe.people


def test_baselines_begin_from_facefeats_extractors(tmp_path: Path, no_graphs: None) -> None:
    """E_id and E_1 are taken, all else begins anew; a system that names no other takes its own weights only."""
    data = FaceStore.of(faces(12, 2, ("train",)), FRAMING, "drawn")
    recipe = systems.recipe("facefeat:tiny")
    features = train(systems.row("facefeat").build(recipe), "facefeat", data, tmp_path / "features", steps=13)
    theirs = baselines.recipe("cvaegan:tiny")
    plan = replace(theirs.training, phases=(Phase(2, ("E", "G", "D")),))
    system = baselines.row("cvaegan").build(replace(theirs, training=plan))
    assert isinstance(system, CVAEGAN)
    train(system, "cvaegan", data, tmp_path / "theirs", warm_start=features)
    from likeness.checkpoint import read_weights

    (_, old), (card, new) = read_weights(features), read_weights(tmp_path / "theirs" / "weights.safetensors")
    assert card.system == "cvaegan"
    assert all(torch.equal(new[key], old[key]) for key in new if key.split(".")[0] in ("layer", "identity", "pose", "morphable"))
    assert any(not torch.equal(new[key], old[key]) for key in new if key.startswith("decoder."))
    fresh = systems.row("facefeat").build(recipe)
    with pytest.raises(LikenessError, match="holds weights of 'cvaegan', not of 'facefeat'"):
        train(fresh, "facefeat", data, tmp_path / "x", warm_start=tmp_path / "theirs" / "weights.safetensors")


@pytest.mark.parametrize("name", ["single_stage", "faceidgan"])
def test_a_baselines_graphs_are_written_and_say_the_same(name: str, tmp_path: Path) -> None:
    """By onnxruntime and by torch, priors included."""
    from likeness.export import export

    torch.manual_seed(0)
    recipe = baselines.recipe(f"{name}:tiny")
    recipe = replace(recipe, training=replace(recipe.training, phases=(Phase(1, ("G", "D")),)))
    system = baselines.row(name).build(recipe)
    weights = train(system, name, FaceStore.of(faces(6, 2, ("train",)), FRAMING, "drawn"), tmp_path / "run")
    export(weights, baselines.row(name).graph_module)
    quick, slow = (baselines.load(tmp_path / "run", engine) for engine in ("onnx", "torch"))
    photos = np.stack([face.image for face in faces(3)])
    one, other = (measures.of(model)(photos, range(3)).astype(int) for model in (quick, slow))  # type: ignore[arg-type]
    assert np.abs(one - other).max() <= 1
    (pose, general), again = quick.drawn(5), quick.drawn(5)  # type: ignore[attr-defined]
    assert np.array_equal(general, again[1]) and bool(pose.any()) == (name == "faceidgan")


def test_table_4_takes_one_term_away() -> None:
    """Each row differs from the full model in its term alone; G^I moves equally often; E_2 keeps (8)."""
    full = study.ablation("full", 120)
    for name in study.ABLATIONS:
        recipe = study.ablation(name, 120)
        phases = recipe.training.phases
        assert sum(phase.steps for phase in phases if "G" in phase.players) == 120
        assert any("E" in phase.players for phase in phases)
        assert replace(recipe, name=full.name, training=full.training, weights=full.weights, expects=full.expects) == full
    gone = {name: study.ablation(name, 120) for name in study.ABLATIONS}
    assert gone["no-identity"].weights.identity_made == gone["no-identity"].weights.identity_rec == 0
    assert gone["no-feature"].weights.feature == 0 and "D1" not in gone["no-feature"].training.phases[-1].players
    assert gone["no-image"].weights.image_feature == gone["no-image"].weights.adversarial == 0
    assert "D" not in gone["no-image"].training.phases[-1].players
    assert all(
        "decoder_reconstruction" in phase.disabled_terms
        for phase in gone["no-reconstruction"].training.phases
        if "G" in phase.players
    )
    plan = study.plan_of("table3", study.Options(data="x", steps=120))
    assert list(plan) == ["full", *baselines.PERSONS]
    for name, (_, recipe) in plan.items():
        assert sum(phase.steps for phase in recipe.training.phases if "G" in phase.players) == 120, name
        assert recipe.training.batch == full.training.batch
    with pytest.raises(LikenessError, match="no row of table 4"):
        study.ablation("no-hair", 120)
    with pytest.raises(LikenessError, match="at least 10"):
        study.ablation("full", 3)


def test_without_the_reconstruction_g_has_none_and_e_keeps_it() -> None:
    from likeness.systems.facefeat.system import FaceFeatSystem, Game

    torch.manual_seed(0)
    system = systems.row("facefeat").build(study.ablation("no-reconstruction", 20, small=True))
    assert isinstance(system, FaceFeatSystem)
    table = system.table(FaceStore.of(faces(6), FRAMING, "drawn"))
    system.fit_statistics(table)
    batch = system.batch(table, torch.Generator().manual_seed(0), augment=False)
    one = Game(system, batch, system.recipe.training.phases[-1])
    assert set(one.encoder_terms()) == {"encoder"}
    assert not {"reconstruction", "perceptual"} & set(one.generator_terms()) and "identity_made" in one.generator_terms()


# commands


def test_studies(
    drawn: Path, likeness: Run, instruments: Path, tmp_path: Path, no_graphs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both tables train, stop, go on, share the full model, and can be compared."""
    words = ("study", "facefeat", "table4", "table3", "--tiny", "--steps", 10, "--data", drawn, "-o", "s")
    words += ("--only", "full", "no-feature", "faceidgan", "--limit", 4)
    assert likeness(*words, "--minutes", 0.001) == 3
    assert likeness(*words, "--csv", "tables") == 0
    runs = {path.parent.name for path in (tmp_path / "s").rglob("weights.safetensors")}
    assert runs == {"full", "no-feature", "faceidgan"}
    with (tmp_path / "tables" / "facefeat_table4.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [one["method"] for one in rows] == ["(e) full model", "(b) without φ^f"]
    assert all(0 <= float(one["diversity_f_2"]) <= 1.01 for one in rows)
    said = json.loads((tmp_path / "s" / "table3.json").read_text())
    lines = {line["title"]: line for line in said["lines"]}
    assert next(iter(lines)) == "ours" and {"the photo copied", "the mean face", "another photo of the person"} <= set(lines)
    copied = lines["the photo copied"]["each"]
    assert set(copied["diversity_lpips"]) == {0.0}
    assert set(copied["found"]) == {1.0} and min(copied["similarity"]) > 0.8
    assert (tmp_path / "s" / "table3.png").is_file()
    assert read_card(tmp_path / "s" / "faceidgan" / "weights.safetensors").system == "faceidgan"
    capsys.readouterr()
    assert likeness("compare", "s/table3.json", "s/table3.json", "--method", "ours", "--with", "the mean face") == 0
    assert "similarity" in capsys.readouterr().out
    for more, text in (
        (("--steps", 3), "at least 10"),
        (("--only", "full", "hair"), "--only hair"),
        (("--only", "cvaegan"), "has to be among them"),
        (("--source", "mars"), "its sources are lfw"),
        (("--also", "parts"), "does not make faces of a person"),
    ):
        assert likeness(*words, *more) == 2
        assert text in capsys.readouterr().err
    assert likeness("study", "facefeat", "table3", "--data", drawn, "-o", "t") == 2
    assert "framed" in capsys.readouterr().err
    assert likeness("study", "facefeat", "usefulness", "--tiny", "--data", drawn, "-o", "t") == 2
    assert "--synthetic" in capsys.readouterr().err


@pytest.fixture(scope="module")
def model(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run without graphs, for the torch engine."""
    torch.manual_seed(1)
    recipe = systems.recipe("facefeat:tiny")
    return train(
        systems.row("facefeat").build(recipe), "facefeat", FaceStore(drawn), tmp_path_factory.mktemp("model") / "run"
    ).parent


BESIDE = ["the photo copied", "the mean face", "another photo of the person"]
TITLES: dict[str, list[str]] = {
    "similarity": ["ours", "reconstruction", *BESIDE],
    "pairs": ["real photos", "ours", "reconstruction"],
    "templates": [""] * 5,
    "vary": ["z_1 varied", "z_2 varied"],
    "blend": [""] * 9,
    "directions": [""] * 4,
}


@pytest.mark.parametrize("name", TITLES)
def test_every_experiment_by_the_command(
    name: str, model: Path, drawn: Path, likeness: Run, instruments: Path, tmp_path: Path
) -> None:
    words = ["evaluate", "facefeat", "--data", drawn, "--weights", model, "--experiment", name]
    words += {"pairs": [], "templates": [], "directions": ["--samples", 40, "--limit", 3]}.get(name, ["--limit", 3])
    assert likeness(*words, "-o", "said.json", "--csv", "said.csv", "--sheet", "said.png") == 0
    said = json.loads((tmp_path / "said.json").read_text())
    assert [line["title"] for line in said["lines"]] == TITLES[name] and said["experiment"] == name
    assert all(len(values) == len(said["names"]) for line in said["lines"] for values in line["each"].values())
    assert (tmp_path / "said.png").is_file() == (name in ("similarity", "vary", "blend"))
    if name == "similarity":
        with (tmp_path / "said_features.csv").open() as file:
            rows = {one["features"]: one for one in csv.DictReader(file)}
        assert set(rows) == {"generated", "real"} and float(rows["generated"]["f_2"]) <= 1


def test_frontal_listed_pairs_and_mistakes(
    model: Path, drawn: Path, likeness: Run, instruments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ("evaluate", "facefeat", "--data", drawn, "--weights", model)
    assert likeness(*base, "--experiment", "frontal", "--limit", 3, "-o", "frontal.json") == 0
    methods = [line["method"] for line in json.loads((tmp_path / "frontal.json").read_text())["lines"]]
    assert {"ours", "landmarks turned, photo warped"} <= set(methods)
    (tmp_path / "pairs.txt").write_text("2\t1\nP4\t1\t2\nP4\t1\tP5\t1\nP5\t3\t4\nP5\t2\tP4\t3\n")
    capsys.readouterr()
    assert likeness(*base, "--experiment", "pairs", "--pairs", "pairs.txt", "-o", "listed.json") == 0
    assert "0 of 4 pairs are left out" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "listed.json").read_text())["names"]) == 2
    for more, text in (
        (("--experiment", "vary", "--against", model), "--against"),
        (("--pairs", "pairs.txt"), "--experiment pairs"),
        (("--experiment", "pairs", "--pairs", "none.txt"), "no such file"),
        (("--weights", "parts"), "does not make faces of a person"),
    ):
        assert likeness(*base, *more) == 2
        assert text in capsys.readouterr().err


def test_varied_noise_leaves_the_other_group(model: Path, drawn: Path) -> None:
    """Figure 4 (a): with z_1 fixed G^I gets the same f_1, so that what is varied is f_2 alone, and the other way round."""
    system = systems.load(model)
    asked: list[tuple[np.ndarray, np.ndarray]] = []
    paint = system.faces  # type: ignore[attr-defined]

    def faces_(identity: np.ndarray, pose: np.ndarray, general: np.ndarray) -> Image:
        asked.append((pose, general))
        return paint(identity, pose, general)

    system.faces = faces_  # type: ignore[attr-defined]
    some = list(FaceStore(drawn).select("test"))[:2]
    lines, shown = panels.varied(system, some, Judged())  # type: ignore[arg-type]
    assert shown.shape[:2] == (2, 2 * panels.VARIED)
    for number, (pose, general) in enumerate(asked):
        fixed, moved = (general, pose) if number < 2 else (pose, general)
        assert np.ptp(fixed, 0).max() == 0 and np.ptp(moved, 0).max() > 0
    assert [len(line["each"]["yaw"]) for line in lines] == [2, 2]


def test_usefulness(model: Path, drawn: Path, likeness: Run, instruments: Path, tmp_path: Path, no_graphs: None) -> None:
    """Two recognisers learn by (5) from as many faces, synthetic and real, and are tried on pairs of test people."""
    from likeness.bulk.dataset import dataset
    from likeness.checkpoint import write_weights
    from likeness.shards.running import Crew
    from likeness.systems.facefeat import people

    card = read_card(model / "weights.safetensors")
    from likeness.card import DIGEST, header

    card = replace(card, data={"weights": header(model / "weights.safetensors")[DIGEST]})
    train_ = torch.from_numpy(people.unit(np.random.default_rng(0).normal(size=(9, 32))))
    write_weights(model / people.FILE, {"train": train_, "figures": torch.tensor([1.0, 0, 0.1, 0.3, 0.9])}, card)
    dataset(str(model), tmp_path / "made.parquet", people=5, each=4, crew=Crew(workers=1), engine="torch", device="cpu")
    stores = usefulness.told_apart(tmp_path / "made.parquet", FaceStore(drawn))
    counts = {name: len(some.select("train")) for name, some in stores.items()}
    assert counts == {"synthetic": 20, "real": 20}
    assert len(set(stores["synthetic"].select("train").column("person"))) == 5
    assert not stores["real"].select("test").column("person")
    words = ("study", "facefeat", "usefulness", "--tiny", "--steps", 4, "--data", drawn, "--synthetic", "made.parquet", "-o", "u")
    assert likeness(*words, "--csv", "useful.csv") == 0
    with (tmp_path / "useful.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [one["method"] for one in rows][:2] == ["trained on synthetic faces", "trained on real faces"]
    assert all(one["pairs"] == rows[0]["pairs"] for one in rows)
    assert likeness("study", "facefeat", "usefulness", "--tiny", "--data", drawn, "--synthetic", "none.parquet", "-o", "v") == 2
