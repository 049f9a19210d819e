"""Figure 10 of Sun, Guo & Liu 2022: the same training with every subset of its three terms, for equal budgets.

R is the reconstruction, P the perceptual and A the adversarial term of equation (6). Beside the subsets, :data:`VARIANTS` of the
full model answer what the paper says of its networks, of total variation and of its first phase.
"""

from __future__ import annotations

from dataclasses import replace

from likeness.errors import LikenessError
from likeness.recipe import Phase
from likeness.systems.parts.recipes import Augment, Networks, PartsRecipe, lite

LETTERS = {"R": "reconstruction", "P": "perceptual", "A": "adversarial"}
COMBINATIONS = ("R", "P", "A", "RP", "RA", "PA", "RPA")
VARIANTS: dict[str, str] = {
    "RPA-paper": "RPA, the paper's generator and discriminator",
    "RPA-paper-generator": "RPA, the paper's generator",
    "RPA-TV": "RPA and total variation",
    "RPA-first-0": "RPA, no first phase",
    "RPA-first-20": "RPA, a twentieth of the steps in the first phase",
    "RPA-first-2": "RPA, half of the steps in the first phase",
}
"""Name → what it is. RPA itself has a fifth of the steps in the first phase; G moves equally often in all."""
TOTAL_VARIATION = 0.5
"""Its weight in ``RPA-TV``: a smooth face's is about .05, a noisy one's about .3, beside a loss of about 5."""


def variant(name: str, steps: int) -> PartsRecipe:
    """The full model with one thing changed, for as many steps of G as :func:`ablation` gives it.

    Raises:
        LikenessError: no such variant, or fewer than 20 steps.
    """
    if name not in VARIANTS:
        raise LikenessError(f"{name!r}: is no variant; there are {', '.join(VARIANTS)}")
    made = replace(ablation("RPA", steps), name=f"parts:{name}", expects=VARIANTS[name])
    if name == "RPA-TV":
        return replace(made, weights=replace(made.weights, total_variation=TOTAL_VARIATION))
    if name.startswith("RPA-paper"):
        kept = made.networks
        papers = replace(Networks(), cover=kept.cover)
        if name == "RPA-paper-generator":
            papers = replace(
                papers,
                discriminator=kept.discriminator,
                discriminator_width=kept.discriminator_width,
                spectral=kept.spectral,
            )
        return replace(made, networks=papers)
    share = int(name.rpartition("-")[2])
    first = steps // share if share else 0
    phases = (Phase(first, ("G",), silent=("adversarial",)), made.training.phases[1], Phase(steps - first, ("D", "G")))
    return replace(made, training=replace(made.training, phases=phases))


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
