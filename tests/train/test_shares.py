"""How much each term counts: against weights that are known, and as a command."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch

from likeness import systems
from likeness.data.store import FaceStore, row, write_rows
from likeness.faces.drawing import drawn_faces
from likeness.recipe import override
from likeness.systems.parts.system import PartsSystem
from likeness.train.loop import train
from likeness.train.shares import shares

TOOL = Path(__file__).parents[2] / "tools" / "term_shares.py"


def store(recipe: object) -> FaceStore:
    framing = recipe.framing  # type: ignore[attr-defined]
    return FaceStore.of(drawn_faces(12, framing), framing, "drawn")


def system(*settings: str) -> PartsSystem:
    torch.manual_seed(0)
    return PartsSystem(override(systems.recipe("parts:tiny"), settings), lambda pictures: [pictures])  # type: ignore[arg-type]


def test_shares_add_up_and_follow_the_weights() -> None:
    """A term of twice the weight has twice the gradient; shares are of one player's terms; no weight moves."""
    once, twice = system("weights.adversarial=1"), system("weights.adversarial=2")
    before = {name: value.clone() for name, value in once.named_parameters()}
    first, second = ({(one.player, one.term): one for one in shares(some, store(some.recipe), 2)} for some in (once, twice))
    assert set(first) == {("D", "discriminator"), ("G", "reconstruction"), ("G", "adversarial")}
    assert first["D", "discriminator"].of_loss == first["D", "discriminator"].of_gradient == 1
    mine = [first["G", name] for name in ("reconstruction", "adversarial")]
    assert sum(one.of_loss for one in mine) == pytest.approx(1) == sum(one.of_gradient for one in mine)
    assert second["G", "adversarial"].gradient == pytest.approx(2 * first["G", "adversarial"].gradient, rel=1e-4)
    assert second["G", "adversarial"].value == pytest.approx(first["G", "adversarial"].value, rel=1e-4)
    one, other = (some["G", "reconstruction"] for some in (first, second))
    assert one.gradient == pytest.approx(other.gradient, rel=1e-4) and one.of_gradient > other.of_gradient
    assert one.of_loss == pytest.approx(
        one.weight * one.value / (one.weight * one.value + abs(first["G", "adversarial"].value)), rel=1e-5
    )
    assert all(torch.equal(value, before[name]) for name, value in once.named_parameters())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A real run's state through the real file."""
    recipe = systems.recipe("parts:tiny")
    faces = store(recipe)
    train(systems.row("parts").build(recipe), "parts", faces, tmp_path / "run", steps=8)
    data = write_rows(tmp_path / "drawn.parquet", [row(face, "drawn", 20.0) for face in faces], faces.framing)

    def command(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["term_shares.py", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name="__main__")
        return int(ended.value.code or 0)

    assert command("parts:tiny", "--data", data, "--run", tmp_path / "run", "--steps", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["D", "discriminator"], ["G", "reconstruction"], ["G", "adversarial"]]
    assert command("parts:tiny", "--data", data, "--run", tmp_path / "none") == 2
    assert "holds no state.pt" in capsys.readouterr().err
