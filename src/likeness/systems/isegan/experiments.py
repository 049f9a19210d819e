"""The contenders of ISEGAN's tables 1 and 2 that are recipes of it, with generators of one size and for one budget."""

from __future__ import annotations

from dataclasses import replace

from likeness.recipe import Phase, Training
from likeness.systems.isegan.recipes import BOTH, ISEGANRecipe, Networks, Weights, lite, tiny

ROWS: dict[str, tuple[str, dict[str, float]]] = {
    "full": ("ISEGAN", {}),
    "scagan": ("SCA-GAN", {}),
    "base": ("Base", {"perceptual": 0, "compositional": 0, "matching": 0}),
    "base-per": ("Base + L_per", {"compositional": 0, "matching": 0}),
    "base-per-cmp": ("Base + L_per + L_cmp", {"matching": 0}),
    "base-per-cmp-pm": ("Base + L_per + L_cmp + L_PM", {}),
}
"""Folder → title and weights that differ from the paper's.

All have two stages. Base and what is added to it make P_int but do not show it to SE-GAN, so that the last of them against ISEGAN
tells what enhancing P_s does, and ISEGAN's stages what SE-GAN does: the paper's questions (4) and (5). SCA-GAN has no P_int: the
regions of (4) are P_s.
"""


def recipe_of(name: str, steps: int, small: bool = False) -> ISEGANRecipe:
    """The recipe of a row, for ``steps`` steps of two pairs; ``small`` for tests."""
    title, weights = ROWS[name]
    base = tiny() if small else lite()
    plan = Training(
        batch=2,
        rates=(2e-4,) * 4,
        phases=(Phase(steps, BOTH),),
        cooldown=steps // 3,
        ema=max(steps / 40, 1.0),
        every=200,
        look=max(steps, 1),
    )
    made = replace(
        base,
        name=f"isegan:{name}",
        training=plan,
        enhanced=name == "full",
        weights=Weights(**({"perceptual": 0.0} if small else {}) | weights),
        networks=base.networks if small else Networks(width=16, depth=6, widest=8, critic_width=16),
        expects=f"a row of ISEGAN's tables: {title}",
    )
    return replace(made, middle=False, regions="source") if name == "scagan" else made
