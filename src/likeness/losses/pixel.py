"""Distances between pictures, pixel by pixel. All take B × C × H × W and return a scalar."""

from __future__ import annotations

from torch import Tensor

from likeness.losses.processes import share_of


def root_mean_square(first: Tensor, second: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Mean over the batch of ‖x − y‖₂ / √n, n the numbers in a picture: the Euclidean norm whatever the picture's size.

    ``epsilon`` under the root keeps the gradient finite where the pictures are equal.
    """
    square = (first.float() - second.float()).square().flatten(1).mean(1)
    return (square + epsilon).sqrt().mean()


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, across plus down (anisotropic; Rudin et al. 1992)."""
    pictures = images.float()
    across = (pictures[..., :, 1:] - pictures[..., :, :-1]).abs().mean()
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean()
    return across + down


def absolute_within(photo: Tensor, made: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error within a mask: Σ m |x − x̂| / Σ m over the batch; 0 where it is empty; a scalar.

    Args:
        photo, made: B × C × H × W.
        mask: B × 1 × H × W in [0, 1].
    """
    away = ((photo.float() - made.float()).abs() * mask).sum()
    return away / share_of(photo.shape[1] * mask.sum())
