"""What synthetic faces are good for: E_id trained by (5) on them, beside E_id trained on as many photos."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.recipe import Phase
from likeness.records import AlignedFace
from likeness.systems.facefeat import recipes
from likeness.systems.facefeat.recipes import FaceFeatRecipe

SYNTHETIC, REAL = "synthetic", "real"
LEAST = 4
"""Faces from which a recogniser may be trained."""


def rivals(steps: int, small: bool = False) -> dict[str, FaceFeatRecipe]:
    """The two trainings: E_id and its classifier by (5) alone, for ``steps`` steps, of at most 4,096 people.

    Raises:
        LikenessError: no steps.
    """
    if steps < 1:
        raise LikenessError(f"--steps {steps}: at least one is needed")
    base = recipes.tiny() if small else recipes.features()
    plan = replace(
        base.training,
        phases=(Phase(steps, ("C", "I")),),
        cooldown=steps // 3,
        ema=max(steps / 30, 1.0),
        every=250,
        look=max(steps // 10, 1),
    )
    made = replace(base, training=plan, recogniser="", photos=2, people=4096, expects="a row of usefulness")
    return {name: replace(made, name=f"facefeat:recogniser-{name}") for name in (SYNTHETIC, REAL)}


def told_apart(synthetic: str | Path, store: FaceStore) -> Mapping[str, FaceStore]:
    """Synthetic faces and equally many photos of train people with two photos or more, as stores to train on.

    Of the larger set faces are left out evenly. The synthetic ones bring the landmarks of the train faces in turn, which nothing
    that is trained here looks at. Both carry the validation people's photos to be measured on while training.

    Raises:
        LikenessError: no such faces, framed otherwise, or too few.
    """
    train = store.select("train")
    people = list(zip(train.column("source"), train.column("person"), strict=True))
    often = Counter(people)
    real = train.take([i for i, person in enumerate(people) if often[person] > 1])
    pictures, labels = read_dataset(synthetic, store.framing.size)
    count = min(len(real), len(pictures))
    if count < LEAST:
        raise LikenessError(
            f"{store.path}: has {len(real)} photos of train people with two or more, {synthetic} {len(pictures)} faces"
        )
    chosen = [i * len(pictures) // count for i in range(count)]
    landmarks = [face.landmarks for face in train.evenly(64)]
    faces = [
        AlignedFace(_decoded(pictures[i]), landmarks[n % len(landmarks)], f"person {labels[i]}", f"{labels[i]}/{i}", "train")
        for n, i in enumerate(chosen)
    ]
    made = FaceStore.of(faces, store.framing, Path(synthetic).name)
    seen = store.select("validation")
    return {SYNTHETIC: FaceStore.joined([made, seen]), REAL: FaceStore.joined([real.evenly(count), seen])}


def read_dataset(folder: str | Path, size: int) -> tuple[list[bytes], list[int]]:
    """The pictures and labels that ``likeness dataset -o FOLDER.parquet`` wrote, still encoded.

    Raises:
        LikenessError: there are none, or of another size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures: list[bytes] = []
    labels: list[int] = []
    try:
        for path in sorted(Path(folder).glob("[0-9]*.parquet")):
            table = pq.read_table(path, columns=["image", "person"])
            pictures += [cell["bytes"] for cell in table.column("image").to_pylist()]
            labels += table.column("person").to_pylist()
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise LikenessError(f"{folder}: is no set that likeness dataset wrote as Parquet ({str(problem)[:100]})") from None
    if not pictures:
        raise LikenessError(f"{folder}: holds no faces; make some: likeness dataset -o FOLDER.parquet")
    if (shape := _decoded(pictures[0]).shape) != (size, size, 3):
        raise LikenessError(f"{folder}: its faces are {shape[1]}×{shape[0]}, the prepared ones {size}×{size}")
    return pictures, labels


def _decoded(encoded: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(encoded)).convert("RGB"))
