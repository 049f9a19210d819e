"""A frozen recogniser of people that may teach: framed faces to its 512 numbers, with gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from likeness import assets
from likeness.faces.align import Framing, fitted
from likeness.nn.mobilefacenet import MobileFaceNet

WIDTH = 512
"""The recogniser's numbers of a face."""
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
