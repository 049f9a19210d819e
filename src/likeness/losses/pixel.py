"""Distances between pictures, pixel by pixel. All take B × C × H × W and return a scalar."""

from __future__ import annotations

from torch import Tensor


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
