"""Every equation of LandmarkGAN, each a function.

Landmarks L are B × K × 2 in [0, 1] of the picture; Φ, Ψ_t are the converter's encoder and decoders, Θ_t a target's generator, Ω
the landmark detector, D_t a target's critic. ‖·‖₂ is over all of a face's numbers, a mean over the batch; its root has an
infinite gradient at 0, so a small ε stands under it. ‖·‖₁ of (2) is a mean over the picture's numbers: as a sum it would be
thousands of times (3). So with all weights at 1 the picture hardly counts, and the recipes weigh (2) more.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from likeness.losses import adversarial
from likeness.losses.adversarial import Judgement

EPSILON = 1e-12


def apart(first: Tensor, second: Tensor) -> Tensor:
    """‖x − y‖₂ of each face, a mean over the batch; a scalar."""
    square = (first.float() - second.float()).square().flatten(1).sum(1)
    return (square + EPSILON).sqrt().mean()


def normalised(landmarks: Tensor) -> Tensor:
    """L′, the landmarks over their ℓ2 norm, B × K × 2."""
    length = landmarks.square().sum((1, 2), keepdim=True).sqrt()
    return landmarks / length.clamp(min=1e-6)


def image(true: Tensor, made: Tensor) -> Tensor:
    """(2) L_L2I = ‖I_t − Θ_t(L_t)‖₁, a mean over pixels of pictures in [-1, 1]."""
    return (true - made).float().abs().mean()


def kept(landmarks: Tensor, seen: Tensor) -> Tensor:
    """(3) L_I2L = ‖L_t − Ω(Θ_t(L_t))‖₂; ``seen`` is what Ω sees in the made face."""
    return apart(landmarks, seen)


def reconstruction(landmarks: Tensor, again: Tensor, neutral: Tensor) -> Tensor:
    """(4) L_L2L = ‖L_t − Ψ_t(Φ(L_t))‖₂ + ‖L′_t − Φ(L_t)‖₂."""
    return apart(landmarks, again) + apart(normalised(landmarks), neutral)


def crossed(
    landmarks: Tensor, target: str, others: list[str], encode: Callable[[Tensor], Tensor], decode: Callable[[Tensor, str], Tensor]
) -> Tensor:
    """(5) L_X-L2L = E_{s ≠ t} ‖L_t − Ψ_t(Φ(Ψ_s(Φ(L_t))))‖₂: to each other target s and back."""
    neutral = encode(landmarks)
    cycles = [apart(landmarks, decode(encode(decode(neutral, other)), target)) for other in others if other != target]
    return torch.stack(cycles).mean() if cycles else landmarks.new_zeros(())


def critic_loss(real: Judgement, fake: Judgement) -> Tensor:
    """(6) What D_t minimises: −E log D_t(I_t) − E log(1 − D_t(Θ_t(Ψ_t(Φ(L_s))))), of logits."""
    return adversarial.discriminator_loss(real, fake)


def generator_adversarial(fake: Judgement) -> Tensor:
    """(6) for Θ_t, non-saturating."""
    return adversarial.generator_loss(fake)
