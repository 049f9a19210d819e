"""PSNR and SSIM of eight-bit pictures, by torchmetrics."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from likeness.errors import LikenessError


def _functional() -> tuple[object, object]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
    except ImportError:
        raise LikenessError("measuring needs torchmetrics: pip install 'likeness[evaluate]'") from None
    return peak_signal_noise_ratio, structural_similarity_index_measure


WINDOW = 11
"""Side of SSIM's Gaussian window at σ = 1.5."""


def eight_bit(pictures: Tensor) -> Tensor:
    """Float pictures in [-1, 1] as the levels 0 … 255 that a file would hold, still float."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255)


def psnr(first: Tensor, second: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each pair, B: 10·log10(255² / mean (x − y)²).

    Args:
        first, second: B × 3 × H × W in [-1, 1]; rounded to eight bits first. Higher is better; equal pictures give inf.

    Caveats: a mean of PSNRs is not the PSNR of the mean error (tables here give the mean over pictures); on luminance alone
    it is another number; a blurred guess wins over a sharp one that is slightly displaced.

    >>> import torch
    >>> black, grey = torch.full((1, 3, 16, 16), -1.0), torch.full((1, 3, 16, 16), -1.0 + 51 / 127.5)
    >>> round(float(psnr(black, grey)), 3)  # 10 log10(255² / 51²)
    13.979
    """
    ratio, _ = _functional()
    value: Tensor = ratio(  # type: ignore[operator]
        eight_bit(first), eight_bit(second), data_range=255.0, dim=(1, 2, 3), reduction="none"
    )
    return value


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Structural similarity of each pair, B (Wang et al. 2004): Gaussian window of 11 pixels, σ 1.5, K 0.01 and 0.03.

    Args:
        first, second: B × 3 × H × W in [-1, 1]; rounded to eight bits first. 1 is equal.

    Caveats: computed on each colour channel and averaged; on luminance alone it is a little higher. Only places where the
    window lies inside the picture count, as in Wang's own code and scikit-image; torchmetrics' mean would count the border.

    >>> import torch
    >>> black, grey = torch.full((1, 3, 16, 16), -1.0), torch.full((1, 3, 16, 16), -1.0 + 51 / 127.5)
    >>> c1 = (0.01 * 255) ** 2
    >>> abs(float(ssim(black, grey)) - c1 / (51**2 + c1)) < 1e-6  # flat pictures: only the luminance term is left
    True
    """
    _, similarity = _functional()
    maps = [
        similarity(eight_bit(one), eight_bit(other), data_range=255.0, sigma=1.5, reduction="none", return_full_image=True)[1]  # type: ignore[operator]
        for one, other in zip(first.split(64), second.split(64), strict=True)
    ]
    border = WINDOW // 2
    return torch.cat(maps)[..., border:-border, border:-border].flatten(1).mean(1)
