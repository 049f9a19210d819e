"""What is computed of each prepared face once and then kept: a recogniser's numbers, a parsing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from likeness import assets
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.image import to_tensor
from likeness.nn.recogniser import RECOGNISERS
from likeness.records import Image

AT_ONCE = 32


def derived(store: FaceStore, name: str, compute: Callable[[Image], NDArray[Any]], keep: bool = True) -> NDArray[Any]:
    """``compute`` of each face: uint8 B × S × S × 3 to an array whose first axis is B; the faces in order.

    What was computed before is read from :func:`derived_file`, by the hash of a face's picture; the rest is computed and kept.

    Args:
        store: the faces.
        name: what it is and by which weights; another name is another file.
        compute: called with at most :data:`AT_ONCE` faces.
        keep: whether a file is read and written at all.
    """
    keys = [_key(cell["bytes"]) for cell in store.column("image")]
    kept = _kept(derived_file(store, name)) if keep else {}
    if missing := [i for i, key in enumerate(keys) if key not in kept]:
        fresh: list[NDArray[Any]] = []
        pictures: list[Image] = []
        for number, face in enumerate(store.take(missing)):
            pictures.append(face.image)
            if len(pictures) == AT_ONCE or number + 1 == len(missing):
                fresh.append(compute(np.stack(pictures)))
                pictures = []
        kept |= dict(zip((keys[i] for i in missing), np.concatenate(fresh), strict=True))
        if keep:
            names, values = zip(*kept.items(), strict=True)
            content = save({"keys": np.array(names, np.int64), "features": np.stack(values)})
            write_content(derived_file(store, name), content)
    return np.stack([kept[key] for key in keys])


def recognised(store: FaceStore, name: str) -> Tensor:
    """The numbers of one of :data:`likeness.nn.recogniser.RECOGNISERS` for each face as it is and mirrored: N × 2 × 512, float16.

    They are computed once and kept.
    """
    opened = cache(lambda: RECOGNISERS[name](store.framing))  # not needed where all are kept

    @torch.inference_mode()
    def both(pictures: Image) -> NDArray[Any]:
        faces = to_tensor(pictures)
        with torch.autocast(faces.device.type, torch.bfloat16, enabled=False):
            made = [opened()(some) for some in (faces, faces.flip(-1))]
        return np.asarray(torch.stack(made, 1).half().numpy())

    return torch.from_numpy(derived(store, name, both, keep=name != "drawn"))


def derived_file(store: FaceStore, name: str) -> Path:
    """Where it is kept: beside the prepared file; of several files together, in the cache."""
    if store.path.is_file():
        return store.path.with_suffix(f".{name}.safetensors")
    return assets.cache_folder() / f"faces.{name}.safetensors"


def _key(encoded: bytes) -> int:
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8], "little", signed=True)


def _kept(path: Path) -> dict[int, NDArray[Any]]:
    if not path.is_file():
        return {}
    try:
        found = load_file(path)
        return dict(zip(found["keys"].tolist(), found["features"], strict=True))
    except (SafetensorError, KeyError, ValueError) as problem:
        raise LikenessError(f"{path}: is damaged ({problem}); remove it, and it is computed again") from None
