"""Figure 2c, d of the report: a missing eye on its way through a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from likeness import sheet
from likeness.errors import LikenessError
from likeness.image import read
from likeness.records import Image

COLUMNS = 5
"""Of a training's sheets where features are erased: x, G(x), y, x without a feature, and what G makes of that."""


def wandering(runs: Sequence[str | Path], face: int = 0) -> Image:
    """A row a training, a column a sheet of it: what G made of one drawing without its left eye, first to last.

    The sheets show the running mean of the weights, which wanders less than the weights themselves.

    Args:
        runs: run directories of models that erase features.
        face: which row of their sheets.

    Raises:
        LikenessError: a run has no sheets, or they show nothing erased.
    """
    rows, titles = [], []
    for run in runs:
        files = sorted((Path(run) / "samples").glob("*.png"))
        if not files:
            raise LikenessError(f"{run}: has no sheets; train it again with training.look below its steps")
        pictures = []
        for file in files:
            shown = read(file)
            size, odd = divmod(shown.shape[1], COLUMNS)
            if odd or shown.shape[0] % size or shown.shape[0] < (face + 1) * size:
                raise LikenessError(f"{file}: is no sheet of a model that erases features with {face + 1} faces")
            pictures.append(shown[face * size : (face + 1) * size, -size:])
        rows.append(pictures)
        titles = [f"step {int(file.stem)}" for file in files]
    return sheet.grid([list(row) for row in rows], cell=128, columns=titles, labels=[Path(run).name for run in runs])
