"""The systems that a studio offers: what ships, what was named, and what jobs have trained; opened once and kept warm."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from likeness import assets, systems
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.image import read
from likeness.studio.errors import StudioError
from likeness.synthesizer import Synthesizer, plain

ORDER = ("parts", "landmark", "isegan", "portrait")
"""What is shown first."""
MOST_TRAINED = 4
"""Models of jobs that are kept open at a time."""
PICTURES = ("photo", "parts", "drawing", "parsing", "mask", "identity")
"""Kinds of conditions whose value is a picture."""


class Models:
    """Synthesizers by the names that requests call them.

    Args:
        named: further run directories or weights files, by name.
    """

    def __init__(self, named: dict[str, Path] | None = None) -> None:
        shipped = {file.parent.name: file for file in sorted(assets.WEIGHTS.glob("*/weights.safetensors"))}
        first = {name: shipped[name] for name in ORDER if name in shipped}
        self.places: dict[str, Path] = first | shipped | dict(named or {})
        self._open: dict[str, Synthesizer] = {}
        self._trained: OrderedDict[Path, Synthesizer] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Synthesizer:
        """The synthesizer of a name; opened when it is first asked for.

        Raises:
            StudioError: there is none of that name.
            LikenessError: it cannot be opened.
        """
        if name in self._open:
            return self._open[name]
        if name not in self.places:
            raise StudioError(f"there is no system {name[:60]!r}; there are {', '.join(self.places)}", 404)
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._open:
                self._open[name] = systems.load(self.places[name])
            return self._open[name]

    def trained(self, place: Path) -> Synthesizer:
        """The synthesizer of a job's run directory; the last few are kept open."""
        with self._lock:
            if place in self._trained:
                self._trained.move_to_end(place)
                return self._trained[place]
            made = self._trained[place] = systems.load(place)
            while len(self._trained) > MOST_TRAINED:
                self._trained.popitem(last=False)
            return made

    def forget(self, place: Path) -> None:
        """Close a job's model."""
        with self._lock:
            self._trained.pop(place, None)

    def ready(self, name: str) -> bool:
        """Whether it has been opened."""
        return name in self._open

    def warm(self) -> Iterator[str]:
        """Open every system and make one picture with each, so that the first request is as quick as the next; their names."""
        face = _sample()
        for name in self.places:
            try:
                made = self.get(name)
                made(**{one.name: face for one in made.conditions if one.kind == "photo" or (one.needed and one.kind != "noise")})
            except Exception:  # whoever asks for it is told why
                continue
            yield name


def weights_words(made: Synthesizer) -> str:
    """How commands and Python name a synthesizer's weights: by their name where they ship, else by a path."""
    path = made.weights.path
    if path == systems.weights_path(made.card.system):
        return made.card.system
    if path.parent.parent == assets.WEIGHTS:
        return path.parent.name
    return str(path.parent if path.name == "weights.safetensors" else path)


def described(name: str, made: Synthesizer, ready: bool = True) -> dict[str, Any]:
    """What a client is told of a system."""
    card, framing = made.card, getattr(made, "framing", None)
    return {
        "name": name,
        "system": card.system,
        "what": systems.row(card.system).what,
        "recipe": str(card.recipe.get("name", "")),
        "size": framing.size if framing else 0,
        "framing": asdict(framing) if framing else {},
        "targets": [str(one) for one in getattr(getattr(made, "recipe", None), "names", ())],
        "conditions": [{"name": one.name, "kind": one.kind, "needed": one.needed, "words": one.words} for one in made.conditions],
        "options": [asdict(one) | {"default": plain(one.default)} for one in made.options],
        "varying": {word: list(codes) for word, codes in made.varying.items()},
        "ready": ready,
    }


def _sample() -> PhotoFace:
    """A face that is read once, to warm the networks with: a person who does not exist."""
    path = next(iter(sorted(assets.SAMPLES.glob("*.png"))))
    return FaceReader().read(read(path), path.name)
