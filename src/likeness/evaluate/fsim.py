"""FSIM and FSIMc: feature similarity by phase congruency and gradient (Zhang, Zhang, Mou & Zhang 2011)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate, uniform_filter
from torch import Tensor

from likeness.evaluate.pixels import eight_bit

T1, T2, T3, T4, CHROMATIC = 0.85, 160.0, 200.0, 200.0, 0.03
SCALES, ORIENTATIONS, SHORTEST, STEP = 4, 4, 6.0, 2.0
SIGMA_ON_F, SPREAD, NOISE_STDS, EPSILON = 0.55, np.pi / ORIENTATIONS / 1.2, 2.0, 1e-4
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
SCHARR = np.array([[3.0, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16

Map = NDArray[np.float64]


def fsim(first: Tensor, second: Tensor) -> Tensor:
    """FSIM of the luminance (0.299 R + 0.587 G + 0.114 B) of each pair: B.

    Args:
        first, second: B × 3 × H × W in [-1, 1]; rounded to eight bits first. 1 is equal.

    At each place S = S_PC · S_G with S_PC = (2·PC₁·PC₂ + T₁) / (PC₁² + PC₂² + T₁) and S_G likewise of the Scharr gradients with
    T₂; the mean is weighted by max(PC₁, PC₂). Pictures with a shorter side over 384 pixels are averaged down to about 256 first.

    Caveats: papers seldom say whether theirs is FSIM or FSIMc; it saturates (a bad face still has .6), so small differences
    are large ones; a negative is alike, for its edges are; where both pictures are flat everywhere it means nothing.

    >>> import torch
    >>> picture = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    >>> float(fsim(picture, picture)), float(fsim(picture, picture.flip(3))) < 0.9
    (1.0, True)
    """
    return _each(first, second, colour=False)


def fsimc(first: Tensor, second: Tensor) -> Tensor:
    """FSIMc: FSIM times the similarity of the chrominances I and Q of YIQ to the power λ = 0.03: B. See :func:`fsim`."""
    return _each(first, second, colour=True)


def _each(first: Tensor, second: Tensor, colour: bool) -> Tensor:
    one, other = eight_bit(first).permute(0, 2, 3, 1).double().numpy(), eight_bit(second).permute(0, 2, 3, 1).double().numpy()
    return torch.tensor([_similarity(a, b, colour) for a, b in zip(one, other, strict=True)], dtype=torch.float64)


def _similarity(one: Map, other: Map, colour: bool) -> float:
    (y1, i1, q1), (y2, i2, q2) = (_smaller(picture @ YIQ.T) for picture in (one, other))
    pc1, pc2 = phase_congruency(y1), phase_congruency(y2)
    local = _alike(pc1, pc2, T1) * _alike(_gradient(y1), _gradient(y2), T2)
    if colour:
        chroma = _alike(i1, i2, T3) * _alike(q1, q2, T4)
        # a negative base has no real power; the published code takes the real part of the complex one
        local = local * np.real(np.power(chroma.astype(np.complex128), CHROMATIC))
    weight = np.maximum(pc1, pc2)
    return float((local * weight).sum() / max(weight.sum(), 1e-12))


def _smaller(picture: Map) -> tuple[Map, Map, Map]:
    """Channels of a picture H × W × 3, averaged over and then thinned to every F-th pixel, F = round(shorter side / 256)."""
    factor = max(1, round(min(picture.shape[:2]) / 256))
    channels = (picture[..., k] for k in range(3))
    if factor == 1:
        one, two, three = channels
    else:
        one, two, three = (uniform_filter(c, factor, mode="constant")[::factor, ::factor] for c in channels)
    return one, two, three


def _alike(a: Map, b: Map, constant: float) -> Map:
    return (2 * a * b + constant) / (a**2 + b**2 + constant)


def _gradient(luminance: Map) -> Map:
    across = correlate(luminance, SCHARR, mode="constant")
    down = correlate(luminance, SCHARR.T, mode="constant")
    return np.asarray(np.hypot(across, down), np.float64)


def phase_congruency(luminance: Map) -> Map:
    """Phase congruency in [0, 1], H × W (Kovesi 1999), with log-Gabor filters at 4 scales and 4 orientations.

    Where the filters of all scales agree in phase, there is a feature, however faint. The noise threshold comes from the
    energy of the finest scale.
    """
    rows, columns = luminance.shape
    spectrum = np.fft.fft2(luminance)
    radius, theta = _frequencies(rows, columns)
    lowpass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    gabors = []
    for scale in range(SCALES):
        centre = 1 / (SHORTEST * STEP**scale)
        gabor = np.exp(-(np.log(radius / centre) ** 2) / (2 * np.log(SIGMA_ON_F) ** 2)) * lowpass
        gabor[0, 0] = 0
        gabors.append(gabor)
    energy_of_all, amplitude_of_all = np.zeros(luminance.shape), np.zeros(luminance.shape)
    for orientation in range(ORIENTATIONS):
        angle = orientation * np.pi / ORIENTATIONS
        difference = np.sin(theta) * np.cos(angle) - np.cos(theta) * np.sin(angle)
        cosine = np.cos(theta) * np.cos(angle) + np.sin(theta) * np.sin(angle)
        spread = np.exp(-(np.abs(np.arctan2(difference, cosine)) ** 2) / (2 * SPREAD**2))
        filters = [gabor * spread for gabor in gabors]
        responses = np.stack([np.fft.ifft2(spectrum * one) for one in filters])
        amplitudes = np.abs(responses)
        total = responses.sum(0)
        direction = total / (np.abs(total) + EPSILON)
        even, odd = direction.real, direction.imag
        along = responses.real * even + responses.imag * odd
        aside = np.abs(responses.real * odd - responses.imag * even)
        energy = (along - aside).sum(0)
        energy_of_all += np.maximum(energy - _noise(filters, amplitudes[0], rows * columns), 0)
        amplitude_of_all += amplitudes.sum(0)
    return np.asarray(energy_of_all / (amplitude_of_all + EPSILON), np.float64)


def _frequencies(rows: int, columns: int) -> tuple[Map, Map]:
    """Radius and angle of each place of the spectrum, the zero frequency at the corner."""

    def ruler(count: int) -> Map:
        odd = count % 2
        whole = np.arange(-(count - odd) // 2, (count + odd) // 2)
        return whole / (count - odd)

    x, y = np.meshgrid(ruler(columns), ruler(rows))
    return np.fft.ifftshift(np.hypot(x, y)), np.fft.ifftshift(np.arctan2(-y, x))


def _noise(filters: list[Map], finest: Map, size: int) -> float:
    """The energy that noise alone would have, from the median response of the finest filter (Kovesi 1999, section 5)."""
    power = float(np.median(finest**2)) / np.log(2) / float((filters[0] ** 2).sum())
    waves = [np.real(np.fft.ifft2(one)) * np.sqrt(size) for one in filters]
    squares = sum(float((wave**2).sum()) for wave in waves)
    products = sum(float((waves[i] * waves[j]).sum()) for i in range(SCALES) for j in range(i + 1, SCALES))
    energy = 2 * power * squares + 4 * power * products
    tau = np.sqrt(energy / 2)
    return float((tau * np.sqrt(np.pi / 2) + NOISE_STDS * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7)
