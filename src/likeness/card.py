"""What weights say of themselves, and weights files read with numpy: safetensors with a JSON card in the header."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from likeness.errors import LikenessError
from likeness.version import __version__

KEY, DIGEST = "likeness", "likeness_sha256"
STORES = ("float32", "float16", "int8")
STEPS = "|step"
"""What a tensor's name gets for that of its rows' steps, where it is stored as int8."""


LICENCE = "non-commercial research"
"""The licence of weights whose card does not say otherwise, as their data's; ``LICENSE-WEIGHTS`` has it in full."""


@dataclass(frozen=True)
class Card:
    """What weights say of themselves.

    ``system`` and ``recipe`` (frozen, see :mod:`likeness.recipe`) rebuild the networks; the rest is for people: steps taken,
    ``commit`` of the code, ``data`` (a name → description, number and hash), ``licence`` of the weights (not of
    the code, which is Apache-2.0) and ``terms`` of the data, ``scores`` and how
    they were measured, ``notes``.
    """

    system: str
    recipe: dict[str, Any]
    step: int
    commit: str = ""
    version: str = __version__
    data: dict[str, str] = field(default_factory=dict)
    licence: str = LICENCE
    terms: str = ""
    scores: dict[str, str] = field(default_factory=dict)
    notes: str = ""


def header(path: str | Path) -> dict[str, str]:
    """The text entries of a weights file's header.

    Raises:
        LikenessError: no such file, not a weights file, or a damaged one.
    """
    try:
        with safe_open(str(path), "np") as file:
            return file.metadata() or {}
    except (FileNotFoundError, IsADirectoryError):
        raise LikenessError(f"{path}: no such weights file") from None
    except (SafetensorError, OSError, ValueError) as problem:
        raise LikenessError(f"{path}: is not a weights file, or a damaged one ({problem})") from None


def read_card(path: str | Path) -> Card:
    """The card of a weights file.

    Raises:
        LikenessError: no such file, not a weights file, damaged, or another project's.
    """
    try:
        card = Card(**json.loads(header(path)[KEY]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise LikenessError(f"{path}: was not written by likeness, its header is missing") from None
    for name, hint in get_type_hints(Card).items():
        value = getattr(card, name)
        texts = get_args(hint)[1:] == (str,)
        if type(value) is not (get_origin(hint) or hint) or (texts and any(type(one) is not str for one in value.values())):
            raise LikenessError(f"{path}: was not written by likeness, its header's {name} is {str(value)[:40]!r}")
    return card


def read_stored(path: str | Path) -> tuple[Card, dict[str, NDArray[Any]], str]:
    """The card, the tensors as they are stored, and the SHA-256 over them; nothing in the file is ever run.

    Raises:
        LikenessError: as :func:`read_card`, or the tensors are not those that were written.
    """
    card = read_card(path)
    try:
        with safe_open(str(path), "np") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as problem:
        raise LikenessError(f"{path}: is damaged ({problem})") from None
    digest = fingerprint(state)
    if digest != header(path).get(DIGEST):
        raise LikenessError(f"{path}: is damaged, its tensors are not those that were written; fetch or train it again")
    for name, steps in state.items():
        rows = state.get(name.removesuffix(STEPS))
        if name.endswith(STEPS) and (rows is None or rows.dtype != np.int8 or steps.shape != rows.shape[:1]):
            raise LikenessError(f"{path}: is damaged, {name} does not fit the rows of int8 that it is for")
    return card, state, digest


def fingerprint(tensors: dict[str, NDArray[Any]]) -> str:
    """SHA-256 over the tensors' names and bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).data if tensors[name].size else b"")
    return digest.hexdigest()


def restored(stored: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Stored tensors as networks want them: float16 and int8 rows become float32, integers stay."""
    found = {}
    for name, value in stored.items():
        if name.endswith(STEPS):
            continue
        if name + STEPS in stored:
            found[name] = value.astype(np.float32) * stored[name + STEPS].reshape(-1, *[1] * (value.ndim - 1))
        else:
            found[name] = value.astype(np.float32) if value.dtype.kind == "f" else value
    return found


def storage(path: str | Path) -> str:
    """How a weights file keeps its tensors, one of :data:`STORES`.

    Raises:
        LikenessError: no such file, not a weights file, damaged, or another project's.
    """
    read_card(path)
    with safe_open(str(path), "np") as file:
        kinds = {str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return "int8" if "I8" in kinds else "float16" if "F16" in kinds else "float32"
