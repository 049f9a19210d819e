"""What the portrait's experiments are measured by, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from likeness.evaluate import maps
from likeness.evaluate.experiments import EXPERIMENTS, means
from likeness.evaluate.portrait import Drift, Imitation, absolute_error, mean_of
from likeness.faces.depth import PER_EYE_DISTANCE


def test_absolute_error_and_its_region() -> None:
    wanted = np.zeros((2, 8, 8, 3), np.uint8)
    made = wanted.copy()
    made[0, :4] = 51
    made[1, 0, 0] = 255
    assert absolute_error(made, wanted) == pytest.approx((0.1 + 1 / 64) / 2)
    region = np.zeros((8, 8), np.bool_)
    region[0, :2] = True  # 0.2 of the first, 1 of the second's one of two pixels
    assert absolute_error(made, wanted, [region, region]) == pytest.approx((0.2 + 0.5) / 2)


def test_people_count_alike() -> None:
    """Means are over people, counts are added, what is unknown for one does not count."""
    found = mean_of([Drift(10, 0.5, 0.2, 4.0, 1), Drift(30, 0.1, 0.4, float("nan"), 2)])
    assert found == Drift(40, pytest.approx(0.3), pytest.approx(0.3), 4.0, 3)
    said = (("a", "x", 0.2), ("a", "y", 1.0), ("b", "x", 0.4))
    lines = [{"person": person, "model": model, "score": Imitation(1, value, value)} for person, model, value in said]
    table = means(lines)
    assert [line["model"] for line in table] == ["x", "y"] and table[0]["score"].absolute == pytest.approx(0.3)


def test_depth_maps() -> None:
    """A map that is lifted everywhere has that error and full correlation; the mean map has none."""
    chance = np.random.default_rng(0)
    grey = chance.integers(100, 160, (4, 16, 16)).astype(np.uint8)
    grey[:, :4] = 0
    wanted = np.repeat(grey[..., None], 3, 3)
    usual = np.full((16, 16), 130.0)
    made = wanted.copy()
    made[:, 4:] += 11
    score = maps.depth("lifted", made, wanted, usual)
    assert score.depth_error == pytest.approx(11 / PER_EYE_DISTANCE * 100) and score.overlap == 1
    assert score.correlation == pytest.approx(1)
    flat = np.full_like(wanted, 130)
    score = maps.depth("flat", flat, wanted, usual)
    assert score.correlation == 0 and score.overlap == pytest.approx(12 / 16)


def test_parsings() -> None:
    one, other = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8)
    score = maps.parsing("ours", [one], [other])
    assert score.each == {"background": pytest.approx(1 / 2), "skin": pytest.approx(2 / 3)}
    assert score.mean == pytest.approx(7 / 12)
    assert maps.most_frequent([one, other, other]).tolist() == [[0, 1, 1, 1]]


def test_every_experiment_has_models() -> None:
    from likeness.cli.portrait_study import GENERAL_TOO, NAMES
    from likeness.systems.portrait.experiments import MODELS, NEEDED

    assert set(NAMES) == set(EXPERIMENTS) == set(NEEDED) and set(GENERAL_TOO) < set(NAMES)
    assert {name for some in NEEDED.values() for name in some} == set(MODELS)
    for model in MODELS.values():
        assert model.parent in (*MODELS, "", "general") and model.helper in (*MODELS, "")
