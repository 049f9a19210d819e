"""The morphable model as it belongs to the weights."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from likeness.faces import bases, morphable
from likeness.faces.landmarks import COUNT
from likeness.faces.morphable import MorphableModel
from likeness.faces.solid import SOLID
from likeness.records import Points
from likeness.systems.facefeat.recipes import FaceFeatRecipe

LEAST_SPREAD = 0.05
"""What a number's deviation over the training faces is taken for at least, so that one which hardly varies asks for nothing."""


def basis(recipe: FaceFeatRecipe, landmarks: Points, people: NDArray[np.integer]) -> MorphableModel:
    """The morphable model that a recipe asks for: learned from faces' landmarks N × 68 × 2, or somebody's own.

    Raises:
        LikenessError: its files are not here, or it has fewer modes than the recipe wants.
    """
    if not recipe.morphable:
        return morphable.learned(landmarks, people, recipe.shapes, recipe.expressions)
    found = bases.surrey() if recipe.morphable == "surrey" else bases.read(recipe.morphable)
    return bases.cut(found, recipe.shapes, recipe.expressions)


class Morphable(nn.Module):
    """The morphable model as it belongs to the weights, and what f_3d is standardised by (``middle``, ``spread``, W_3d)."""

    mean: Tensor
    shapes: Tensor
    expressions: Tensor
    noise: Tensor
    middle: Tensor
    spread: Tensor
    importance: Tensor

    def __init__(self, shapes: int, expressions: int, numbers: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(SOLID, dtype=torch.float32))
        self.register_buffer("shapes", torch.zeros(shapes, COUNT, 3))
        self.register_buffer("expressions", torch.zeros(expressions, COUNT, 3))
        self.register_buffer("noise", torch.tensor([0.04]))
        self.register_buffer("middle", torch.zeros(numbers))
        self.register_buffer("spread", torch.ones(numbers))
        self.register_buffer("importance", torch.ones(numbers))

    def model(self) -> MorphableModel:
        """The model itself."""
        mean, shapes, expressions = (part.double().cpu().numpy() for part in (self.mean, self.shapes, self.expressions))
        return MorphableModel.of_all(mean, shapes, expressions, float(self.noise))

    def take_over(self, model: MorphableModel, numbers: morphable.Floats) -> None:
        """Take over a model, and how its numbers are spread over the training faces."""
        spread = np.maximum(numbers.std(0), LEAST_SPREAD)
        values = (*model.for_all(), [model.noise], numbers.mean(0), spread, model.importance(spread))
        own = (self.mean, self.shapes, self.expressions, self.noise, self.middle, self.spread, self.importance)
        for buffer, value in zip(own, values, strict=True):
            buffer.copy_(torch.as_tensor(np.asarray(value)))

    def standardised(self, landmarks: Tensor) -> Tensor:
        """f_3d of landmarks, in deviations: B × 68 × 2 to B × K."""
        numbers = torch.from_numpy(self.model().fit(landmarks.cpu().numpy())).to(self.middle)
        return (numbers - self.middle) / self.spread
