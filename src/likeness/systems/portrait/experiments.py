"""The report's experiments: which models each needs, and from what each is begun and learns."""

from __future__ import annotations

from dataclasses import dataclass, replace

from likeness.errors import LikenessError
from likeness.recipe import Phase
from likeness.systems.portrait.recipes import Drawing, PortraitRecipe, person, tiny

GENERAL = "general"
"""The model of all people, which is not one person's."""

SNAPSHOTS = 6
"""Sheets that the models of figure 2c, d leave on their way, for :func:`likeness.systems.portrait.figures.wandering`."""
MOST, HELD_OUT = 40, 8
"""Photos that a person's model learns from, at most; photos that are kept to measure on, at least."""


@dataclass(frozen=True)
class Model:
    """One person's model of an experiment.

    ``parent`` is the model whose weights it begins with ("" for none), ``share`` its steps as a share of what a model from
    nothing gets, ``pairs`` how many pairs it learns from (0 for all). With ``helper`` the drawings of the photos beyond ``pairs``
    are made by that model.
    """

    what: str
    drawing: Drawing
    parent: str = ""
    share: float = 1.0
    pairs: int = 0
    made: str = "photo"
    helper: str = ""


_JITTER = 15
"""pix2pix's 286 → 256 at 128 pixels, with which the report trained all but its test 2.B."""
_UNALIGNED = 0.25
_A, _AB = Drawing(effects=("style_a",)), Drawing(effects=("style_a", "style_b"))
_EYE = replace(_AB, erase=0.5, features=("left_eye",))
_BOTH = replace(_EYE, features=("left_eye", "nose"))

MODELS: dict[str, Model] = {
    "A": Model("style A (the report's baseline, without its jitter)", _A),
    "A-jitter": Model("the same with jitter, as the report trained it", replace(_A, jitter=_JITTER)),
    "A-unaligned": Model("the same from photos that are not aligned", replace(_A, unaligned=_UNALIGNED)),
    "A-longer": Model("style A for as many steps more as A+B gets: a control", _A, "A", 0.5),
    "A+B": Model("then style B too (test 1.B)", _AB, "A", 0.5),
    "A+B+hand": Model("then hand-drawn too (test 3.B)", replace(_AB, effects=("style_a", "style_b", "hand_drawn")), "A+B", 0.5),
    "eye": Model("then half of them without the left eye; pairs are mirrored (test 2.B)", _EYE, "A+B", 0.5),
    "eye+nose": Model("the same, or without the nose (both samples of test 2.B)", _BOTH, "A+B", 0.5),
    "eye-unmirrored": Model("the same, pairs are not mirrored", replace(_EYE, flip=False), "A+B", 0.5),
    "eye-jitter": Model("the same, mirrored and jittered (figure 2c, d)", replace(_EYE, jitter=_JITTER), "A+B", 0.5),
    "person": Model("the general model, fine-tuned with all effects", Drawing(erase=0.25), GENERAL, 0.5),
    "reverse-5": Model("photo → style A, 5 pairs", _A, pairs=5, made="drawing"),
    "reverse-20": Model("photo → style A, 20 pairs", _A, pairs=20, made="drawing"),
    "reverse": Model("photo → style A, all pairs", _A, made="drawing"),
    "bootstrapped-5": Model("style A: 5 pairs, more made by reverse-5", _A, pairs=5, helper="reverse-5"),
    "bootstrapped-20": Model("style A: 20 pairs, more made by reverse-20", _A, pairs=20, helper="reverse-20"),
    **{f"scratch-{n}": Model(f"style A, {n} pairs", _A, pairs=n) for n in (5, 10, 20)},
    **{f"general-{n}": Model(f"the general model, then style A, {n} pairs", _A, GENERAL, 0.5, n) for n in (5, 10, 20)},
    "general-all": Model("the general model, then style A, all pairs", _A, GENERAL, 0.5),
}

NEEDED: dict[str, tuple[str, ...]] = {
    "effects": ("A", "A-longer", "A+B", "A+B+hand", "person"),
    "repair": ("A+B", "eye", "eye+nose", "eye-unmirrored", "eye-jitter", "person"),
    "jitter": ("eye", "eye-jitter"),
    "alignment": ("A", "A-jitter", "A-unaligned"),
    "hand-drawn": ("A+B", "A+B+hand", "person"),
    "identity": ("A+B", "person"),
    "reverse": ("reverse-5", "reverse-20", "reverse"),
    "bootstrap": ("scratch-5", "bootstrapped-5", "scratch-20", "bootstrapped-20", "A"),
    "curve": ("scratch-5", "scratch-10", "scratch-20", "A", "general-5", "general-10", "general-20", "general-all"),
}
"""Experiment → the models that it needs: 1 effects, 2 repair and (figure 2c, d) jitter, the conclusion's alignment, 3 hand-drawn,
4 identity, 6 reverse and bootstrap, and the learning curve."""


def recipe_of(name: str, steps: int, small: bool = False) -> PortraitRecipe:
    """How a model learns: ``person``'s networks (``small``: ``tiny``'s), batches of 8, ``steps`` × the model's share.

    Where G has begun already, D moves alone for a tenth of that first: it begins anew.

    Raises:
        LikenessError: no such model, or fewer than 20 steps.
    """
    if name not in MODELS:
        raise LikenessError(f"{name!r} is no model of the experiments; there are {', '.join(MODELS)}")
    if steps < 20:
        raise LikenessError(f"--steps {steps}: at least 20 are needed")
    model, base = MODELS[name], tiny() if small else person()
    count = round(steps * model.share)
    phases = (Phase(count // 10, ("D",)), Phase(count, ("D", "G"))) if model.parent else (Phase(count, ("D", "G")),)
    rates = (1e-4, 1e-4) if model.parent else (2e-4, 2e-4)
    training = replace(
        base.training,
        batch=4 if small else 8,
        rates=rates,
        phases=phases,
        cooldown=count // 3,
        ema=count / 12,
        every=count,
        look=max(count // SNAPSHOTS, 1) if name in NEEDED["jitter"] else 2 * count,
    )
    drawing = replace(model.drawing, source="pairs") if model.helper else model.drawing
    return replace(
        base, name=f"portrait:{name}", training=training, drawing=drawing, made=model.made, expects="one of the report's models"
    )
