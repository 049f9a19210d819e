"""Weights files: safetensors with a JSON header that says everything that is needed to use them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.version import __version__

KEY, DIGEST = "likeness", "likeness_sha256"
STORES = ("float32", "float16", "int8")
LARGE = 1 << 15
"""Numbers from which on a tensor is worth storing in whole numbers."""
STEPS = "|step"
"""What a tensor's name gets for that of its rows' steps, where it is stored in whole numbers."""


@dataclass(frozen=True)
class Card:
    """What weights say of themselves.

    ``system`` and ``recipe`` (frozen, see :mod:`likeness.recipe`) rebuild the networks; the rest is for people: steps taken,
    ``commit`` of the code, ``data`` (a name → description, number and hash), ``licence`` and ``terms`` of use, ``scores`` and how
    they were measured, ``notes``.
    """

    system: str
    recipe: dict[str, Any]
    step: int
    commit: str = ""
    version: str = __version__
    data: dict[str, str] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    terms: str = ""
    scores: dict[str, str] = field(default_factory=dict)
    notes: str = ""


def write_weights(path: Path, state: dict[str, Tensor], card: Card, store: str = "float16") -> Path:
    """Write a weights file.

    Args:
        path: the file.
        state: the tensors by name.
        card: what they say of themselves.
        store: how floating tensors are kept, one of :data:`STORES`. int8 is for those that end up in a release: matrices and
            convolutions of :data:`LARGE` numbers and more become whole numbers from −127 to 127 times a step for each row (output
            channel), the rest float16.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().cpu().contiguous()
        if not value.is_floating_point() or store == "float32":
            tensors[name] = value
        elif store == "int8" and value.ndim >= 2 and value.numel() >= LARGE:
            step = (value.float().flatten(1).abs().amax(1) / 127).clamp(min=1e-12)
            rows = value.float() / step.reshape(-1, *[1] * (value.ndim - 1))
            tensors |= {name: rows.round().to(torch.int8), name + STEPS: step}
        else:
            tensors[name] = value.half()
    content = save(tensors, {KEY: json.dumps(asdict(card), sort_keys=True), DIGEST: fingerprint(tensors)})
    return write_content(path, content)


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the tensors' names and bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_card(path: str | Path) -> Card:
    """The card of a weights file.

    Raises:
        LikenessError: no such file, not a weights file, damaged, or another project's.
    """
    try:
        with safe_open(str(path), "pt") as file:
            header = file.metadata() or {}
    except (FileNotFoundError, IsADirectoryError):
        raise LikenessError(f"{path}: no such weights file") from None
    except (SafetensorError, OSError) as problem:
        raise LikenessError(f"{path}: is not a weights file, or a damaged one ({problem})") from None
    try:
        return Card(**json.loads(header[KEY]))
    except (KeyError, TypeError, ValueError):
        raise LikenessError(f"{path}: was not written by likeness, its header is missing") from None


def read_weights(path: str | Path) -> tuple[Card, dict[str, Tensor]]:
    """The card and the tensors (float32) of a weights file; nothing in it is ever run."""
    card = read_card(path)
    try:
        with safe_open(str(path), "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            wanted = (file.metadata() or {}).get(DIGEST)
    except (SafetensorError, OSError) as problem:
        raise LikenessError(f"{path}: is damaged ({problem})") from None
    if fingerprint(state) != wanted:
        raise LikenessError(f"{path}: is damaged, its tensors are not those that were written; fetch or train it again")
    return card, {name: _restored(state, name) for name in state if not name.endswith(STEPS)}


def _restored(state: dict[str, Tensor], name: str) -> Tensor:
    value, step = state[name], state.get(name + STEPS)
    if step is not None:
        return value.float() * step.reshape(-1, *[1] * (value.ndim - 1))
    return value.float() if value.is_floating_point() else value


def stored(path: str | Path) -> str:
    """How a weights file keeps its tensors, one of :data:`STORES`.

    Raises:
        LikenessError: no such file, not a weights file, damaged, or another project's.
    """
    read_card(path)
    with safe_open(str(path), "pt") as file:
        kinds = {str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return "int8" if "I8" in kinds else "float16" if "F16" in kinds else "float32"


def fill(network: torch.nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Load a state into the networks it was made for, or say that it does not fit."""
    try:
        wrong = network.load_state_dict(state, strict=False)
    except RuntimeError as problem:
        raise LikenessError(f"{path}: its tensors do not fit its recipe ({str(problem).splitlines()[-1].strip()})") from None
    missing = [name for name in wrong.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or wrong.unexpected_keys:
        odd = (missing or wrong.unexpected_keys)[0]
        raise LikenessError(f"{path}: its tensors do not fit its recipe (first: {odd})")
