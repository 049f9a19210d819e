"""Face verification and identification from features: LFW's ten folds, and templates of several photos a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError

Scores = NDArray[np.floating]


def unit(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Features N × D scaled to length 1."""
    values = np.asarray(features, np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12))


@dataclass(frozen=True)
class Folds:
    """Accuracy over the folds: ``mean`` and ``deviation`` (population standard deviation), and each fold's."""

    mean: float
    deviation: float
    each: tuple[float, ...]


def ten_folds(scores: Scores, same: NDArray[np.bool_], folds: int = 10) -> Folds:
    """LFW's protocol, view 2 (Huang et al. 2008): the threshold of each fold is the best of the other nine.

    Args:
        scores: similarity of each pair, in the order of the list of pairs (fold by fold, of equal size).
        same: whether a pair shows one person.
        folds: how many.

    Caveats: a threshold chosen on all pairs gives too good a figure; and ± is the deviation over folds in some papers, its
    standard error (a third of it) in others.

    >>> import numpy as np
    >>> same = np.array([True, False] * 10)
    >>> ten_folds(np.where(same, 0.8, 0.1), same).mean
    1.0
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(same, np.bool_)
    if len(values) != len(truth) or folds < 2 or len(values) % folds or len(values) < 2 * folds:
        raise LikenessError(f"{len(values)} scores cannot be cut into {folds} equal folds of {len(truth)} pairs")
    parts = np.arange(len(values)).reshape(folds, -1)
    each = []
    for fold in range(folds):
        others = np.delete(parts, fold, 0).ravel()
        threshold = best_threshold(values[others], truth[others])
        each.append(float(((values[parts[fold]] >= threshold) == truth[parts[fold]]).mean()))
    return Folds(float(np.mean(each)), float(np.std(each)), tuple(each))


def best_threshold(scores: Scores, same: NDArray[np.bool_]) -> float:
    """The threshold at which most pairs are told right: score ≥ threshold means one person."""
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], same[order]
    right = np.concatenate([[0], np.cumsum(truth)]) + (~truth).sum() - np.concatenate([[0], np.cumsum(~truth)])
    # a cut is only possible between different scores
    possible = np.concatenate([[True], ranked[1:] != ranked[:-1], [True]])
    cut = int(np.argmax(np.where(possible, right, -1)))
    if cut == 0:
        return float(ranked[0]) + 1.0
    return float(ranked[cut - 1]) if cut == len(ranked) else float((ranked[cut - 1] + ranked[cut]) / 2)


def true_accept_rate(scores: Scores, same: NDArray[np.bool_], false_accept_rate: float) -> float:
    """Share of same pairs accepted at the threshold that lets ``false_accept_rate`` of the different pairs through.

    A caveat: with N different pairs no rate below 1 / N can be told.

    >>> import numpy as np
    >>> true_accept_rate(np.array([0.9, 0.4, 0.5, 0.1]), np.array([True, True, False, False]), 0.0)
    0.5
    """
    truth = np.asarray(same, np.bool_)
    different = np.sort(np.asarray(scores)[~truth])[::-1]
    allowed = int(np.floor(false_accept_rate * len(different)))
    threshold = different[allowed] if allowed < len(different) else -np.inf
    return float((np.asarray(scores)[truth] > threshold).mean())


def templates(features: NDArray[np.floating], people: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
    """One template a person: the mean of the person's unit features, scaled to length 1; people in order of first sight."""
    names = list(dict.fromkeys(people))
    index = np.array([names.index(name) for name in people])
    means = np.stack([unit(features)[index == i].mean(0) for i in range(len(names))])
    return unit(means), names


def identification(
    gallery: NDArray[np.floating],
    gallery_people: Sequence[str],
    probes: NDArray[np.floating],
    probe_people: Sequence[str],
    rank: int = 1,
) -> float:
    """Share of probes whose own person is among the ``rank`` nearest templates of the gallery, by cosine (closed set)."""
    cosine = unit(probes) @ unit(gallery).T
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :rank]
    names = np.array(gallery_people)
    return float(np.mean([person in names[row] for person, row in zip(probe_people, nearest, strict=True)]))
