"""What every system must do, asked of each row of the table in its tiny recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from likeness import assets, systems
from likeness.card import LICENCE, read_card
from likeness.checkpoint import read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.export import export
from likeness.faces.drawing import drawn_faces
from likeness.recipe import freeze, thaw
from likeness.synthesizer import KINDS

SYSTEMS = sorted(systems.SYSTEMS)
JUDGED = ("facefeat", "isegan", "joint", "landmark", "parts", "portrait")
"""Systems that make faces."""
NOT_SHIPPED: tuple[str, ...] = ()
"""Systems whose weights have not been trained well enough to ship."""


@pytest.fixture(params=SYSTEMS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_recipes(name: str) -> None:
    recipes = set(systems.row(name).recipes())
    assert recipes >= {"tiny", "lite"}
    assert recipes & {"paper", "gpu"}  # what is no paper's has one for a GPU


def test_a_run_becomes_a_synthesizer(name: str, tiny_run: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = systems.recipe(f"{name}:tiny")
    system = systems.row(name).build(recipe)
    assert set(system.players) >= {player for phase in recipe.training.phases for player in phase.players}
    assert len(recipe.training.rates) == len(system.players)
    shutil.copytree(tiny_run(name), tmp_path / "run", ignore=shutil.ignore_patterns("*.onnx"))
    made = systems.load(tmp_path / "run", name)  # no graphs stand beside it: the torch engine
    assert made.card.recipe == freeze(recipe) and made.weights.engine == "torch"
    assert made.conditions and {one.kind for one in made.conditions} <= set(KINDS)
    assert all(one.words for one in (*made.conditions, *made.options))
    export(tmp_path / "run" / "weights.safetensors")
    light = systems.load(tmp_path / "run", name)
    assert light.weights.engine == "onnx" and light.weights.graphs.keys() == made.weights.graphs.keys()
    for key, graph in light.weights.graphs.items():
        assert (graph.inputs, graph.outputs) == (made.weights.graphs[key].inputs, made.weights.graphs[key].outputs)


@pytest.mark.parametrize("name", JUDGED)
def test_faces_are_judged_by_efficientnet(name: str, judge: None) -> None:
    """What a training of faces measures holds a distance on features."""
    recipe = systems.recipe(f"{name}:tiny")
    framing = recipe.framing  # type: ignore[attr-defined]
    system = systems.row(name).build(recipe).eval()
    table = system.table(FaceStore.of(drawn_faces(2, framing, paired=True), framing, "drawn", "labels"))
    system.fit_statistics(table)
    distances = [value for key, value in system.measure(table).items() if key.endswith("lite0")]
    assert distances and all(0 < value < float("inf") for value in distances)


def test_two_builds_from_one_seed_are_equal(name: str) -> None:
    recipe = systems.recipe(f"{name}:tiny")
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(systems.row(name).build(recipe).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_shipped_weights(name: str) -> None:
    """They are inside the package, say what they are, and fit the recipe they carry."""
    path = systems.weights_path(name)
    assert path == assets.WEIGHTS / name / "weights.safetensors"
    if name in NOT_SHIPPED:
        assert not path.exists(), "take it off the list"
        with pytest.raises(LikenessError, match="ship yet"):
            systems.load(name)
        return
    assert path.stat().st_size < 60e6
    card = read_card(path)
    assert (card.system, card.licence) == (name, LICENCE)  # that of the data, not of the code
    assert card.step > 1000
    assert card.commit and card.terms and card.data and card.notes
    assert any("test" in key for key in card.scores)
    recipe = thaw(systems.row(name).recipe_class(), card.recipe)
    _, state = read_weights(path)
    shapes = {key: value.shape for key, value in systems.row(name).build(recipe).shipped_state().items()}
    assert {key: value.shape for key, value in state.items()} == shapes
    assert all(value.isfinite().all() for value in state.values())
    assert systems.load(name).card == card


def test_the_parser_that_isegan_learned_with_ships() -> None:
    """P_s must come from the parser that made it in training: whoever ships another parser trains isegan anew."""
    step = read_card(systems.weights_path("parser")).step
    for name in ("isegan", "isegan_sketch"):
        assert f"the parser of step {step:,} that ships" in read_card(assets.WEIGHTS / name / "weights.safetensors").notes
