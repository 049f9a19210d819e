"""Figure 10 of Sun, Guo & Liu 2022: the same training with every subset of its three terms, for equal budgets.

R is the reconstruction, P the perceptual and A the adversarial term of equation (6).
"""

from __future__ import annotations

from dataclasses import replace

from likeness.errors import LikenessError
from likeness.recipe import Phase
from likeness.systems.parts.recipes import Augment, PartsRecipe, lite

LETTERS = {"R": "reconstruction", "P": "perceptual", "A": "adversarial"}
COMBINATIONS = ("R", "P", "A", "RP", "RA", "PA", "RPA")


def ablation(letters: str, steps: int) -> PartsRecipe:
    """``parts:lite`` with only the terms that ``letters`` name, in which G moves exactly ``steps`` times.

    As in Algorithm 1 a training with A starts with a fifth of the steps without it (if R or P can guide G meanwhile), then D
    alone for a twentieth more, then both. The last quarter cools down. Inputs are the paper's: nothing but mirroring varies.

    Raises:
        LikenessError: no such combination, or fewer than 20 steps.
    """
    if letters not in COMBINATIONS:
        raise LikenessError(f"{letters!r}: is no combination of terms; there are {', '.join(COMBINATIONS)}")
    if steps < 20:
        raise LikenessError(f"steps {steps}: at least 20 are needed")
    base = lite()
    absent = {name: 0.0 for letter, name in LETTERS.items() if letter not in letters}
    first = steps // 5 if letters != "A" else 0
    phases = (
        (Phase(first, ("G",), silent=("adversarial",)), Phase(steps // 20, ("D",)), Phase(steps - first, ("D", "G")))
        if "A" in letters
        else (Phase(steps, ("G",)),)
    )
    training = replace(base.training, phases=phases, cooldown=steps // 4, ema=steps / 12, every=250, look=max(steps // 10, 1))
    return replace(
        base,
        name=f"parts:ablation-{letters}",
        training=training,
        weights=replace(base.weights, **absent),
        augment=Augment(flip=True),
        expects="one seventh of figure 10",
    )
