"""How long a step of a recipe takes on this machine: measured in one go, so that several recipes can be compared fairly."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from likeness.data.store import FaceStore
from likeness.recipe import Phase, Recipe
from likeness.system import System
from likeness.train.loop import train

WARM, TIMED = 3, 7
"""Steps that are not counted, and that are."""


def seconds_per_step(build: Callable[[Recipe], System], recipe: Recipe, store: FaceStore) -> list[float]:
    """The median time of a step in each phase of a recipe's schedule, in seconds; 0 for a phase of no steps.

    The loop itself is timed, on the first faces of ``store``, in a folder that is thrown away. A caveat: whatever else runs on
    the machine meanwhile counts too.
    """
    few, found = store.select("train").head(2 * recipe.training.batch), []
    for phase in recipe.training.phases:
        if phase.steps == 0:
            found.append(0.0)
            continue
        stamps: list[float] = []

        def stamp(stamps: list[float] = stamps) -> bool:
            stamps.append(time.monotonic())
            return False

        short = replace(phase, steps=WARM + TIMED + 1)
        training = replace(recipe.training, phases=(short,), every=10**9, look=10**9)
        with tempfile.TemporaryDirectory() as folder:
            train(build(replace(recipe, training=training)), "pace", few, Path(folder) / "run", stop=stamp)
        found.append(median(later - before for before, later in list(pairwise(stamps))[WARM:]))
    return found


def seconds_until(step: int, phases: tuple[Phase, ...], paces: list[float]) -> float:
    """How long the first ``step`` steps of a schedule take at these paces.

    >>> seconds_until(15, (Phase(10, ("G",)), Phase(20, ("D", "G"))), [1.0, 3.0])
    25.0
    """
    total = 0.0
    for phase, pace in zip(phases, paces, strict=True):
        total += pace * min(max(step, 0), phase.steps)
        step -= phase.steps
    return total
