"""Trains systems in their tiny recipes for a few steps and keeps their states; used by test_together.py, also under torchrun.

    torchrun … tests/train/together.py FOLDER ROWS      # ROWS a process

It does all that test_together.py looks at in one start of the processes.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from toy_training import toy

from likeness import systems
from likeness.cli import main as command
from likeness.data.store import FaceStore
from likeness.faces.drawing import drawn_faces
from likeness.recipe import override
from likeness.system import System
from likeness.train.distributed import average_gradients, join
from likeness.train.distributed import together as any_wishes
from likeness.train.loop import train
from likeness.train.session import Session

FACES = 20
COMMAND = ("train", "parts:tiny", "--steps", "9")


@dataclass(frozen=True)
class Case:
    """A system, settings of its tiny recipe, which of its phases are played (none: all), and whether BatchNorm is left out."""

    system: str
    settings: tuple[str, ...] = ()
    phases: tuple[int, ...] = ()
    normed: bool = False


COMPETING = (0, 1, 4)
"""facefeat's phases but those in which its feature generators are frozen and faces borrow features of others in the batch."""

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
    "facefeat, generators frozen": Case("facefeat", phases=(0, 2, 3)),
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


@contextmanager
def large_epsilon() -> Iterator[None]:
    """Where a gradient is 0 but for float noise (a bias before a norm), Adam divides noise by noise; a large ε does not."""
    adam = torch.optim.Adam
    torch.optim.Adam = partial(adam, eps=0.1)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        torch.optim.Adam = adam  # type: ignore[misc]


def first() -> bool:
    """Whether this process is the one that writes."""
    return join()[0] == 0


def train_cases(folder: Path, rows: int, names: list[str]) -> None:
    """Train each case."""
    for name in names:
        case = CASES[name]
        system = built(case, rows)
        before = {key: weight.detach().clone() for key, weight in system.named_parameters()}
        with large_epsilon():
            train(system, case.system, faces(case, system.recipe), folder / name)
        if first():
            after = {key: weight.detach() for key, weight in system.named_parameters()}
            torch.save({"before": before, "after": after}, folder / f"{name}.pt")


def train_toy(folder: Path, rows: int, *stops: int) -> None:
    """Train the toy, stopping on the way; its state at each stop is kept."""
    for stop in stops:
        system, store = toy(rows)
        train(system, "toy", store, folder / "toy", steps=stop)
        if first():
            shutil.copy(folder / "toy" / "state.pt", folder / f"toy-{stop}.pt")
        any_wishes(False)  # nobody goes on before it is copied


PROJECTED = (
    'networks.discriminator="projected"',
    'training.phases=[{"steps":1,"players":["D"],"disabled_terms":[]},{"steps":4,"players":["D","G"],"disabled_terms":[]}]',
    "training.betas=[0.0,0.99]",
)
"""Settings of parts:tiny with a projected discriminator."""


def train_projected(folder: Path) -> None:
    """One undisturbed run, and one that is stopped and gone on with."""
    recipe = override(systems.recipe("parts:tiny"), PROJECTED)
    framing = recipe.framing  # type: ignore[attr-defined]
    for name, stops in (("whole", (None,)), ("parts", (2, None))):
        for stop in stops:
            torch.manual_seed(recipe.training.seed)
            store = FaceStore.of(drawn_faces(20, framing), framing, "drawn")
            train(systems.row("parts").build(recipe), "parts", store, folder / "projected" / name, steps=stop)


def gradients(folder: Path) -> None:
    """What is left of gradients that not every process has, and of wishes."""
    rank, world = join()
    one, other = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, 2))
    ((rank + 1) * one.sum() + 10 * (rank + 1) * other.sum()).backward()
    found: dict[str, Any] = {"world": world, "moved": average_gradients([one, other], world), "both": [one.grad, other.grad]}
    one.grad, other.grad = torch.ones(3) if rank else None, None
    found |= {"one moved": average_gradients([one, other], world), "one": [one.grad, other.grad]}
    one.grad = None
    found |= {"none moved": average_gradients([one, other], world), "asked": any_wishes(rank == 1), "not": any_wishes(False)}
    torch.save(found, folder / f"gradients-{rank}.pt")


def differ(folder: Path) -> None:
    """The command with another recipe in each process: its status and line."""
    rank, _ = join()
    with redirect_stderr(StringIO()) as said:
        status = command(["train", "isegan:tiny", "--set", f"training.seed={1 + rank}", "-o", str(folder / f"differ-{rank}")])
    (folder / f"differ-{rank}.txt").write_text(f"{status}\n{said.getvalue()}")


def by_command(folder: Path) -> None:
    """The command of :data:`COMMAND`, without graphs: its weights are what other launches of it are compared with."""
    Session._graphs = staticmethod(lambda weights, module: "not looked at")  # type: ignore[method-assign]
    assert command([*COMMAND, "-o", str(folder / "command")]) == 0


def main(folder: Path, rows: int) -> None:
    """Everything."""
    train_cases(folder, rows, list(CASES))
    train_toy(folder, rows, 5, 12)
    train_projected(folder)
    gradients(folder)
    differ(folder)
    by_command(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # see likeness/cli/__main__.py: threads of the process group may abort a process that is done
