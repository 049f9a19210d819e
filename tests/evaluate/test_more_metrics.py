"""The other papers' metrics: published values, closed forms, made data with a known answer."""

from __future__ import annotations

import importlib.machinery
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.errors import LikenessError
from likeness.evaluate.bootstrap import paired_difference
from likeness.evaluate.diversity import diversity
from likeness.evaluate.fsim import fsim, fsimc, phase_congruency
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.landmark_error import area_under_curve, failure_rate, normalised_error
from likeness.evaluate.lpips import LPIPS, published_heads, weigh
from likeness.evaluate.nlda import nlda_accuracy, null_space_lda
from likeness.evaluate.verification import best_threshold, identification, templates, ten_folds, true_accept_rate
from likeness.faces.drawing import draw, landmarks
from likeness.image import to_tensor
from likeness.nn.squeezenet import SqueezeNet
from likeness.nn.torchvision import alexnet, vgg16


def faces(count: int = 2, size: int = 64) -> np.ndarray:
    return np.stack([draw(i, size)[0] for i in range(count)])


def noisy(images: np.ndarray, amount: float) -> torch.Tensor:
    noise = np.random.default_rng(0).normal(0, amount, images.shape)
    return to_tensor(np.clip(images + noise, 0, 255).round().astype(np.uint8))


def test_lpips_published_reference(instruments: Path) -> None:
    """Two draws of rand(2, 3, 100, 100)·2 − 1 from seed 42 give 0.1024 and 0.0938 with SqueezeNet, v0.1."""
    chance = torch.Generator().manual_seed(42)
    first, second = (torch.rand(2, 3, 100, 100, generator=chance) * 2 - 1 for _ in range(2))
    metric = LPIPS("squeeze")
    np.testing.assert_allclose(metric(first, second).numpy(), [0.1024, 0.0938], atol=5e-5)
    assert metric(first, first).abs().max() == 0
    torch.testing.assert_close(metric(first, second), metric(second, first))
    values = [metric(to_tensor(faces()), noisy(faces(), amount)).mean() for amount in (5, 20, 60)]
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize(
    ("network", "channels"),
    [
        (SqueezeNet, [64, 128, 256, 384, 384, 512, 512]),
        (alexnet, [64, 192, 384, 256, 256]),
        (vgg16, [64, 128, 256, 512, 512]),
    ],
)
def test_lpips_backbones(network: Callable[[], torch.nn.Module], channels: list[int]) -> None:
    """The channels that the published heads have weights for."""
    with torch.no_grad():
        maps = network().eval()(torch.zeros(1, 3, 64, 64))
    assert [one.shape[1] for one in maps] == channels


def test_lpips_heads_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the instrument they are read from the files of the package lpips, which is not imported; otherwise one line."""
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path))
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path))
    monkeypatch.setattr("likeness.evaluate.lpips.find_spec", lambda name: None)
    with pytest.raises(LikenessError, match="pip install --no-deps lpips"):
        published_heads("alex")
    package = tmp_path / "lpips"
    (package / "weights" / "v0.1").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    made = {f"lin{i}.model.1.weight": torch.rand(1, 3 + i, 1, 1) for i in (1, 0)}
    torch.save(made, package / "weights" / "v0.1" / "alex.pth")
    spec = importlib.machinery.ModuleSpec("lpips", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr("likeness.evaluate.lpips.find_spec", lambda name: spec)
    found = published_heads("alex")
    assert [len(one) for one in found] == [3, 4] and torch.equal(found[0], made["lin0.model.1.weight"].flatten())
    with pytest.raises(LikenessError, match="pip install --no-deps lpips"):
        published_heads("vgg")


def test_lpips_formula() -> None:
    """One place, unit features at a right angle, weights w: w₁ + w₂."""
    one, other = torch.tensor([[[[3.0]], [[0.0]]]]), torch.tensor([[[[0.0]], [[5.0]]]])
    assert weigh([one], [other], [torch.tensor([0.25, 0.5])]).item() == pytest.approx(0.75)


def test_lpips_refuses_other_backbones() -> None:
    with pytest.raises(LikenessError, match="squeeze, alex, vgg"):
        LPIPS("inception")


def test_fsim_properties() -> None:
    real = to_tensor(faces())
    for metric in (fsim, fsimc):
        torch.testing.assert_close(metric(real, real), torch.ones(2, dtype=torch.float64))
        values = [metric(real, noisy(faces(), amount)).mean() for amount in (3, 15, 60)]
        assert values[0] > values[1] > values[2] > 0
        torch.testing.assert_close(metric(real, noisy(faces(), 9)), metric(noisy(faces(), 9), real))
    grey = real.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert (fsim(real, grey) > fsimc(real, grey)).all()  # only FSIMc sees that the colour is gone
    torch.testing.assert_close(fsim(grey, grey.flip(0)), fsimc(grey, grey.flip(0)), atol=1e-4, rtol=0)


def test_phase_congruency_marks_edges_whatever_their_height() -> None:
    """High at a step and low in the noise beside it; the same for a step ten times as faint: Kovesi's point."""
    step = np.zeros((64, 64))
    step[:, 32:] = 100.0
    strong, faint = phase_congruency(step), phase_congruency(step / 10)
    np.testing.assert_allclose(strong, faint, atol=0.02)
    assert ((strong >= 0) & (strong <= 1)).all()
    rough = phase_congruency(step + np.random.default_rng(0).normal(0, 4, step.shape))
    assert rough[16:48, 31:33].min() > 1.2 * np.quantile(rough[16:48, 8:24], 0.9)


def test_fsim_of_large_pictures() -> None:
    """A picture of 600 pixels is first averaged down by two; noise that this removes hardly counts."""
    big = np.stack([draw(0, 600)[0]])
    value = fsim(to_tensor(big), noisy(big, 5)).item()
    assert 0.9 < value < 1


def test_kernel_distance() -> None:
    chance = np.random.default_rng(0)
    one, other = chance.normal(size=(400, 6)), chance.normal(size=(400, 6))
    assert abs(kernel_distance(one, other, subsets=30, size=200)[0]) < 0.05  # one source: unbiased, about 0
    values = [kernel_distance(one, other + shift, subsets=10, size=200)[0] for shift in (0.5, 1.0, 2.0)]
    assert values[0] < values[1] < values[2]
    # against the definition, on all of two small sets
    x, y = one[:5], other[:5] + 1

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 6 + 1) ** 3)

    same = sum(k(x[i], x[j]) + k(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / 20
    between = sum(k(a, b) for a in x for b in y) / 25
    assert kernel_distance(x, y, subsets=1)[0] == pytest.approx(same - 2 * between)
    with pytest.raises(LikenessError):
        kernel_distance(one[:1], other)


def test_torchmetrics_agrees_on_the_kernel_distance() -> None:
    from torchmetrics.image.kid import poly_mmd

    chance = np.random.default_rng(1)
    x, y = chance.normal(size=(50, 8)), chance.normal(size=(50, 8)) + 0.4
    theirs = poly_mmd(torch.from_numpy(x), torch.from_numpy(y), degree=3, gamma=None, coef=1.0).item()
    assert kernel_distance(x, y, subsets=1)[0] == pytest.approx(theirs, rel=1e-9)


def test_ten_folds() -> None:
    """Separable scores: 100 %. Scores without information: about half. One flipped pair in a fold: its share."""
    same = np.tile([True, False], 300)
    assert ten_folds(same.astype(float), same).mean == 1
    chance = np.random.default_rng(0).uniform(size=600)
    assert abs(ten_folds(chance, same).mean - 0.5) < 0.07
    scores = same.astype(float)
    scores[0] = 0.0
    result = ten_folds(scores, same)
    assert result.each[0] == pytest.approx(59 / 60)
    assert result.mean == pytest.approx((9 + 59 / 60) / 10)
    with pytest.raises(LikenessError, match="equal folds"):
        ten_folds(scores[:599], same[:599])


def test_thresholds() -> None:
    scores, same = np.array([0.9, 0.8, 0.4, 0.3, 0.2]), np.array([True, True, False, True, False])
    assert best_threshold(scores, same) in (pytest.approx(0.6), pytest.approx(0.25))
    assert best_threshold(np.array([0.1, 0.2]), np.array([False, False])) > 0.2
    assert true_accept_rate(scores, same, 0.0) == pytest.approx(2 / 3)
    assert true_accept_rate(scores, same, 0.5) == 1.0


def test_templates_and_identification() -> None:
    chance = np.random.default_rng(0)
    centres = np.eye(5, 16)
    features = np.concatenate([centre + 0.05 * chance.normal(size=(4, 16)) for centre in centres])
    people = [f"p{i}" for i in range(5) for _ in range(4)]
    gallery, names = templates(features, people)
    assert names == [f"p{i}" for i in range(5)]
    np.testing.assert_allclose(np.linalg.norm(gallery, axis=1), 1)
    assert identification(gallery, names, features, people) == 1
    turned = names[1:] + names[:1]
    assert identification(gallery, turned, features, people) == 0
    assert identification(gallery, turned, features, people, rank=5) == 1


def test_nlda_does_not_care_how_pictures_lie() -> None:
    """Turned into a space of many more numbers, pictures are recognised as well as before, and as badly."""
    chance = np.random.default_rng(1)
    people = chance.normal(size=(40, 6)) @ chance.normal(size=(6, 70))
    true, made = (people + noise * chance.normal(size=people.shape) for noise in (2.0, 3.0))
    axes = np.linalg.qr(chance.normal(size=(900, 70)))[0].T
    few = nlda_accuracy(true, made, train=25, splits=5, components=45)
    many = nlda_accuracy(true @ axes, made @ axes, train=25, splits=5, components=45)
    assert few == many and 0.1 < few[0] < 0.95


def test_nlda_on_made_data() -> None:
    """Pictures of a person differ by a shift common to all people: the null space of S_w removes it, and all are told."""
    chance = np.random.default_rng(0)
    people, shift = chance.normal(size=(40, 200)), 8 * chance.normal(size=200)
    accuracy, _ = nlda_accuracy(people, people + shift, train=25, splits=4, components=100)
    assert accuracy == 1
    nothing, _ = nlda_accuracy(people, chance.normal(size=(40, 200)), train=25, splits=4, components=100)
    assert nothing < 0.35
    mean, projection = null_space_lda(
        np.concatenate([people, people + shift]), np.concatenate([np.arange(40)] * 2), components=60
    )
    apart = (people - mean) @ projection - (people + shift - mean) @ projection
    assert np.abs(apart).max() < 1e-6 * np.abs((people - mean) @ projection).max()  # a class is one point
    with pytest.raises(LikenessError, match="as many true"):
        nlda_accuracy(people, people[:10])


def test_landmark_errors() -> None:
    truth = landmarks(0, 128)
    distance = np.linalg.norm(truth[36:42].mean(0) - truth[42:48].mean(0))
    assert normalised_error(truth + np.array([3, 4]), truth) == pytest.approx(5 / distance * 100, rel=1e-5)
    errors = np.array([2.0, 4.0, 10.0, np.nan])
    assert failure_rate(errors) == 0.5
    assert area_under_curve(errors) == pytest.approx((0.75 + 0.5) / 4)


def test_diversity() -> None:
    chance = np.random.default_rng(0)
    real = [chance.normal(size=(50, 30)) for _ in range(10)]
    assert diversity(real, real) == 1
    assert diversity([0.5 * group for group in real], real) == pytest.approx(0.25)
    assert diversity([np.ones((5, 30))] * 3, real) == 0


def test_paired_bootstrap() -> None:
    """The interval of a mean is about ± 1.96 s / √n, and pairing sees what a plain comparison would not."""
    chance = np.random.default_rng(0)
    base = 10 * chance.normal(size=400)
    better = base + 0.3 + 0.5 * chance.normal(size=400)
    result = paired_difference(better, base)
    half = 1.96 * (better - base).std() / 20
    assert result.clear
    assert result.high - result.low == pytest.approx(2 * half, rel=0.06)
    assert not paired_difference(chance.normal(size=400), chance.normal(size=400)).clear
    with pytest.raises(LikenessError):
        paired_difference(base, base[:-1])
