"""Whose faces are measured, and what an outcome says of it; the options that most protocols share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likeness import assets
from likeness.card import Card
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.experiment import option
from likeness.faces.align import Framing
from likeness.records import Image

SETS = {"first": "one photo of each person, the first by name", "128": "128 of them by a fixed chance", "all": "all their photos"}


@dataclass(frozen=True, kw_only=True)
class People:
    """Whose faces are measured: those of a side of the split, from one source, and which of their photos."""

    data: str = option("prepared faces; trivial baselines learn from its train people", metavar="FILE.parquet")
    trivial_from: str | None = option("trivial baselines learn from these faces instead", None, metavar="FILE.parquet")
    source: str = option("which prepared folder's people", "lfw")
    split: str = option("which side", "test", choices=("test", "validation"))
    photos: str = option("; ".join(f"{name}: {what}" for name, what in SETS.items()), "first", choices=(*SETS,))
    limit: int | None = option("only the first N faces", None, metavar="N")
    last: int | None = option("only the last N faces by name", None, metavar="N")

    def faces(self, framing: Framing) -> FaceStore:
        """The faces, framed as a model wants them.

        Raises:
            LikenessError: there are none, they are framed otherwise, or fewer than 2 are asked for.
        """
        for word, count in (("limit", self.limit), ("last", self.last)):
            if count is not None and count < 2:
                raise LikenessError(f"--{word} {count}: at least 2 faces are needed")
        store = FaceStore(self.data)
        chosen = store.select(self.split, self.source)
        if len(chosen) == 0:
            known = ", ".join(sorted(set(store.column("source"))))
            raise LikenessError(f"{self.data}: holds no {self.split} people of {self.source!r}; its sources are {known}")
        if store.framing != framing:
            raise LikenessError(f"{self.data}: is framed {store.framing}, the weights want {framing}")
        if self.photos == "first":
            chosen = chosen.first_of_each_person()
        if self.photos == "128" and len(chosen) > 128:
            chosen = chosen.take(np.sort(np.random.default_rng(128).permutation(len(chosen))[:128]).tolist())
        if self.last:
            chosen = chosen.take(list(range(max(0, len(chosen) - self.last), len(chosen))))
        return chosen.head(self.limit) if self.limit else chosen

    def known(self) -> FaceStore:
        """The train people, from whom trivial baselines learn."""
        return FaceStore(self.trivial_from or self.data).select("train")

    def about(self, card: Card, count: int, instruments: Sequence[str]) -> dict[str, Any]:
        """What an outcome says of the model, the faces and the instruments."""
        cut = f", the last {self.last}" if self.last else ""
        cut += f", the first {self.limit}" if self.limit else ""
        return {
            **of_model(card),
            "data": f"{self.source} {self.split}, {SETS[self.photos]}{cut}",
            "faces_of": f"{self.source} {self.split} {self.photos}{cut}",
            "faces": count,
            "instruments": digests(*instruments),
        }


def of_model(card: Card) -> dict[str, Any]:
    """What an outcome says of the weights that were measured."""
    return {"system": card.system, "recipe": card.recipe["name"], "step": card.step, "weights_commit": card.commit}


def digests(*names: str) -> dict[str, str]:
    """Name → beginning of the hash of each instrument."""
    return {name: assets.INSTRUMENTS[name].sha256[:12] for name in names}


def headline(about: dict[str, Any]) -> str:
    """The line above a protocol's table."""
    return f"{about['data']}: N = {about['faces']}; {about['recipe']} at step {about['step']}"


def pictures_of(store: FaceStore, kind: str) -> list[Image]:
    """The faces' other pictures, which must be of that kind.

    Raises:
        LikenessError: they have none, or of another kind.
    """
    if store.pairs != kind:
        has = f"pictures of the kind {store.pairs!r}" if store.pairs else "no other pictures"
        raise LikenessError(f"{store.path}: its faces have {has}; prepare them with --{kind}")
    return [face.pair for face in store if face.pair is not None]


def known_pictures(people: People, kind: str) -> list[Image]:
    """Train people's other pictures, of which trivial baselines are made.

    Raises:
        LikenessError: there are none.
    """
    if not (found := pictures_of(people.known(), kind)):
        raise LikenessError(
            f"{people.trivial_from or people.data}: has no train people for trivial baselines; name some: --trivial-from"
        )
    return found
