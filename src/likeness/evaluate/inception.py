"""The standard Fréchet Inception Distance and Inception Score, for those who have the standard weights.

FID is the Fréchet distance (:mod:`likeness.evaluate.frechet`) on Inception-v3's 2048 pooled features; no other network's
distance may bear that name. The weights are the TensorFlow graph of 2015-12-05 as converted for PyTorch; they are not with
the instruments here, so these figures are printed only where a user has them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness import assets
from likeness.checkpoint import fill
from likeness.errors import LikenessError
from likeness.nn.inception import Inception
from likeness.records import Image

SPLITS = 10
"""Groups of pictures in an Inception Score, by custom."""


def inception_score(logits: NDArray[np.floating], splits: int = SPLITS) -> tuple[float, float]:
    """Exp E_x KL(p(y|x) ‖ p(y)) (Salimans et al. 2016): mean and standard deviation over ``splits`` runs of the pictures.

    Args:
        logits: N × classes, from the classifier without its bias, as in the original code.
        splits: consecutive groups of the pictures, 10 by custom.

    Caveats: it never looks at real pictures; it grows with N; it was made for ImageNet's classes, of which faces are none;
    groups of fewer than some thousand pictures give values that compare with nothing published.

    >>> import numpy as np
    >>> round(inception_score(50.0 * np.eye(8)[np.arange(80) % 8], splits=10)[0], 3)  # eight classes, surely told
    8.0
    >>> round(inception_score(np.zeros((20, 5)), splits=2)[0], 3)  # nothing is told
    1.0
    """
    values = np.asarray(logits, np.float64)
    if len(values) < splits:
        raise LikenessError(f"the Inception Score in {splits} groups needs at least as many pictures, got {len(values)}")
    shifted = values - values.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    scores = []
    for group in np.array_split(logs, splits):
        marginal = np.log(np.exp(group).mean(0) + 1e-300)
        scores.append(np.exp((np.exp(group) * (group - marginal)).sum(1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def resize_like_tensorflow(pictures: Tensor, size: int = 299) -> Tensor:
    """Bilinear resize as TensorFlow 1 did it, without half-pixel centres: pixel i is read at i × (old / new).

    FID's figures were made with it; other resizing moves them by whole points (Parmar, Zhang & Zhu 2022).
    """
    for axis in (2, 3):
        old = pictures.shape[axis]
        place = torch.arange(size, dtype=torch.float32) * (old / size)
        low = place.floor().long()
        share = (place - low).reshape((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp(max=old - 1)
        first = pictures.index_select(axis, low)
        pictures = first + (pictures.index_select(axis, high) - first) * share
    return pictures


class InceptionFeatures:
    """Inception-v3 with the standard weights: pictures to 2048 features and 1008 logits.

    Raises:
        LikenessError: the weights are not here and cannot be fetched; the message names their file and address.
    """

    name = "inception"

    def __init__(self) -> None:
        path = assets.instrument(self.name)
        network = Inception()
        fill(network, torch.load(path, map_location="cpu", weights_only=True), path)
        self._network = network.eval().requires_grad_(False)

    @torch.inference_mode()
    def of_images(self, images: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """uint8 B × H × W × 3 to B × 2048 and B × 1008."""
        found = []
        for some in torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).split(32):
            found.append(self._network((resize_like_tensorflow(some.float()) - 128) / 128))
        return np.concatenate([a.numpy() for a, _ in found]), np.concatenate([b.numpy() for _, b in found])
