"""Five points of a face by RetinaFace, as face recognisers were taught to be given them."""

from __future__ import annotations

import numpy as np
import torch

from likeness import assets
from likeness.nn.retinaface import RetinaFace
from likeness.records import Image, Points

MEAN = (104.0, 117.0, 123.0)
"""Taken off blue, green and red."""


class FivePointDetector:
    """RetinaFace with its published weights: a picture to the five points of its most central face."""

    name = "retinaface_mnet025"

    def __init__(self) -> None:
        from safetensors.torch import load_file

        network = RetinaFace()
        network.load_state_dict(load_file(assets.instrument(self.name)))
        self._network = network.eval().requires_grad_(False)

    @torch.inference_mode()
    def central(self, picture: Image, least: float = 0.5) -> Points | None:
        """Eyes, nose and corners of the mouth (5 × 2 pixels) of the face nearest to the picture's middle.

        Of anchors that score over ``least`` those round one face overlap; the surest of the most central is taken.
        """
        bgr = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1])).permute(2, 0, 1)[None].float()
        scores, boxes, points = (found[0] for found in self._network(bgr - torch.tensor(MEAN)[:, None, None]))
        sure = scores > least
        if not bool(sure.any()):
            return None
        middle = torch.tensor([picture.shape[1], picture.shape[0]]) / 2
        away = ((boxes[:, :2] + boxes[:, 2:]) / 2 - middle).norm(dim=1)
        central = boxes[torch.where(sure, away, torch.inf).argmin()]
        overlap = (torch.minimum(boxes[:, 2:], central[2:]) - torch.maximum(boxes[:, :2], central[:2])).clamp(min=0).prod(1)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (central[2:] - central[:2]).prod() - overlap
        best = torch.where(sure & (overlap / areas > 0.4), scores, -1.0).argmax()
        return np.asarray(points[best].numpy(), np.float32)
