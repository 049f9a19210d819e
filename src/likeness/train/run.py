"""A run directory: the frozen recipe, the state to resume from, the weights, figures and sheets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from likeness import provenance
from likeness.card import Card
from likeness.checkpoint import write_weights
from likeness.errors import LikenessError
from likeness.files import write_atomically, write_content
from likeness.recipe import difference
from likeness.records import Image


class RunDirectory:
    """``recipe.json``, ``state.pt``, ``weights.safetensors``, ``stats.jsonl``, ``samples/``, ``tensorboard/``.

    Raises:
        LikenessError: the folder belongs to a training with another recipe or data; the difference is printed.
    """

    def __init__(self, folder: str | Path, plan: dict[str, Any]) -> None:
        self.folder = Path(folder)
        note = self.folder / "recipe.json"
        if (self.folder / "state.pt").is_file():  # before the first save there is nothing to protect
            try:
                old = json.loads(note.read_text())
            except (OSError, ValueError):
                raise LikenessError(f"{note}: is missing or damaged; it belongs to the state.pt beside it") from None
            if changed := difference(old, plan):
                raise LikenessError(
                    f"{folder}: was begun with another recipe or other data ({'; '.join(changed)}); "
                    "use another folder, or undo the change"
                )
        elif self.weights.is_file():
            raise LikenessError(f"{folder}: holds a model, but no state.pt to go on from; use another folder")
        else:
            text = json.dumps(plan, indent=2)
            write_content(note, text)

    @property
    def weights(self) -> Path:
        """The weights file."""
        return self.folder / "weights.safetensors"

    def write_weights(self, state: dict[str, Tensor], card: Card) -> Path:
        """Write the weights; graphs of earlier weights that stand beside them are taken away."""
        for stale in self.folder.glob("*.onnx"):
            stale.unlink()
        return write_weights(self.weights, state, card)

    def save(self, state: dict[str, Any]) -> None:
        """Write the training state, whole or not at all."""
        write_atomically(self.folder / "state.pt", lambda file: torch.save(state, file))

    def restore(self, device: torch.device) -> dict[str, Any] | None:
        """The saved state, or None at the beginning; reading it runs no code."""
        path = self.folder / "state.pt"
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        except (RuntimeError, UnpicklingError, EOFError, ValueError) as problem:
            raise LikenessError(
                f"{path}: is damaged ({str(problem).splitlines()[0]}); use another folder to begin anew"
            ) from None
        return state

    def forget_after(self, step: int) -> None:
        """Drop figures beyond ``step``, which will be made again."""
        path = self.folder / "stats.jsonl"
        if path.is_file():
            kept = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
            text = "".join(line + "\n" for line in kept)
            write_content(path, text)

    def log(self, figures: Mapping[str, float | int | str]) -> None:
        """Add a line to ``stats.jsonl``."""
        with (self.folder / "stats.jsonl").open("a") as file:
            file.write(json.dumps(figures) + "\n")

    def sheet(self, step: int, picture: Image) -> None:
        """Keep a sample sheet."""
        provenance.write(self.folder / "samples" / f"{step:07d}.png", picture, provenance.software("train"))


class Scalars:
    """TensorBoard's event file, where tensorboard is installed; otherwise nothing."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            self._writer = None
        else:
            self._writer = SummaryWriter(str(folder), purge_step=step)

    def add(self, figures: Mapping[str, float], step: int) -> None:
        """One point on each curve."""
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()


def _step_of(line: str) -> float:
    """The step of a line of figures; of a line that was cut off, infinity."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


OWN = "src/likeness/train/run.py"
"""Where this file stands in the repository of likeness."""


@cache
def commit() -> str:
    """The commit of the code that runs, with ``+`` when there are changes; empty outside a checkout of likeness.

    It is asked for once a process, which runs the code that it began with.

    A repository counts only if this very file is tracked in it as :data:`OWN`: installed into somebody else's, likeness does not
    say that it is theirs.
    """

    def ask(*words: str) -> str:
        call = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(call, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        if ask("ls-files", "--full-name", "--error-unmatch", Path(__file__).name) != OWN:
            return ""
        return ask("describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return ""
