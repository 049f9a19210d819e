"""The chains that led to the weights that ship: they are whole, and they can be run."""

from __future__ import annotations

import importlib.util
import json
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from likeness import assets, systems
from likeness.card import read_card
from likeness.cli import parser

ROOT = Path(__file__).parents[1]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chains", ROOT / "tools" / "chains.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["chains"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


chains = _tool()
SHIPPED = sorted(path.name for path in assets.WEIGHTS.iterdir() if (path / "weights.safetensors").exists())


def test_whatever_ships_has_its_chain() -> None:
    assert sorted(chains.CHAINS) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_chain_leads_to_the_weights(name: str) -> None:
    """Its last recipe is theirs, its steps are the card's, and the card tells it."""
    card, chain = read_card(assets.WEIGHTS / name / "weights.safetensors"), chains.CHAINS[name]
    assert chain.sittings[-1].recipe == card.recipe["name"]
    assert chain.steps == card.step
    assert chain.told in card.notes
    made: set[str] = set()
    for one in chain.sittings:
        assert not one.begun or one.begun in made, "begins from a sitting before it"
        made.add(one.name)
        recipe = systems.recipe(one.recipe)
        assert one.steps <= recipe.training.steps


@pytest.mark.parametrize("name", SHIPPED)
def test_commands_are_commands(name: str) -> None:
    """Every one of them is understood, and reads only what an earlier one has written or photos."""
    there: set[str] = set()
    for words in chains.CHAINS[name].commands:
        given = parser().parse_args(shlex.split(words))
        read = {*(getattr(given, "data", None) or ())}
        begun = getattr(given, "warm", None)
        assert read <= there, words
        assert (" --from " in words) == (begun is not None)
        assert begun is None or Path(begun).parent.name in there, words
        there.add(given.output)


def test_a_chain_is_run_and_goes_on(tmp_path: Path, samples: list[Path], capfd: pytest.CaptureFixture[str]) -> None:
    """The face detector's, on sample faces, trained for two steps; a second run does nothing."""
    for place in ("lfw", "celebamask"):
        for number, path in enumerate(samples[:4]):
            person = tmp_path / "data" / place / f"{place}_{number}"
            person.mkdir(parents=True)
            shutil.copy(path, person)
    folder, chain = tmp_path / "run", chains.CHAINS["face_detector"]
    chains.run(chain, folder, tmp_path / "data", short=2)
    assert read_card(folder / "face_detector_1" / "weights.safetensors").step == 2
    said = capfd.readouterr().out
    assert said.count("likeness prepare faces {lfw} {celebamask} --wide") == 1 and "--steps 2" in said
    assert len(json.loads((folder / "done.json").read_text())) == 2
    chains.run(chain, folder, tmp_path / "data", short=2)
    assert "likeness" not in capfd.readouterr().out


def test_a_command_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        chains.run(chains.CHAINS["parser"], tmp_path / "run", tmp_path, short=2)
    assert end.value.code == 2
    assert not (tmp_path / "run" / "done.json").exists()
