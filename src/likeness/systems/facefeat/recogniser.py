"""The frozen recogniser whose 512 numbers E_id's features are made of, and where they are kept once computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from likeness import assets
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing, fitted
from likeness.files import write_content
from likeness.nn.mobilefacenet import MobileFaceNet
from likeness.systems.facefeat.recipes import WIDTH

CROP = (112, 96)
"""Height and width of the crop that mobilefacenet_a takes."""
FIVE = np.array([[30.29, 51.70], [65.53, 51.50], [48.03, 71.74], [33.55, 92.37], [62.73, 92.20]], np.float32)
"""Where eyes, nose and corners of the mouth stand in it."""

Recogniser = Callable[[Tensor], Tensor]
"""Framed faces B × 3 × S × S in [-1, 1] to B × 512; gradients reach the faces."""


def crop_of(framing: Framing) -> Tensor:
    """The one affine map that brings a framed face to the recogniser's crop, as :func:`affine_grid` takes it, 1 × 2 × 3.

    Scale and shift are the least squares over both eyes and the middle of the mouth; no face is looked for.
    """
    height, width = CROP
    target = np.stack([FIVE[0], FIVE[1], (FIVE[3] + FIVE[4]) / 2])
    back = fitted(framing.template, target).inverse.matrix  # from pixels of the crop to pixels of the framing
    scale, shift = back[0, 0], back[:, 2]
    sides = np.array([width, height])
    # pixel centre p of a side of n pixels stands at (2 p + 1) / n − 1
    gain = scale * sides / framing.size
    middle = (2 * (scale * (sides - 1) / 2 + shift) + 1) / framing.size - 1
    return torch.tensor([[[gain[0], 0, middle[0]], [0, gain[1], middle[1]]]], dtype=torch.float32)


class MobileRecogniser:
    """mobilefacenet_a to the layer before its embedding; it may teach, hence it never judges."""

    name = "mobilefacenet_a"

    def __init__(self, framing: Framing) -> None:
        from safetensors.torch import load_file

        network = MobileFaceNet()
        network.load_state_dict(load_file(assets.instrument(self.name)))
        self._network, self._map = network.eval().requires_grad_(False), crop_of(framing)

    def __call__(self, faces: Tensor) -> Tensor:
        """See :data:`Recogniser`."""
        self._network.to(faces.device)
        places = affine_grid(self._map.expand(len(faces), 2, 3).to(faces.device), [len(faces), 3, *CROP], align_corners=False)
        crops = grid_sample(faces.float(), places, padding_mode="border", align_corners=False)
        return self._network.pooled(crops * (127.5 / 128))


class DrawnRecogniser:
    """For drawn faces, where no instrument is needed: fixed random mixtures of a face's coarse colours."""

    name = "drawn"

    def __init__(self, framing: Framing) -> None:
        chance = torch.Generator().manual_seed(5)
        self._mix = torch.randn(3 * 8 * 8, WIDTH, generator=chance) / 4

    def __call__(self, faces: Tensor) -> Tensor:
        """See :data:`Recogniser`."""
        coarse = interpolate(faces.float(), size=(8, 8), mode="area").flatten(1)
        return torch.tanh(coarse @ self._mix.to(faces.device))


RECOGNISERS: dict[str, type[MobileRecogniser | DrawnRecogniser]] = {
    "mobilefacenet_a": MobileRecogniser,
    "drawn": DrawnRecogniser,
}


def features_file(store: FaceStore, name: str) -> Path:
    """Where a store's features are kept: beside the prepared file; of several files together, in the cache."""
    if store.path.is_file():
        return store.path.with_suffix(f".{name}.safetensors")
    return assets.cache_folder() / f"faces.{name}.safetensors"


def recognised(store: FaceStore, name: str, framing: Framing) -> Tensor:
    """The recogniser's numbers of each face as it is and mirrored: N × 2 × 512, float16.

    What was computed before is read from :func:`features_file`, by the hash of a face's picture; the rest is computed and kept.
    """
    keys = [_key(cell["bytes"]) for cell in store.column("image")]
    kept = _kept(features_file(store, name)) if name != "drawn" else {}
    if missing := [i for i, key in enumerate(keys) if key not in kept]:
        network = RECOGNISERS[name](framing)
        fresh: list[np.ndarray] = []
        pictures: list[np.ndarray] = []
        for number, face in enumerate(store.take(missing)):
            pictures.append(face.image)
            if len(pictures) == 32 or number + 1 == len(missing):
                fresh.append(_both(network, np.stack(pictures)))
                pictures = []
        kept |= dict(zip((keys[i] for i in missing), np.concatenate(fresh), strict=True))
        if name != "drawn":
            names, values = zip(*kept.items(), strict=True)
            content = save({"keys": np.array(names, np.int64), "features": np.stack(values)})
            write_content(features_file(store, name), content)
    return torch.from_numpy(np.stack([kept[key] for key in keys]))


def _key(encoded: bytes) -> int:
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8], "little", signed=True)


def _kept(path: Path) -> dict[int, np.ndarray]:
    if not path.is_file():
        return {}
    try:
        found = load_arrays(path)
        return dict(zip(found["keys"].tolist(), found["features"], strict=True))
    except (SafetensorError, KeyError, ValueError) as problem:
        raise LikenessError(f"{path}: is damaged ({problem}); remove it, and it is computed again") from None


@torch.inference_mode()
def _both(network: Recogniser, pictures: np.ndarray) -> np.ndarray:
    """uint8 B × S × S × 3 to B × 2 × 512 float16: as they are, and mirrored."""
    faces = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.autocast(faces.device.type, torch.bfloat16, enabled=False):
        made = [network(some) for some in (faces, faces.flip(-1))]
    return np.asarray(torch.stack(made, 1).half().numpy())
