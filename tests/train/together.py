"""Trains systems in their tiny recipes for a few steps and keeps their states; run by test_together.py, also under torchrun.

python tests/train/together.py FOLDER ROWS [CASE …]      # ROWS a process
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from likeness import systems
from likeness.data.store import FaceStore
from likeness.faces.drawing import drawn_faces
from likeness.recipe import override
from likeness.system import System
from likeness.train.loop import train

FACES = 40


@dataclass(frozen=True)
class Case:
    """A system, settings of its tiny recipe, which of its phases are played (none: all), and whether BatchNorm is left out."""

    system: str
    settings: tuple[str, ...] = ()
    phases: tuple[int, ...] = ()
    normed: bool = False


COMPETING = (0, 1, 4)
"""facefeat's phases but those in which its feature generators rest and faces borrow features of others in the batch."""

CASES = {
    "parts": Case("parts"),
    "parts as it is": Case("parts", normed=True),
    "portrait": Case("portrait"),
    "portrait as it is": Case("portrait", normed=True),
    "isegan": Case("isegan"),
    "parser": Case("parser", ("hardest=1.0",)),
    "parser as it is": Case("parser", normed=True),
    "landmark": Case("landmark"),
    "landmark, two targets": Case("landmark", ('targets=["ann","bob"]', "generic=false")),
    "joint": Case("joint", ("weights.identity=0.0",)),
    "facefeat": Case("facefeat", phases=COMPETING),
    "facefeat, resting": Case("facefeat", phases=(0, 2, 3)),
    "facefeat as it is": Case("facefeat", phases=(1,), normed=True),
    "landmark_detector": Case("landmark_detector"),
    "landmark_detector as it is": Case("landmark_detector", normed=True),
    "face_detector": Case("face_detector"),
    "face_detector as it is": Case("face_detector", normed=True),
}


def without_batchnorm(module: nn.Module) -> None:
    """GroupNorm of one group, which looks at a row alone, in place of each BatchNorm."""
    for name, child in module.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(module, name, nn.GroupNorm(1, child.num_features))
        else:
            without_batchnorm(child)


def faces(case: Case, recipe: Any) -> FaceStore:
    """Drawn faces; every fifth is of one of two people who have few photos, so that some processes have rows of neither."""
    made = [
        replace(face, person=("bob" if i % 5 == 0 else "ann") if "targets" in str(case.settings) else f"person {i % 5 * i}")
        for i, face in enumerate(drawn_faces(FACES, recipe.framing, paired=True))
    ]
    return FaceStore.of(made, recipe.framing, "drawn", "labels")


def built(case: Case, rows: int) -> System:
    """The system, with each phase that is played two steps long."""
    recipe = override(systems.recipe(f"{case.system}:tiny"), [*case.settings, "training.bf16=false", f"training.batch={rows}"])
    phases = [replace(phase, steps=2) for phase in recipe.training.phases]
    phases = [phases[i] for i in case.phases] or phases
    plan = replace(recipe.training, phases=tuple(phases), look=10**9, every=10**9)
    torch.manual_seed(3)
    system = systems.row(case.system).build(replace(recipe, training=plan))
    if not case.normed:
        without_batchnorm(system)
    return system


def main(folder: Path, rows: int, names: list[str]) -> None:
    """Train each case."""
    # where a gradient is 0 but for float noise (a bias before a norm), Adam divides noise by noise; a large ε does not
    torch.optim.Adam = partial(torch.optim.Adam, eps=0.1)  # type: ignore[misc, assignment]
    for name in names or list(CASES):
        case = CASES[name]
        system = built(case, rows)
        before = {key: weight.detach().clone() for key, weight in system.named_parameters()}
        train(system, case.system, faces(case, system.recipe), folder / name)
        if int(os.environ.get("RANK", "0")) == 0:
            after = {key: weight.detach() for key, weight in system.named_parameters()}
            torch.save({"before": before, "after": after}, folder / f"{name}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    sys.stdout.flush()
    os._exit(0)  # see likeness/cli/__main__.py: threads of the process group may abort a process that is done
