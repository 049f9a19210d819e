"""What lies beside the weights about people: f_id of every training person, and how well people are kept.

``people.safetensors`` is written by ``likeness calibrate`` and read with numpy. With it, made faces say how alike an independent
recogniser is expected to find them, and new people are sampled away from all whom the weights have learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likeness.card import Card, read_stored, restored
from likeness.engine.graph import Array
from likeness.errors import LikenessError

FILE = "people.safetensors"
BLOCK, BLOCKS = 256, 400
"""People that are drawn at a time, and how many times without a single one that is far enough until sampling gives up."""


@dataclass(frozen=True)
class Kept:
    """How alike an independent judge finds a photo and the face made from it: ``intercept`` + ``slope`` · likeness.

    Likeness is E_id's (:meth:`likeness.systems.facefeat.synthesis.FaceFeatSynthesizer.likeness`); the line is the least squares'
    through validation people's made faces. Residuals have the deviation ``deviation``. Under ``threshold`` the judge takes two
    real photos for different people: where it tells most pairs of validation photos right.
    """

    slope: float
    intercept: float
    deviation: float
    threshold: float

    def expected(self, likeness: float) -> float:
        """The similarity that the judge is expected to find, from -1 to 1."""
        return float(np.clip(self.intercept + self.slope * likeness, -1, 1))


@dataclass(frozen=True)
class People:
    """``train`` has a row of unit length for each training person, N × d: the mean of f_id over that person's photos.

    ``apart`` is the cosine of the nearest training person as validation people have it, the median: how near a stranger is.
    """

    train: Array
    apart: float
    kept: Kept
    card: Card

    def nearest(self, identities: Array, block: int = 4096) -> Array:
        """The cosine of each f_id, N × d of any length, with its nearest training person."""
        ones = unit(identities)
        found = np.full(len(ones), -1, np.float32)
        for start in range(0, len(self.train), block):
            found = np.maximum(found, (ones @ self.train[start : start + block].T).max(1))
        return found

    def sample(self, count: int, seed: int = 0, apart: float | None = None) -> Array:
        """f_id of people who do not exist, ``count`` × d of norm √d.

        They are drawn from the normal distribution of the training people's f_id. One who is nearer than ``apart`` (a cosine) to
        a training person, or to one drawn before, is dropped.

        Raises:
            LikenessError: so many cannot be found.
        """
        limit = self.apart if apart is None else apart
        if not -1 < limit <= 1:
            raise LikenessError(f"--apart {limit:g}: a cosine above -1 and up to 1 is needed")
        chance, size = np.random.default_rng(seed), self.train.shape[1]
        middle = self.train.mean(0)
        root = _root(np.cov(self.train, rowvar=False, bias=True).astype(np.float64).reshape(size, size))
        found = np.zeros((0, size), np.float32)
        barren = 0
        while len(found) < count:
            drawn = unit(middle + chance.standard_normal((BLOCK, size)) @ root)
            far = drawn[self.nearest(drawn) <= limit]
            before = len(found)
            for one in far:
                if len(found) < count and (not len(found) or float((found @ one).max()) <= limit):
                    found = np.concatenate([found, one[None]])
            barren = 0 if len(found) > before else barren + 1
            if barren >= BLOCKS:
                raise LikenessError(
                    f"only {len(found)} of {count} people were found who are at most {limit:.2f} alike with others; "
                    "ask for fewer, or raise --apart"
                )
        return np.asarray(found * np.float32(size**0.5), np.float32)


def read(weights: Path, digest: str) -> People | None:
    """What lies beside a weights file; None where nothing does, or it belongs to other weights.

    Raises:
        LikenessError: the file is damaged.
    """
    path = weights.parent / FILE
    if not path.is_file():
        return None
    card, stored, _ = read_stored(path)
    tensors = restored(stored)
    try:
        if card.data["weights"] != digest:
            return None
        slope, intercept, deviation, threshold, apart = map(float, tensors["figures"])
        train = unit(tensors["train"])
        if train.ndim != 2 or not len(train):
            raise ValueError
    except (KeyError, ValueError, TypeError):
        raise LikenessError(f"{path}: is damaged; write it again: likeness calibrate") from None
    return People(train, apart, Kept(slope, intercept, deviation, threshold), card)


def unit(features: Array) -> Array:
    """Rows of length 1."""
    values = np.asarray(features, np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9), np.float32)


def _root(covariance: Array) -> Array:
    """The symmetric root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
