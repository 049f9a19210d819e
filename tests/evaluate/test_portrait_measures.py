"""What the portrait's experiments are measured by, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from likeness.evaluate import maps
from likeness.evaluate.portrait import Drift, Imitation, absolute_error, mean_of
from likeness.faces.align import Framing
from likeness.faces.depth import PER_EYE_DISTANCE
from likeness.faces.drawing import drawn_faces
from likeness.records import AlignedFace
from likeness.systems.portrait.report import EXPERIMENTS, means, tone_drift


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
    """Lifted by so much, a map is off by that and gains what labels differ; one map for everybody gains nothing."""
    chance = np.random.default_rng(0)
    grey = chance.integers(100, 160, (4, 16, 16)).astype(np.uint8)
    grey[:, :4] = 0
    wanted = np.repeat(grey[..., None], 3, 3)
    made = wanted.copy()
    made[:, 4:] += 11
    score = maps.depth("lifted", made, wanted)
    assert score.depth_error == pytest.approx(11 / PER_EYE_DISTANCE * 100) and score.overlap == 1
    inside = grey[:, 4:].reshape(4, -1)
    among = np.corrcoef(inside)
    assert score.gain == pytest.approx(1 - (among.sum() - 4) / 12, abs=1e-6)
    ramp = np.broadcast_to(np.linspace(60, 200, 16).astype(np.uint8)[None, None, :, None], wanted.shape)
    for one in (np.full_like(wanted, 130), np.array(ramp), np.repeat(wanted[:1], 4, 0)):
        assert maps.depth("one for all", one, wanted).gain == pytest.approx(0, abs=1e-9)
    assert maps.depth("flat", np.full_like(wanted, 130), wanted).overlap == pytest.approx(12 / 16)


def test_parsings() -> None:
    one, other = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8)
    score = maps.parsing("ours", [one], [other])
    assert score.each == {"background": pytest.approx(1 / 2), "skin": pytest.approx(2 / 3)}
    assert score.mean == pytest.approx(7 / 12)
    assert maps.most_frequent([one, other, other]).tolist() == [[0, 1, 1, 1]]


def test_skin_that_drifts() -> None:
    """A photo keeps its own tone, 0; a picture in the colours of the model's person has gone all the way, 1."""
    framing = Framing()

    def of(person: str, colour: tuple[int, int, int]) -> AlignedFace:
        face = drawn_faces(1, framing)[0]
        return replace(face, person=person, image=np.full_like(face.image, colour))

    light, dark = (255, 224, 196), (141, 85, 36)
    faces, models = [of("a", light), of("a", light)], [of("m", dark)]
    assert tone_drift(np.stack([face.image for face in faces]), faces, models) == pytest.approx(0)
    assert tone_drift(np.stack([models[0].image] * 2), faces, models) == pytest.approx(1)
    assert np.isnan(tone_drift(np.stack([models[0].image] * 2), faces, faces[:1]))  # tones that are not apart
    both = [*faces, of("b", light)]
    made = np.stack([faces[0].image, faces[0].image, models[0].image])
    assert tone_drift(made, both, models) == pytest.approx(0.5)  # people count alike


def test_ranges_of_pairs() -> None:
    lines = [
        {"person": p, "model": "x", "pairs": n, "score": Imitation(1, 0.1, 0.1)} for p, n in (("a", 40), ("b", 36), ("c", 40))
    ]
    assert means(lines)[0]["pairs"] == "36–40" and means(lines[:1])[0]["pairs"] == "40"


def test_every_experiment_has_models() -> None:
    from likeness.systems.portrait.experiments import MODELS, NEEDED
    from likeness.systems.portrait.study import EXPERIMENTS as NAMES
    from likeness.systems.portrait.study import GENERAL_TOO

    assert set(NAMES) == set(EXPERIMENTS) == set(NEEDED) and set(GENERAL_TOO) < set(NAMES)
    assert {name for some in NEEDED.values() for name in some} == set(MODELS)
    for model in MODELS.values():
        assert model.parent in (*MODELS, "", "general") and model.helper in (*MODELS, "")
