"""Recipes: frozen, overridden by type, told apart."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import pytest

from likeness import systems
from likeness.errors import LikenessError
from likeness.recipe import Phase, Training, difference, freeze, override, thaw
from likeness.train.loop import learning_rate

NAMES = [f"{system}:{variant}" for system, row in systems.SYSTEMS.items() for variant in row.recipes()]


@pytest.mark.parametrize("name", NAMES)
def test_freeze_and_thaw(name: str) -> None:
    recipe = systems.recipe(name)
    assert recipe.name == name
    again = thaw(type(recipe), json.loads(json.dumps(freeze(recipe))))
    assert again == recipe
    assert recipe.expects
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.name = "other"  # type: ignore[misc]


def test_override_is_typed() -> None:
    recipe = systems.recipe("parts:lite")
    changed = override(
        recipe, ["training.batch=8", "weights.adversarial=1", "training.rates=[1e-4, 2e-4]", "networks.cover=false"]
    )
    assert changed.training.batch == 8
    assert changed.weights.adversarial == 1.0  # type: ignore[attr-defined]
    assert isinstance(changed.weights.adversarial, float)  # type: ignore[attr-defined]
    assert changed.training.rates == (1e-4, 2e-4)
    assert difference(freeze(recipe), freeze(changed)) == [
        "networks.cover: true → false",
        "training.batch: 16 → 8",
        "training.rates: [0.0004, 0.0004] → [0.0001, 0.0002]",
        "weights.adversarial: 0.1 → 1.0",
    ]
    assert difference(freeze(recipe), freeze(replace(recipe, expects="other words"))) == []  # no reason to begin anew


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("training.bacth=8", "training.batch"),
        ("batch", "name=value"),
        ("training.batch=many", "int was expected"),
        ("training.batch=true", "int was expected"),
        ("training=3", "group of fields"),
        ("training.batch.size=3", "no such field"),
        ("training.betas=[0.5]", "2 values"),
    ],
)
def test_override_refuses(setting: str, said: str) -> None:
    with pytest.raises(LikenessError, match=said):
        override(systems.recipe("parts:lite"), [setting])


def test_unknown_recipes_name_the_known() -> None:
    with pytest.raises(LikenessError, match="parts:lite"):
        systems.recipe("parts:huge")
    with pytest.raises(LikenessError, match="parts"):
        systems.recipe("faces:lite")


def test_phases_are_a_schedule() -> None:
    plan = Training(phases=(Phase(2, ("G",)), Phase(1, ("D",)), Phase(3, ("D", "G"))), cooldown=2)
    assert plan.steps == 6
    assert [plan.phase_at(step).players for step in range(7)] == [("G",)] * 2 + [("D",)] + [("D", "G")] * 4
    assert [round(learning_rate(plan, 1.0, step), 3) for step in range(7)] == [1, 1, 1, 1, 1, 0.55, 0.1]
    assert learning_rate(Training(phases=(Phase(2, ("G",)),)), 0.5, 1) == 0.5
