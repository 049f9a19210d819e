"""C: a grey picture to colours."""

from __future__ import annotations

from torch import Tensor, nn


class Colourer(nn.Module):
    """Three convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 1)
        )

    def forward(self, grey: Tensor) -> Tensor:
        """B × 1 × S × S in [-1, 1] to B × 3 × S × S."""
        colours: Tensor = (grey + self.layers(grey)).clamp(-1, 1)
        return colours
