"""Noise of N(0, 1) as what no condition tells: who it is, landmarks and codes of looks as they are distributed over faces.

No torch is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.records import Points
from likeness.systems.joint.recipes import CODES, LOOKS

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Chance:
    """The tensors of :class:`likeness.systems.joint.prior.Prior`."""

    people: Array
    traits: Array
    mean: Array
    modes: Array
    told: Array
    left: Array
    code_mean: Array
    code_square: Array

    @classmethod
    def of(cls, weights: Weights) -> Chance:
        """Those of a weights file."""
        return cls(**{name: weights.tensor(f"prior.{name}") for name in cls.__dataclass_fields__})

    @cached_property
    def _factors(self) -> list[NDArray[np.float64]]:
        """The Cholesky factors of the looks' codes."""
        square = self.code_square.astype(np.float64)
        return [np.linalg.cholesky(one + 1e-4 * np.eye(len(one))) for one in square]

    def look(self, noise: Array) -> Array:
        """Codes of ground, hair, skin and the rest, 96 numbers, of as many of N(0, 1)."""
        pieces = np.split(noise, len(LOOKS))
        made = [mean + factor @ piece for mean, factor, piece in zip(self.code_mean, self._factors, pieces, strict=True)]
        return np.concatenate(made).astype(np.float32)

    def person(self, noise: Array) -> Array:
        """An identity of unit variance, of 64 numbers of N(0, 1): somebody."""
        numbers = self.people + noise @ self.traits
        return np.asarray(numbers / max(float(np.linalg.norm(numbers)), 1e-6) * len(numbers) ** 0.5, np.float32)

    def landmarks(self, noise: Array, size: int, identity: Array | None = None) -> Points:
        """Landmarks 68 × 2, in pixels of S × S, of 32 numbers of N(0, 1); of a person where there is an ``identity``."""
        numbers = noise if identity is None else self.told @ identity + self.left @ noise
        spanned = (self.mean + numbers @ self.modes).reshape(-1, 2)
        return np.asarray(((spanned + 1) * size - 1) / 2, np.float32)


def split(noise: Array) -> tuple[Array, Array]:
    """Noise in its piece of the shape and its pieces of the look."""
    return noise[: CODES["shape"]], noise[CODES["shape"] :]
