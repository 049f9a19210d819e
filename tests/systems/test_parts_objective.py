"""The paper's equations, and who minimises which."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from likeness.systems.parts import objective
from likeness.systems.parts.recipes import Weights

X = torch.rand(2, 3, 8, 8) * 2 - 1
FAKE = torch.rand(2, 3, 8, 8) * 2 - 1


def features(pictures: Tensor) -> list[Tensor]:
    """A stand-in for VGG: the picture, and twice its mean."""
    return [pictures, 2 * pictures.mean((2, 3), keepdim=True)]


def critic(pictures: Tensor) -> Tensor:
    return pictures.mean((1, 2, 3))[:, None]


def generator_terms(weights: Weights, disabled_terms: tuple[str, ...] = ()) -> dict[str, float]:
    terms = objective.generator_terms(critic, features, X, FAKE, (X, FAKE), weights, disabled_terms)
    return {name: term.weight * term.value.item() for name, term in terms.items()}


def test_equation_2() -> None:
    norm = torch.stack([torch.linalg.vector_norm(x - y) for x, y in zip(X, FAKE, strict=True)]).mean()
    assert objective.reconstruction(X, FAKE).item() == pytest.approx(norm.item() / math.sqrt(3 * 8 * 8), rel=1e-5)


def test_equation_3() -> None:
    expected = (X - FAKE).abs().mean() + 2 * (X.mean((2, 3)) - FAKE.mean((2, 3))).abs().mean()
    assert objective.perception(features(X), features(FAKE)).item() == pytest.approx(expected.item(), rel=1e-5)


def test_equations_4_and_5() -> None:
    """With D(x) = a and D(x̃) = b everywhere, D's loss is −log a − log(1 − b) and G's −log b."""
    a, b = 0.7, 0.2
    real, fake = torch.full((4, 1), math.log(a / (1 - a))), torch.full((4, 1), math.log(b / (1 - b)))
    assert objective.discriminator_loss(real, fake).item() == pytest.approx(-math.log(a) - math.log(1 - b), rel=1e-5)
    assert objective.generator_adversarial(fake).item() == pytest.approx(-math.log(b), rel=1e-5)


def test_equation_6_is_the_weighted_sum() -> None:
    weights = Weights(reconstruction=3.0, perceptual=0.5, adversarial=0.25, style=2.0, total_variation=0.1)
    terms = generator_terms(weights)
    assert terms["reconstruction"] == pytest.approx(3 * objective.reconstruction(X, FAKE).item())
    assert terms["perceptual"] == pytest.approx(0.5 * objective.perception(features(X), features(FAKE)).item())
    assert terms["adversarial"] == pytest.approx(0.25 * objective.generator_adversarial(critic(FAKE)).item())
    assert set(terms) == {"reconstruction", "perceptual", "adversarial", "style", "total_variation"}


@pytest.mark.parametrize("subset", ["R", "P", "A", "RP", "RA", "PA", "RPA"])
def test_every_subset_of_the_ablation(subset: str) -> None:
    """Figure 10: any of R, P, A may weigh nothing, and is then not computed at all."""
    names = {"R": "reconstruction", "P": "perceptual", "A": "adversarial"}
    weights = Weights(**{name: float(letter in subset) for letter, name in names.items()})

    def forbidden(pictures: Tensor) -> Tensor:
        raise AssertionError("computed for nothing")

    terms = objective.generator_terms(
        critic if "A" in subset else forbidden, features if "P" in subset else forbidden, X, FAKE, (X, FAKE), weights
    )
    assert set(terms) == {names[letter] for letter in subset}


def test_silent_terms() -> None:
    """Phase 1: R and P only."""
    assert set(generator_terms(Weights(), disabled_terms=("adversarial",))) == {"reconstruction", "perceptual"}


def test_equal_pictures_cost_nothing() -> None:
    terms = objective.generator_terms(critic, features, X, X, (X, X), Weights(adversarial=0.0))
    assert sum(term.value.item() for term in terms.values()) < 2e-4


def test_terms_name_their_equations() -> None:
    terms = objective.generator_terms(critic, features, X, FAKE, (X, FAKE), Weights(style=1.0, total_variation=1.0))
    assert [terms[name].equation for name in ("reconstruction", "perceptual", "adversarial")] == ["(2)", "(3)", "(4)"]
    assert objective.discriminator_terms(critic, X, FAKE)["discriminator"].equation == "(5)"
    assert all(term.equation for term in terms.values())
