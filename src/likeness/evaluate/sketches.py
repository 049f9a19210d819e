"""What sketch → photo is measured by (ISEGAN, section 3.1, after SCA-GAN): made photos against photos, 8 bits, 200 × 250."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.features import Recogniser, SqueezeFeatures, face_crop
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.fsim import fsim
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.nlda import nlda_accuracy
from likeness.evaluate.pixels import psnr
from likeness.image import to_tensor
from likeness.records import Image

BACKBONES = {"lpips_squeeze": "squeezenet", "lpips_alex": "alexnet", "lpips_vgg": "vgg16"}
TRAIN_PEOPLE = 150
"""NLDA's, of the papers' 338 and of however many there are here (two thirds of fewer than 225)."""


@dataclass(frozen=True)
class Score:
    """One method's figures over ``count`` pairs; 8-bit pictures.

    ``fsim`` (of luminance), ``lpips`` by backbone, ``psnr`` in dB and ``identity`` (the cosine of mobilefacenet_b's features, 0
    where no face is found) are means over pairs. ``nlda`` is the accuracy of :func:`likeness.evaluate.nlda.nlda_accuracy`
    in per cent, not a number where all pictures are one. ``frechet`` and ``kernel`` compare the two sets on SqueezeNet's
    features, ``frechet_identity`` on mobilefacenet_b's where a face is found in the photo; not a number where one is
    missing in a made one, for sets of other sizes do not compare. At this ``count`` both Fréchet distances are biased. ``each``
    has FSIM, PSNR, LPIPS and identity pair by pair.
    """

    method: str
    count: int
    fsim: float
    lpips: dict[str, float]
    nlda: float
    psnr: float
    identity: float
    undetected: int
    frechet: float
    kernel: float
    frechet_identity: float
    each: dict[str, list[float]] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """A row of the table."""
        return {
            "method": self.method,
            "count": self.count,
            "fsim": f"{self.fsim:.4f}",
            **{name: f"{value:.4f}" for name, value in self.lpips.items()},
            "nlda %": f"{self.nlda:.2f}" if np.isfinite(self.nlda) else "-",
            "psnr": self.psnr,
            "identity": self.identity,
            "undetected": self.undetected,
            "frechet_squeezenet": f"{self.frechet:.1f}",
            "kernel_squeezenet": f"{self.kernel:.3f}",
            "frechet_mobilefacenet_b": f"{self.frechet_identity:.3f}" if np.isfinite(self.frechet_identity) else "-",
            "each": self.each,
        }


class Judge:
    """The instruments, opened once, and what they say of the true photos.

    Args:
        photos: N × H × W × 3, the true ones.
    """

    def __init__(self, photos: Image) -> None:
        self.photos = photos
        self._lpips = {name: LPIPS(name.removeprefix("lpips_")) for name, net in BACKBONES.items() if assets.available(net)}
        self._squeeze, self._recogniser, self._reader = SqueezeFeatures(), Recogniser(), judging_reader()
        self._true = self._squeeze.of_images(photos)
        self._people, self._seen = self._identities(photos)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Their names."""
        return ("mobilefacenet_b", "lpips_heads", *(net for name, net in BACKBONES.items() if name in self._lpips))

    def score(self, method: str, made: Image) -> Score:
        """A method's made photos, N × H × W × 3, in the order of the true ones."""
        photos, count = self.photos, len(self.photos)
        each: dict[str, list[float]] = {name: [] for name in ("fsim", "psnr", *self._lpips)}
        for start in range(0, count, 16):
            one, other = (to_tensor(some[start : start + 16]) for some in (made, photos))
            each["fsim"] += fsim(one, other).tolist()
            each["psnr"] += psnr(one, other).tolist()
            for name, distance in self._lpips.items():
                each[name] += distance(one, other).tolist()
        features = self._squeeze.of_images(made)
        people, seen = self._identities(made)
        both = seen & self._seen
        train = TRAIN_PEOPLE if count >= 225 else 2 * count // 3
        try:
            accuracy = 100 * nlda_accuracy(grey(photos), grey(made), train)[0]
        except LikenessError:  # pictures that are all the same leave it no null space
            accuracy = float("nan")
        each["identity"] = ((people * self._people).sum(1) * both).astype(float).tolist()
        return Score(
            method,
            count,
            float(np.mean(each["fsim"])),
            {name: float(np.mean(each[name])) for name in self._lpips},
            accuracy,
            float(np.mean(each["psnr"])),
            float(((people * self._people).sum(1) * both).mean()),
            int((~seen).sum()),
            frechet_distance(features, self._true),
            kernel_distance(features, self._true)[0],
            frechet_distance(people[both], self._people[both]) if (both == self._seen).all() and both.sum() > 1 else float("nan"),
            each,
        )

    def _identities(self, pictures: Image) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        found, seen = np.zeros((len(pictures), 128), np.float32), np.zeros(len(pictures), bool)
        crops = []
        for i, picture in enumerate(pictures):
            if faces := self._reader.faces(picture):
                crops.append(face_crop(picture, faces[0].landmarks))
                seen[i] = True
        if crops:
            found[seen] = self._recogniser.embed(crops)
        return found, seen


def grey(pictures: Image | Sequence[Image]) -> NDArray[np.float32]:
    """Grey raw pixels, N × H·W: luminance by ITU-R 601."""
    return (np.asarray(pictures, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).reshape(len(pictures), -1)
