"""The two trivial baselines of the parts comparison: no learning, only the training faces themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from likeness.data.store import FaceStore
from likeness.faces import parts
from likeness.faces.average import average_face
from likeness.image import to_tensor
from likeness.nn import placement


class PastedOnMean:
    """The parts laid on the mean of the training faces."""

    title = "parts pasted on the mean face"

    def __init__(self, train: FaceStore) -> None:
        picture, _ = average_face(train)
        self.mean = to_tensor(picture)

    def paint(self, colours: Tensor, cover: Tensor) -> Tensor:
        """Average-face colours B × 3 × S × S and their cover B × 1 × S × S, to faces B × 3 × S × S in [-1, 1]."""
        return self.mean * (1 - cover) + colours


class NearestFace:
    """The training face whose own parts lie nearest, by mean square difference of the average-face pictures."""

    title = "nearest training face"

    def __init__(self, train: FaceStore, anchors: Tensor) -> None:
        self.photos: list[Tensor] = []
        canvases = []
        for face in train:
            photo = to_tensor(face.image)
            masks = torch.from_numpy(parts.mask_bits(face.landmarks, train.framing.size))[None]
            chosen = placement.unpack(masks)
            chosen[:, [i for i, name in enumerate(parts.NAMES) if name not in parts.FACE]] = 0
            colours, _ = placement.place(photo, chosen, anchors)
            canvases.append(_small(colours).half())
            self.photos.append(((photo + 1) * 127.5).round().to(torch.uint8))
        self.keys = torch.cat(canvases).flatten(1).float()

    def paint(self, colours: Tensor, cover: Tensor) -> Tensor:
        """As :meth:`PastedOnMean.paint`."""
        wanted = _small(colours).flatten(1)
        nearest = torch.cdist(wanted, self.keys).argmin(1)
        return torch.cat([self.photos[int(i)] for i in nearest]).float() / 127.5 - 1


def _small(pictures: Tensor) -> Tensor:
    """Half the size, so that 12,000 faces fit into memory."""
    return torch.nn.functional.avg_pool2d(pictures, 2)
