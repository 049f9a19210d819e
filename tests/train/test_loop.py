"""The loop: stopped at any moment it goes on to the same weights; it refuses a changed recipe; it plays fair."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from alike import assert_same, assert_same_state
from safetensors.torch import load_file
from together import PROJECTED

from likeness import systems
from likeness.card import read_card
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.drawing import drawn_faces
from likeness.recipe import freeze, override
from likeness.train.ema import RunningMean
from likeness.train.loop import train
from likeness.train.precision import casting
from likeness.train.rows import row_numbers


def run(folder: Path, *settings: str, **options: object) -> Path:
    recipe = override(systems.recipe("parts:tiny"), settings)
    torch.manual_seed(recipe.training.seed)
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(20, framing), framing, "drawn")
    return train(systems.row("parts").build(recipe), "parts", store, folder, **options)  # type: ignore[arg-type]


def test_resuming_is_bit_exact(tmp_path: Path) -> None:
    """Stopped in each of the three phases, and saved out of step with the saving interval."""
    whole = run(tmp_path / "whole")
    for stop in (3, 7, 13):
        run(tmp_path / "parts", steps=stop)
    assert_same(whole, run(tmp_path / "parts"))
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    lines = [(tmp_path / name / "stats.jsonl").read_text().splitlines() for name in ("whole", "parts")]
    assert json.loads(lines[0][-1])["step"] == json.loads(lines[1][-1])["step"] == 20


def test_kill_minus_9_in_the_middle(tmp_path: Path, likeness: Callable[..., int], no_graphs: None) -> None:
    """The real command, killed without warning; the same command then ends in the same weights as an undisturbed run."""

    def command(folder: str) -> list[str]:
        words = ["train", "parts:tiny", "-o", folder, "--threads", "1", "--set", "training.every=2"]
        longer = (
            '[{"steps":4,"players":["G"],"disabled_terms":["adversarial"]},{"steps":36,"players":["D","G"],"disabled_terms":[]}]'
        )
        return [*words, "--set", f"training.phases={longer}"]

    assert likeness(*command("whole")) == 0
    child = subprocess.Popen(
        [sys.executable, "-m", "likeness.cli", *command("killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    state = tmp_path / "killed" / "state.pt"
    deadline = time.monotonic() + 120
    while not state.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert child.returncode == -signal.SIGKILL, "it ended before it could be killed"
    assert torch.load(state, weights_only=True)["step"] < 40
    assert likeness(*command("killed")) == 0
    assert_same(tmp_path / "whole" / "weights.safetensors", tmp_path / "killed" / "weights.safetensors")
    assert_same_state(tmp_path / "whole", tmp_path / "killed")


def test_minutes_stop_cleanly(tmp_path: Path) -> None:
    weights = run(
        tmp_path / "a", 'training.phases=[{"steps":100000,"players":["G"],"disabled_terms":["adversarial"]}]', minutes=0.02
    )
    assert 0 < read_card(weights).step < 100000


def test_a_changed_recipe_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "a", steps=2)
    with pytest.raises(LikenessError, match=r"training\.batch: 4 → 2"):
        run(tmp_path / "a", "training.batch=2")


def test_a_start_that_failed_claims_nothing(tmp_path: Path) -> None:
    """Before the first save there is nothing to protect: the recipe may still be changed."""
    with pytest.raises(LikenessError, match="VGG"), pytest.MonkeyPatch.context() as patch:
        patch.delenv("LIKENESS_INSTRUMENTS", raising=False)
        patch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
        patch.setattr("likeness.assets.urlopen", _unreachable)
        run(tmp_path / "a", "weights.perceptual=1.0")
    run(tmp_path / "a", steps=1)


def _unreachable(*words: object, **more: object) -> None:
    raise OSError("no network")


def test_a_half_written_line_does_not_matter(tmp_path: Path) -> None:
    run(tmp_path / "a", steps=2)
    with (tmp_path / "a" / "stats.jsonl").open("a") as file:
        file.write('{"step": 3, "recon')
    run(tmp_path / "a", steps=4)
    assert [json.loads(line)["step"] for line in (tmp_path / "a" / "stats.jsonl").read_text().splitlines()] == [2, 4]


@pytest.mark.parametrize(
    "setting",
    [
        "training.batch=0",
        "training.every=0",
        "training.ema=0",
        "training.rates=[1e-4]",
        "training.phases=[]",
        'training.phases=[{"steps":3,"players":["g"],"disabled_terms":[]}]',
        'training.phases=[{"players":["G"]}]',
        "framing.size=72",
        "networks.width=0",
        "networks.generator=huge",
        "crop=7",
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, setting: str) -> None:
    with pytest.raises(LikenessError):
        run(tmp_path / "a", setting)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("letter", ["R", "P", "A"])
def test_one_loss_alone_trains(tmp_path: Path, letter: str) -> None:
    """Figure 10's single losses, through all three phases; A alone has nothing to do in the first."""
    names = {"R": "reconstruction", "P": "perceptual", "A": "adversarial"}
    settings = [f"weights.{name}={float(key == letter)}" for key, name in names.items()]
    recipe = override(systems.recipe("parts:tiny"), settings)
    from likeness.systems.parts.system import PartsSystem

    system = PartsSystem(recipe, lambda pictures: [pictures])  # type: ignore[arg-type]
    framing = recipe.framing  # type: ignore[attr-defined]
    train(system, "parts", FaceStore.of(drawn_faces(8, framing), framing, "drawn"), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert set(next(line for line in lines if "rate" in line)) == {
        "step",
        "rate",
        "processor_seconds",
        "discriminator",
        names[letter],
    }


def test_the_sheets_show_the_mean(tmp_path: Path) -> None:
    """What is measured during training is what the weights file does afterwards (autocast keeps copies of old weights)."""
    run(tmp_path / "a", "training.look=20")
    lines = [json.loads(line) for line in (tmp_path / "a" / "stats.jsonl").read_text().splitlines()]
    said = next(line["validation_psnr"] for line in lines if "validation_psnr" in line)
    recipe = systems.recipe("parts:tiny")
    system = systems.row("parts").build(recipe)
    state = torch.load(tmp_path / "a" / "state.pt", weights_only=True)
    system.load_state_dict(state["system"])
    system.load_state_dict(state["mean"], strict=False)
    system.eval()
    framing = recipe.framing  # type: ignore[attr-defined]
    check = system.table(FaceStore.of(drawn_faces(20, framing), framing, "drawn").select("validation"))
    with casting(recipe.training, torch.device("cpu")):
        assert system.measure(check)["psnr"] == pytest.approx(said, abs=1e-4)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "a", steps=2)
    (tmp_path / "a" / "state.pt").write_bytes(b"nonsense")
    with pytest.raises(LikenessError, match="damaged"):
        run(tmp_path / "a")


def test_what_a_run_leaves(tmp_path: Path) -> None:
    weights = run(tmp_path / "a")
    card = read_card(weights)
    assert (card.system, card.step) == ("parts", 20)
    assert card.recipe == freeze(systems.recipe("parts:tiny"))
    assert "18 train faces" in card.data["drawn"]
    assert {tensor.dtype for tensor in load_file(weights).values() if tensor.is_floating_point()} == {torch.float16}
    assert not [name for name in load_file(weights) if name.startswith("discriminator")]
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names >= {"recipe.json", "state.pt", "stats.jsonl", "weights.safetensors", "samples", "tensorboard"}
    assert len(list((tmp_path / "a" / "samples").iterdir())) == 2
    assert list((tmp_path / "a" / "tensorboard").iterdir())
    lines = [json.loads(line) for line in (tmp_path / "a" / "stats.jsonl").read_text().splitlines()]
    assert any("validation_psnr" in line for line in lines)
    assert all("step" in line for line in lines)


def test_only_players_of_the_phase_move(tmp_path: Path) -> None:
    """Phase 1 leaves D as it was; phase 2 leaves G as it was, the running statistics of its BatchNorm too."""

    def parameters(step: int) -> dict[str, torch.Tensor]:
        run(tmp_path / "a", steps=step)
        state = torch.load(tmp_path / "a" / "state.pt", weights_only=True)["system"]
        return {name: value.clone() for name, value in state.items()}

    torch.manual_seed(1)
    start = systems.row("parts").build(systems.recipe("parts:tiny")).state_dict()
    first, second, third = parameters(6), parameters(8), parameters(9)

    def changed(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], player: str, ending: str) -> bool:
        names = [name for name in other if name.startswith(player) and name.endswith(ending)]
        assert names
        return any(not torch.equal(one[name], other[name]) for name in names)

    assert changed(start, first, "generator", "weight")
    assert not changed(start, first, "discriminator", "original")
    assert not changed(first, second, "generator", "weight")
    assert not changed(first, second, "generator", "running_mean") and not changed(first, second, "generator", "running_var")
    assert changed(second, third, "generator", "running_mean")
    assert changed(first, second, "discriminator", "original")
    assert changed(second, third, "generator", "weight")
    assert changed(second, third, "discriminator", "original")


def test_learning_lowers_the_error(tmp_path: Path) -> None:
    """Two hundred steps on drawn faces of 32 px take a fifth off the error that the first fifty had."""
    phases = 'training.phases=[{"steps":200,"players":["G"],"disabled_terms":["adversarial"]}]'
    run(tmp_path / "a", phases, "training.batch=8", "training.look=200", "training.every=200", "framing.size=32")
    lines = [json.loads(line) for line in (tmp_path / "a" / "stats.jsonl").read_text().splitlines()]
    curve = [line["reconstruction"] for line in lines if "reconstruction" in line]
    assert len(curve) == 4
    assert curve[-1] < curve[0] * 0.8, curve


def test_warm_start(tmp_path: Path) -> None:
    weights = run(tmp_path / "a")
    begun = run(tmp_path / "b", steps=0, warm_start=weights)
    assert_same(weights, begun)
    with pytest.raises(LikenessError, match="does not fit"):
        run(tmp_path / "c", "networks.width=8", warm_start=weights)


def test_rows_are_epochs() -> None:
    rows = torch.cat([row_numbers(1, step, 5, 20) for step in range(4)])
    assert sorted(rows.tolist()) == list(range(20))
    again = torch.cat([row_numbers(1, step, 5, 20) for step in range(4, 8)])
    assert sorted(again.tolist()) == list(range(20))
    assert rows.tolist() != again.tolist()
    assert len(row_numbers(1, 0, 8, 3)) == 8  # fewer faces than a batch


def test_running_mean() -> None:
    """After many steps its memory halves every half-life."""
    system = systems.row("parts").build(systems.recipe("parts:tiny"))
    mean = RunningMean(system, 10.0)
    mean.steps = 10**6
    name = "generator.head.weight"
    old = mean.state[name].clone()
    with torch.no_grad():
        system.state_dict()[name].add_(1.0)
    for _ in range(10):
        mean.update(system)
    torch.testing.assert_close(mean.state[name], old + 0.5)
    own = system.state_dict()[name].clone()
    with mean.applied(system):
        torch.testing.assert_close(system.state_dict()[name], old + 0.5)
        assert not system.training
    torch.testing.assert_close(system.state_dict()[name], own)


def test_a_projected_discriminator_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Its projection is in the state and moves no more than EfficientNet, which is not; D's heads and G learn."""
    whole = run(tmp_path / "whole", *PROJECTED)
    for stop in (1, 3):
        run(tmp_path / "parts", *PROJECTED, steps=stop)
    first = torch.load(tmp_path / "parts" / "state.pt", weights_only=True)["system"]
    assert_same(whole, run(tmp_path / "parts", *PROJECTED))
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    last = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)["system"]
    fixed = [name for name in last if name.startswith(("discriminator.mix", "discriminator.merge"))]
    assert len(fixed) == 7 and all(torch.equal(first[name], last[name]) for name in fixed)
    assert not [name for name in last if "features" in name]
    heads = [name for name in last if name.startswith("discriminator.heads") and name.endswith("original")]
    assert heads and all(not torch.equal(first[name], last[name]) for name in heads)
    lines = [json.loads(line) for line in (tmp_path / "whole" / "stats.jsonl").read_text().splitlines()]
    assert all(line["discriminator"] > 0 for line in lines if "discriminator" in line)


def test_the_pace_of_each_phase() -> None:
    """Each phase is timed, and a whole schedule is the sum of its steps."""
    from likeness.train.pace import seconds_per_step, seconds_until

    recipe = override(systems.recipe("parts:tiny"), ["training.batch=8"])
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(20, framing), framing, "drawn")
    paces = seconds_per_step(systems.row("parts").build, recipe, store)
    assert len(paces) == 3 and all(pace > 0 for pace in paces)
    phases = recipe.training.phases
    whole = sum(pace * phase.steps for pace, phase in zip(paces, phases, strict=True))
    assert seconds_until(recipe.training.steps, phases, paces) == pytest.approx(whole)
    assert seconds_until(0, phases, paces) == 0
