"""The contenders of ISEGAN's tables 1 and 2 that are recipes of it, all of one size and for one budget."""

from __future__ import annotations

from dataclasses import replace

from likeness.recipe import Phase, Training
from likeness.systems.isegan.recipes import BOTH, ISEGANRecipe, Networks, Weights, lite, tiny

ROWS: dict[str, tuple[str, dict[str, float], int]] = {
    "base": ("Base", {"perceptual": 0, "compositional": 0, "matching": 0}, 1),
    "base-per": ("Base + L_per", {"compositional": 0, "matching": 0}, 1),
    "base-per-cmp": ("Base + L_per + L_cmp", {"matching": 0}, 1),
    "base-per-cmp-pm": ("Base + L_per + L_cmp + L_PM", {}, 1),
    "full": ("ISEGAN", {}, 2),
    "scagan": ("SCA-GAN", {}, 2),
}
"""Folder → title, weights that differ from the paper's, stages. SCA-GAN is ISEGAN without an intermediate parsing: the regions of
(4) are P_s, and the second stage reads P_s alone."""


def recipe_of(name: str, steps: int, small: bool = False) -> ISEGANRecipe:
    """The recipe of a row, for ``steps`` steps of two pairs; ``small`` for tests."""
    title, weights, stages = ROWS[name]
    base = tiny() if small else lite()
    plan = Training(
        batch=2,
        rates=base.training.rates,
        phases=(Phase(steps, BOTH if stages == 2 else ("D1", "G1")),),
        cooldown=steps // 3,
        ema=max(steps / 40, 1.0),
        every=200,
        look=max(steps, 1),
    )
    made = replace(
        base,
        name=f"isegan:{name}",
        training=plan,
        stages=stages,
        weights=Weights(**({"perceptual": 0.0} if small else {}) | weights),
        networks=base.networks if small else Networks(width=16, depth=6, widest=8, critic_width=16),
        expects=f"a row of ISEGAN's tables: {title}",
    )
    return replace(made, middle=False, regions="source") if name == "scagan" else made
