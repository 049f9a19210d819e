"""Recipes: frozen dataclasses that say everything about a training, and travel inside the weights as JSON."""

from __future__ import annotations

import dataclasses
import difflib
import json
import sys
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from likeness.errors import LikenessError

R = TypeVar("R")


RENAMED = {
    "silent": "disabled_terms",
    "within": "clamp_to_range",
    "resting": "freeze_encoder",
    "shaken": "landmark_jitter",
}
"""Fields of recipes that had another name before version 0.2: weights of then still load, ``--set`` answers with the new name."""


ADDED: dict[str, Any] = {"shard": 0, "morphable": "", "compile": False}
"""Fields that came later, and what a recipe of before means by not having them."""


def require(holds: bool, name: str, value: Any, accepted: str) -> None:
    """Refuse a field's value."""
    if not holds:
        raise LikenessError(f"{name}={value!r}: {accepted} is needed")


FINITE = sys.float_info.max
"""The largest weight there is: neither infinite nor not a number."""


def require_each(holder: Any, names: Sequence[str], low: float, high: float, accepted: str, group: str = "") -> None:
    """Refuse each of a group's fields that is not from ``low`` to ``high``."""
    for name in names:
        value = getattr(holder, name)
        require(low <= value <= high, f"{group}{name}", value, accepted)


@dataclass(frozen=True)
class Phase:
    """A stretch of the schedule: for ``steps`` steps these ``players`` move, and ``disabled_terms`` weigh nothing."""

    steps: int
    players: tuple[str, ...]
    disabled_terms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.steps >= 0, "steps", self.steps, "a number of steps, 0 or more")


@dataclass(frozen=True)
class Training:
    """What every training has, whatever the paper.

    ``rates`` are Adam's learning rates, one a player, in the order in which the system names its players; in the last
    ``cooldown`` steps of the schedule they fall linearly to a tenth. ``ema`` is the half-life in steps of the running mean
    of the weights, which is what ships. ``every`` is how often the state is saved, ``look`` how often sheets and figures
    are made. ``bf16`` multiplies in bfloat16 where the device has units for it
    (:mod:`likeness.train.precision`), ``channels_last`` keeps the channels of a pixel together in memory, ``compile`` has
    torch.compile make code of the networks (:mod:`likeness.train.compiling`). Faces of which more than the share ``max_missing``
    of the framing lies outside their photo are not trained on.
    ``shard`` is 0: all faces are held in memory and mixed; else they are streamed from the disk, mixed within some shards of so
    many (see :mod:`likeness.train.rows`).
    """

    seed: int = 1
    batch: int = 16
    rates: tuple[float, ...] = (2e-4, 2e-4)
    betas: tuple[float, float] = (0.5, 0.999)
    phases: tuple[Phase, ...] = ()
    cooldown: int = 0
    ema: float = 500.0
    bf16: bool = True
    channels_last: bool = True
    compile: bool = False
    every: int = 500
    look: int = 500
    max_missing: float = 1.0
    shard: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "every", "look"):
            require(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "a whole number from 1")
        require(self.shard >= 0, "training.shard", self.shard, "a number of faces, or 0")
        require(0 <= self.seed < 2**31, "training.seed", self.seed, "a number from 0 to 2147483647")
        require(0 <= self.max_missing <= 1, "training.max_missing", self.max_missing, "a share from 0 to 1")
        require(self.ema > 0, "training.ema", self.ema, "a half-life in steps, above 0")
        require(self.cooldown >= 0, "training.cooldown", self.cooldown, "a number of steps, 0 or more")
        require(all(rate > 0 for rate in self.rates), "training.rates", self.rates, "learning rates above 0")
        require(all(0 <= beta < 1 for beta in self.betas), "training.betas", self.betas, "two numbers from 0 to below 1")

    @property
    def steps(self) -> int:
        """Length of the whole schedule."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> Phase:
        """The phase that step number ``step`` (from 0) belongs to; past the end, the last."""
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.phases[-1]


@dataclass(frozen=True)
class Recipe:
    """The part that every system's recipe shares. ``expects`` says in words what to expect, in hours and scores."""

    name: str
    training: Training = field(default_factory=Training)
    expects: str = ""


def freeze(recipe: Any) -> dict[str, Any]:
    """A recipe as plain JSON values."""
    frozen: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(recipe)))
    return frozen


def thaw(kind: type[R], frozen: dict[str, Any]) -> R:
    """A recipe from JSON values; unknown names and wrong types are refused."""
    hints = get_type_hints(kind)
    frozen = {_renamed(kind, name): value for name, value in frozen.items()}
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(frozen) - known):
        raise LikenessError(f"the recipe has no field {unknown[0]!r}; there are {', '.join(sorted(known))}")
    try:
        return kind(**{name: _fit(hints[name], value, name) for name, value in frozen.items()})
    except TypeError:
        needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]
        missing = next((name for name in needed if name not in frozen), "a field")
        raise LikenessError(f"the recipe's {kind.__name__} lacks {missing!r}") from None


def _renamed(kind: type, name: str) -> str:
    """A field's name of today."""
    new = RENAMED.get(name, name)
    own = {item.name for item in fields(kind)}
    return new if name not in own and new in own else name


def _fit(hint: Any, value: Any, name: str) -> Any:
    """``value`` as the type ``hint``, or an error that names the field."""
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise LikenessError(f"{name}: a group of fields was expected, got {value!r}")
        return thaw(hint, value)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        if value is None and type(None) in inner:
            return None
        return _fit(next(kind for kind in inner if kind is not type(None)), value, name)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise LikenessError(f"{name}: a list was expected, got {value!r}")
        kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            raise LikenessError(f"{name}: {len(kinds)} values were expected, got {len(value)}")
        return tuple(_fit(kind, item, name) for kind, item in zip(kinds, value, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise LikenessError(f"{name}: {getattr(hint, '__name__', hint)} was expected, got {value!r}")
    return value


def override(recipe: R, settings: Sequence[str]) -> R:
    """A recipe with settings like ``training.batch=8`` or ``training.rates=[1e-4,1e-4]`` changed; values are JSON.

    Raises:
        LikenessError: no such field (near ones are offered), or a value of the wrong type.
    """
    frozen = freeze(recipe)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise LikenessError(f"--set {setting}: write it as name=value")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        *groups, last = path.strip().split(".")
        place: Any = frozen
        for group in groups:
            place = place.get(group) if isinstance(place, dict) else None
        if isinstance(place, dict) and RENAMED.get(last) in place:
            raise LikenessError(f"--set {path}: is called {'.'.join([*groups, RENAMED[last]])} since version 0.2")
        if not isinstance(place, dict) or last not in place:
            known = sorted(_paths(freeze(recipe)))
            near = difflib.get_close_matches(path, known, 3, 0.4)
            raise LikenessError(
                f"--set {path}: there is no such field; "
                + (f"near it: {', '.join(near)}" if near else f"there are {', '.join(known)}")
            )
        place[last] = value
    return thaw(type(recipe), frozen)


def _paths(frozen: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for name, value in frozen.items():
        found += _paths(value, f"{before}{name}.") if isinstance(value, dict) else [before + name]
    return found


def difference(old: dict[str, Any], new: dict[str, Any], before: str = "") -> list[str]:
    """The fields in which two frozen recipes differ, as ``name: old → new``; what is only said of one, ``expects``, is none."""
    lines = []
    for name in sorted((set(old) | set(new)) - {"expects"}):
        one, other = (some.get(name, ADDED.get(name)) for some in (old, new))
        if isinstance(one, dict) and isinstance(other, dict):
            lines += difference(one, other, f"{before}{name}.")
        elif one != other:
            lines.append(f"{before}{name}: {json.dumps(one)} → {json.dumps(other)}")
    return lines
