"""Weights files written, and read as torch's tensors; :mod:`likeness.card` reads them without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from likeness.card import DIGEST, KEY, STEPS, Card, fingerprint, read_stored, restored
from likeness.errors import LikenessError
from likeness.files import write_content

LARGE = 1 << 15
"""Numbers from which on a tensor is worth storing as int8."""
ALIGNMENT = 256
"""Bytes to which the tensors of a file are aligned."""


def write_weights(path: Path, state: dict[str, Tensor], card: Card, store: str = "float16") -> Path:
    """Write a weights file.

    Args:
        path: the file.
        state: the tensors by name.
        card: what they say of themselves.
        store: how floating tensors are kept, one of :data:`likeness.card.STORES`. int8 is for those that end up in a release:
            matrices and convolutions of :data:`LARGE` numbers and more become integers from −127 to 127 times a step for each row
            (output channel), the rest float16.
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
    digest = fingerprint({name: value.numpy() for name, value in tensors.items()})
    content = save(tensors, {KEY: json.dumps(asdict(card), sort_keys=True), DIGEST: digest})
    return write_content(path, _padded(content))


def _padded(content: bytes) -> bytes:
    """A safetensors file whose header ends in spaces, so that the tensors begin at a multiple of :data:`ALIGNMENT` bytes."""
    length = int.from_bytes(content[:8], "little")
    more = -(8 + length) % ALIGNMENT
    return (length + more).to_bytes(8, "little") + content[8 : 8 + length] + b" " * more + content[8 + length :]


def read_weights(path: str | Path) -> tuple[Card, dict[str, Tensor]]:
    """The card and the tensors (float32) of a weights file, as torch's; nothing in it is ever run.

    Raises:
        LikenessError: as :func:`likeness.card.read_stored`.
    """
    card, stored, _ = read_stored(path)
    return card, {name: torch.from_numpy(np.array(value)) for name, value in restored(stored).items()}


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


def fill_graphs(modules: Mapping[str, torch.nn.Module], state: Mapping[str, NDArray[Any]], path: str | Path) -> None:
    """Load a state into graphs that share it: each takes the tensors of its own names, and together they take all.

    Raises:
        LikenessError: a graph lacks a tensor, or no graph takes one.
    """
    left = set(state)
    for module in modules.values():
        own = {name: state[name] for name in module.state_dict() if name in state}
        fill(module, {name: torch.from_numpy(np.array(value)) for name, value in own.items()}, path)
        left -= set(own)
    if odd := sorted(name for name in left if not name.endswith("num_batches_tracked")):
        raise LikenessError(f"{path}: its tensors do not fit its recipe (first: {odd[0]})")
