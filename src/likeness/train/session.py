"""A training session: one or several trainings with a bar, a limit of time, a clean stop on signals, and graphs at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from likeness.card import read_card
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.experiment import Contender, no_progress
from likeness.experiment import Progress as Show
from likeness.export import export
from likeness.files import LOCK, locked
from likeness.signals import asked_to_stop
from likeness.system import System
from likeness.train.distributed import join, local_device
from likeness.train.loop import Progress, finished, train


class Place(Protocol):
    """What a session has to know of a system: how it is built, and the module that makes its graphs ("" where none does)."""

    @property
    def graph_module(self) -> str:
        """The module, by its whole name."""
        ...

    def build(self, recipe: Any) -> System:
        """The system, with fresh networks."""
        ...


@dataclass(frozen=True)
class Trained:
    """How a training ended: its weights file and the ``step`` reached of ``steps``.

    ``without_graphs`` says why no graphs stand beside the weights; it is empty where they do.
    """

    weights: Path
    step: int
    steps: int
    without_graphs: str = ""

    @property
    def complete(self) -> bool:
        """Whether the schedule has come to its end."""
        return self.step >= self.steps


class Session:
    """Trainings on one device within one limit of time, each resumed from its run directory.

    The limit begins with ``with``. Within it an interruption (SIGINT, SIGTERM) is noted in :attr:`stopped` instead of ending the
    program: the training saves and ends cleanly. A second one ends the program as usual.

    Args:
        find: a system's name → its row.
        minutes: stop cleanly after that long in all.
        device: ``cpu``, ``cuda``, ``cuda:1`` …; None takes CUDA where it is there.
        threads: processor threads; None leaves them as they are.

    Raises:
        LikenessError: a time or number of threads that cannot be, no such device, or torchrun's other processes do not come.
    """

    def __init__(
        self,
        find: Callable[[str], Place],
        *,
        minutes: float | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        if minutes is not None and not 0 < minutes < float("inf"):
            raise LikenessError(f"--minutes {minutes}: a positive number is needed")
        if threads is not None:
            if threads < 1:
                raise LikenessError(f"--threads {threads}: at least one is needed")
            torch.set_num_threads(threads)
        try:
            self.device = local_device(device)
            torch.zeros(1, device=self.device)
        except (RuntimeError, AssertionError):
            raise LikenessError(f"--device {device}: this machine has no such device") from None
        join()  # early: from here on every process learns of it if another one ends
        self._find, self._minutes = find, minutes
        self._began, self._asked, self._within = time.monotonic(), list[int](), ExitStack()

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._asked = self._within.enter_context(asked_to_stop())
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._within.close()

    @property
    def stopped(self) -> int:
        """The signal that asked to stop, 0 where none did."""
        return self._asked[0] if self._asked else 0

    def left(self) -> float | None:
        """Minutes that are left, None where there is no limit."""
        return None if self._minutes is None else self._minutes - (time.monotonic() - self._began) / 60

    def train(
        self, one: Contender, folder: Path, *, steps: int | None = None, show: Show = no_progress, what: str = ""
    ) -> Trained:
        """Train, or go on, and write the graphs beside the weights.

        Args:
            one: what is trained, on which faces, from which weights.
            folder: the run directory.
            steps: stop cleanly at this step.
            show: called with (steps done, steps due, text).
            what: what the bar says is being trained.

        Raises:
            LikenessError: the folder belongs to another training, or the faces do not suit the recipe.
        """
        place = self._find(one.system)

        def report(progress: Progress) -> None:
            figures = "" if what else " ".join(f"{name} {value:.3f}" for name, value in progress.figures.items())
            text = f"{what} {progress.rate:.1f} faces/s, {progress.remaining / 60:.0f} min left {figures}".strip()
            show(progress.step, progress.steps, text)

        torch.manual_seed(one.recipe.training.seed)
        weights = train(
            place.build(one.recipe).to(self.device),
            one.system,
            one.faces(),
            folder,
            minutes=self.left(),
            steps=steps,
            warm_start=one.warm_start,
            terms=one.terms,
            report=report,
            stop=lambda: bool(self.stopped),
        )
        problem = self._graphs(weights, place.graph_module)
        return Trained(weights, read_card(weights).step, one.recipe.training.steps, problem)

    def train_all(self, plan: Mapping[str, Contender], folder: Path, show: Show = no_progress) -> bool:
        """Train each of ``plan`` to its end in ``folder / name``, skipping those that are there; whether all have got there."""
        for number, (name, one) in enumerate(plan.items()):
            store = one.faces()
            if finished(folder / name, one.recipe, store, one.warm_start):
                continue
            left = self.left()
            if self.stopped or (left is not None and left <= 0):
                return False
            what, known = f"of {name} ({number + 1} of {len(plan)})", replace(one, faces=partial(_same, store))
            if not self.train(known, folder / name, show=show, what=what).complete:
                return False
        return not self.stopped

    @staticmethod
    def _graphs(weights: Path, module: str) -> str:
        """Write the graphs of a run; why there are none, where they cannot be written."""
        rank, _ = join()
        if rank or not module:
            return "" if rank else "its system has none"
        try:
            with locked(weights.with_name(LOCK), str(weights.parent)):
                export(weights, module)
        except LikenessError as problem:
            return str(problem)
        return ""


def _same(store: FaceStore) -> FaceStore:
    return store
