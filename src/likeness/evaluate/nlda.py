"""NLDA accuracy: are synthesised faces recognised as their people by null-space discriminant analysis (Chen et al. 2000)?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError

Matrix = NDArray[np.float64]


def null_space_lda(features: Matrix, labels: NDArray[np.int_], components: int = 300) -> tuple[Matrix, Matrix]:
    """The projection: PCA (centred) to ``components``, the null space of S_w in it, the eigenvectors of S_b there.

    Args:
        features: N × D training features, at least two a class.
        labels: N integers.
        components: at most N − 1 are kept.

    Returns:
        The mean (D) and the projection (D × k), columns in order of falling between-class scatter.
    """
    mean = features.mean(0)
    centred = features - mean
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    kept = min(components, int((singular > singular[0] * 1e-10).sum()))
    pca = directions[:kept].T
    reduced = centred @ pca
    classes = np.unique(labels)
    means = np.stack([reduced[labels == label].mean(0) for label in classes])
    within = np.concatenate([reduced[labels == label] - means[i] for i, label in enumerate(classes)])
    _, scatter, axes = np.linalg.svd(within, full_matrices=True)
    rank = int((scatter > max(scatter.max(initial=0), 1e-12) * 1e-8).sum())
    null = axes[rank:].T
    if null.shape[1] == 0:
        raise LikenessError(f"S_w has no null space with {kept} components and {len(features)} samples; use more components")
    counts = np.array([(labels == label).sum() for label in classes])
    between = ((means - reduced.mean(0)) * np.sqrt(counts)[:, None]) @ null
    _, spread, turn = np.linalg.svd(between, full_matrices=False)
    useful = int((spread > spread[0] * 1e-10).sum())
    return mean, pca @ null @ turn[:useful].T


def _turned(real: Matrix, fake: Matrix) -> tuple[Matrix, Matrix]:
    """The same pictures in coordinates of the space that they span: distances and scatters stay what they are, at less cost."""
    if real.shape[1] <= 2 * len(real):
        return real, fake
    both = np.concatenate([real, fake])
    axes = np.linalg.qr((both - both.mean(0)).T)[0]
    turned = (both - both.mean(0)) @ axes
    return turned[: len(real)], turned[len(real) :]


def nlda_accuracy(
    true: NDArray[np.floating],
    synthesised: NDArray[np.floating],
    train: int = 150,
    splits: int = 20,
    components: int = 300,
    seed: int = 0,
) -> tuple[float, int]:
    """The protocol of SCA-GAN and ISEGAN on the test pairs of a sketch data set.

    Args:
        true, synthesised: N × D grey raw pixels of N people, row by row the same person.
        train: people in each split whose true and synthesised pictures train the projection; the rest are recognised.
        splits: random splits. ``seed`` is their chance.
        components: PCA's.

    Returns:
        The best mean over splits of rank-1 accuracy (query: the true picture; gallery: the synthesised ones; Euclidean in the
        first k dimensions), and that k.

    Caveats: the best k is chosen on the very pictures that are judged, as the papers do, which flatters; and with fewer
    people, or other ``train``, figures compare with nothing.

    >>> import numpy as np
    >>> people = np.random.default_rng(0).normal(size=(30, 40))
    >>> nlda_accuracy(people, people + 0.01, train=12, splits=3)[0]
    1.0
    """
    real, fake = np.asarray(true, np.float64), np.asarray(synthesised, np.float64)
    if real.shape != fake.shape or not 1 < train < len(real):
        raise LikenessError(
            f"NLDA needs as many true as synthesised pictures and fewer to train on, got {real.shape}, {fake.shape}, {train}"
        )
    real, fake = _turned(real, fake)
    chance = np.random.default_rng(seed)
    curves = []
    for _ in range(splits):
        order = chance.permutation(len(real))
        learn, judge = order[:train], order[train:]
        both = np.concatenate([real[learn], fake[learn]])
        mean, projection = null_space_lda(both, np.concatenate([np.arange(train)] * 2), components)
        queries, gallery = (real[judge] - mean) @ projection, (fake[judge] - mean) @ projection
        distance = np.zeros((len(judge), len(judge)))
        curve = []
        for k in range(projection.shape[1]):
            distance += (queries[:, None, k] - gallery[None, :, k]) ** 2
            curve.append(float((distance.argmin(1) == np.arange(len(judge))).mean()))
        curves.append(curve)
    length = min(len(curve) for curve in curves)
    means = np.mean([curve[:length] for curve in curves], 0)
    best = int(means.argmax())
    return float(means[best]), best + 1
