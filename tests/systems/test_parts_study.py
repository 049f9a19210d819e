"""``likeness study parts``: stops, goes on, and measures; on drawn faces with tiny networks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from likeness import assets
from likeness.card import read_card
from likeness.data.store import row, write_rows
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import eye_distance
from likeness.image import pictures_in, read
from likeness.systems.parts.recipes import PartsRecipe
from likeness.systems.parts.study import COMBINATIONS, VARIANTS, ablation, recipes, variant
from likeness.train import pace

Run = Callable[..., int]


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    framing = Framing(size=64)
    sides = ["train"] * 10 + ["validation"] * 2 + ["test"] * 4
    faces = [replace(face, split=side) for face, side in zip(drawn_faces(16, framing), sides, strict=True)]
    return write_rows(tmp_path / "drawn.parquet", [row(face, "lfw", eye_distance(face.landmarks)) for face in faces], framing)


def test_every_subset_of_the_terms() -> None:
    """Figure 10: a letter that is not named weighs nothing, G moves equally often, and D plays where there is an A."""
    assert {frozenset(letters) for letters in COMBINATIONS} == {frozenset(s) for s in ("R", "P", "A", "RP", "RA", "PA", "RPA")}
    for letters in COMBINATIONS:
        recipe = ablation(letters, 200)
        weights = {"R": recipe.weights.reconstruction, "P": recipe.weights.perceptual, "A": recipe.weights.adversarial}
        assert {letter for letter, weight in weights.items() if weight > 0} == set(letters)
        phases = recipe.training.phases
        assert sum(phase.steps for phase in phases if "G" in phase.players) == 200
        assert any("D" in phase.players for phase in phases) == ("A" in letters)
        for phase in phases:  # in no phase is G left without a term
            heard = {name for name, letter in zip(weights, weights, strict=True) if weights[letter] > 0}
            assert phase.steps == 0 or "G" not in phase.players or heard - ({"A"} if phase.disabled_terms else set())
    with pytest.raises(LikenessError, match="no combination"):
        ablation("RX", 200)
    with pytest.raises(LikenessError, match="at least 20"):
        ablation("R", 3)


def test_variants_of_the_full_model() -> None:
    """One thing is changed: networks, total variation, or how long G learns without D; G moves equally often in all."""
    full = ablation("RPA", 200)
    for name, what in VARIANTS.items():
        recipe = variant(name, 200)
        assert recipe.name == f"parts:{name}" and recipe.expects == what
        assert sum(phase.steps for phase in recipe.training.phases if "G" in phase.players) == 200
        assert recipe.augment == full.augment and recipe.framing == full.framing
    papers, half = variant("RPA-paper", 200).networks, variant("RPA-paper-generator", 200).networks
    assert (papers.generator, papers.width, papers.blocks) == ("paper", 64, 8) == (half.generator, half.width, half.blocks)
    assert (papers.discriminator, papers.discriminator_width, papers.spectral) == ("paper", 64, False)
    assert (half.discriminator_width, half.spectral) == (full.networks.discriminator_width, full.networks.spectral)
    smooth = variant("RPA-TV", 200)
    assert smooth.weights.total_variation > 0 == full.weights.total_variation and smooth.networks == full.networks
    first = {name: variant(name, 200).training.phases[0].steps for name in VARIANTS if "first" in name}
    assert first == {"RPA-first-0": 0, "RPA-first-20": 10, "RPA-first-2": 100} and full.training.phases[0].steps == 40
    assert all(variant(name, 200).training.phases[1] == full.training.phases[1] for name in first)
    with pytest.raises(LikenessError, match="no variant"):
        variant("RPA-first-3", 200)


def test_all_have_one_budget() -> None:
    """Same faces a step, same steps of the generator, same inputs."""
    plans = {**recipes("ablation", 300, False), **recipes("baselines", 300, False)}
    assert len(plans) == 7 + 4
    for kind, recipe in plans.values():
        assert recipe.training.batch == 16
        assert sum(phase.steps for phase in recipe.training.phases if "G" in phase.players) == 300, kind
        assert recipe.augment == plans["parts-R"][1].augment  # type: ignore[attr-defined]
        assert recipe.framing == plans["parts-R"][1].framing  # type: ignore[attr-defined]
    assert isinstance(plans["parts-RPA"][1], PartsRecipe)


def test_a_study_goes_on_where_it_stopped(
    drawn: Path,
    likeness: Run,
    instruments: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "WARM", 1)
    monkeypatch.setattr(pace, "TIMED", 2)
    words = ("study", "parts", "baselines", "--tiny", "--steps", "20", "--data", drawn, "-o", "s", "--photos", "all")
    words += ("--csv", "t.csv", "--curves")
    assert likeness(*words, "--minutes", "0.001") == 3
    assert "goes on" in capsys.readouterr().out
    assert likeness(*words) == 0
    assert {path.parent.name for path in (tmp_path / "s").rglob("generator.onnx")} == {
        path.name for path in (tmp_path / "s").iterdir() if path.is_dir()
    }
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("weights.safetensors")}
    assert len(stamps) == 5
    assert likeness(*words, "--only-train") == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps  # nothing is trained twice
    said = json.loads((tmp_path / "s" / "baselines.json").read_text())
    titles = [line["method"] for line in said["lines"]]
    assert titles[0] == "ours" and len(titles) == 8 and said["faces"] == 4
    with (tmp_path / "t.csv").open() as file:
        assert [line["method"] for line in csv.DictReader(file)] == titles
    with (tmp_path / "t_curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert {line["method"] for line in curves} == set(titles[:5])
    minutes = [float(line["minutes"]) for line in curves if line["method"] == "ours"]
    assert minutes == sorted(minutes)
    # photo, parts and seven methods: none that shows photographs of people
    assert read(tmp_path / "s" / "baselines-samples.png").shape[1] // 128 == 9
    assert (tmp_path / "s" / "baselines.png").is_file() and (tmp_path / "t_curves.png").is_file()
    assert read_card(tmp_path / "s" / "pix2pix" / "weights.safetensors").system == "pix2pix"
    capsys.readouterr()
    assert likeness("study", "parts", "baselines", "--tiny", "--steps", "24", "--data", drawn, "-o", "s") == 2
    assert "begun with another recipe" in capsys.readouterr().err
    assert likeness("compare", "s/baselines.json", "s/baselines.json", "--method", titles[1]) == 0


def test_evaluate_against_baselines_and_by_group(
    drawn: Path, likeness: Run, instruments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ("--data", drawn, "--steps", "3", "--set", "training.look=3")
    assert likeness("train", "parts:tiny", *tiny, "-o", "ours") == 0
    assert likeness("train", "pix2pix:tiny", *tiny, "-o", "theirs") == 0
    capsys.readouterr()
    words = ("evaluate", "parts", "--data", drawn, "--weights", "ours", "--against", "theirs", "patchmatch", "--photos", "all")
    assert likeness(*words, "--groups", "--csv", "g.csv", "-o", "a.json") == 0
    lines = json.loads((tmp_path / "a.json").read_text())["lines"]
    assert [line["method"] for line in lines][:3] == ["ours", "pix2pix:tiny", "PatchMatch"]
    with (tmp_path / "g_groups.csv").open() as file:
        groups = list(csv.DictReader(file))
    for kind in ("skin tone (ITA)", "sharpness", "yaw"):
        assert sum(int(line["count"]) for line in groups if line["kind"] == kind and line["method"] == "ours") == 4
    out = capsys.readouterr().out
    assert "instruments mobilefacenet_b 0c9ad2a83969" in out
    assert likeness("evaluate", "parts", "--data", drawn, "--weights", "ours", "--against", "parts") == 2
    assert "framed" in capsys.readouterr().err
    assert likeness("train", "pix2pix:tiny", *tiny, "-o", "theirs") == 0
    assert "next: likeness parts PHOTO --weights theirs" in capsys.readouterr().out
    photo = next(iter(pictures_in(assets.SAMPLES)))
    assert likeness("parts", photo, "--weights", "theirs", "-o", "face.png") == 0
    assert read(tmp_path / "face.png").shape == (64, 64, 3)


def test_a_finished_run_of_other_data_is_not_taken(drawn: Path, likeness: Run, instruments: Path, tmp_path: Path) -> None:
    words = ("--tiny", "--steps", "20", "-o", "s", "--minutes", "0.2")
    likeness("study", "parts", "baselines", "--data", drawn, *words)
    assert (tmp_path / "s" / "parts-RPA" / "weights.safetensors").is_file()
    framing = Framing(size=64)
    faces = drawn_faces(16, framing, 50)
    sides = ["train"] * 10 + ["validation"] * 2 + ["test"] * 4
    rows = [row(replace(face, split=side), "lfw", 1.0) for face, side in zip(faces, sides, strict=True)]
    other = write_rows(tmp_path / "drawn2" / "drawn.parquet", rows, framing)
    assert likeness("study", "parts", "baselines", "--data", other, *words) == 2


def test_mistakes(drawn: Path, likeness: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert likeness("study", "parts", "ablation", "-o", "s") == 2
    assert "--data" in capsys.readouterr().err
    assert likeness("study", "parts", "baselines", "--data", drawn, "-o", "s", "--source", "mars", "--tiny") == 2
    assert "its sources are lfw" in capsys.readouterr().err
    assert likeness("study", "parts", "baselines", "--data", drawn, "-o", "s", "--device", "foo", "--tiny") == 2
    assert "no such device" in capsys.readouterr().err
    assert likeness("study", "parts", "baselines", "--data", drawn, "-o", "s", "--also", "parts", "--tiny") == 2
    assert "framed" in capsys.readouterr().err
    assert not (Path("s")).exists()
    assert likeness("evaluate", "parts", "--data", drawn, "--perturb", "--groups") == 2
