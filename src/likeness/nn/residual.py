"""Residual block with BatchNorm (He et al. 2016), at one resolution."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + BN(conv(ReLU(BN(conv(x))))), 3 × 3 kernels, width and size kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """B × C × H × W to the same."""
        result: Tensor = features + self.body(features)
        return result
