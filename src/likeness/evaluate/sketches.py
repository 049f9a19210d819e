"""What sketch → photo is measured by (ISEGAN, section 3.1, after SCA-GAN): made photos against photos, 8 bits, 200 × 250."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.fsim import fsim
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.nlda import nlda_accuracy
from likeness.evaluate.panel import Panel, distances, spread
from likeness.evaluate.pixels import psnr
from likeness.image import to_tensor
from likeness.records import Image

BACKBONES = {"lpips_alex": "alexnet", "lpips_vgg": "vgg16"}
TRAIN_PEOPLE = 150
"""NLDA's, of the papers' 338 and of however many there are here (two thirds of fewer than 225)."""


@dataclass(frozen=True)
class Score:
    """One method's figures over ``count`` pairs; 8-bit pictures.

    ``fsim`` (of luminance), ``lpips`` by backbone and ``psnr`` in dB are means over pairs. ``nlda`` is the accuracy of
    :func:`likeness.evaluate.nlda.nlda_accuracy` in per cent, not a number where all pictures are one. ``judged`` has what is
    measured by networks that are here, and is without what is not: ``identity``, the mean cosine of mobilefacenet_b's features, 0
    where no face is found; ``dlib_distance``, the mean distance of dlib's descriptors where a face is found in both; Fréchet and
    kernel distances of the two sets on SqueezeNet's and on EfficientNet-Lite0's features; ``frechet_mobilefacenet_b`` where a
    face is found in the photo, not a number where one is missing in a made one, for sets of other sizes do not compare. At this
    ``count`` Fréchet distances are biased. ``each`` has figures pair by pair.
    """

    method: str
    count: int
    fsim: float
    lpips: dict[str, float]
    nlda: float
    psnr: float
    undetected: int
    judged: dict[str, float]
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
            **{name: told(name, value) for name, value in self.judged.items()},
            "undetected": self.undetected,
            "each": self.each,
        }


class Judge:
    """The instruments, opened once, and what they say of the true photos.

    Args:
        photos: N × H × W × 3, the true ones.
    """

    def __init__(self, photos: Image) -> None:
        self.photos, self.panel = photos, Panel()
        self._lpips: dict[str, LPIPS] = {"lpips_squeeze": self.panel.lpips} if self.panel.lpips else {}
        others = {name: net for name, net in BACKBONES.items() if assets.available(net)} if self._lpips else {}
        self._lpips |= {name: LPIPS(name.removeprefix("lpips_")) for name in others}
        self._photo = self.panel.see(photos)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Their names."""
        return (*self.panel.instruments, *(net for name, net in BACKBONES.items() if name in self._lpips))

    @property
    def notes(self) -> list[str]:
        """What is left out."""
        return self.panel.notes

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
        face, photo = self.panel.see(made), self._photo
        both = face.found & photo.found
        train = TRAIN_PEOPLE if count >= 225 else 2 * count // 3
        try:
            accuracy = 100 * nlda_accuracy(grey(photos), grey(made), train)[0]
        except LikenessError:  # pictures that are all the same leave it no null space
            accuracy = float("nan")
        each["dlib_distance"] = np.linalg.norm(face.descriptors - photo.descriptors, axis=1).tolist()
        judged: dict[str, float] = {}
        if face.identity is not None and photo.identity is not None:
            each["identity"] = ((face.identity * photo.identity).sum(1) * both).astype(float).tolist()
            judged["identity"] = float(np.mean(each["identity"]))
        judged |= {"dlib_distance": spread(each["dlib_distance"])[0]} | distances(face, photo)
        if face.identity is not None and photo.identity is not None:
            same = (both == photo.found).all() and both.sum() > 1
            apart = frechet_distance(face.identity[both], photo.identity[both]) if same else float("nan")
            judged["frechet_mobilefacenet_b"] = apart
        means = {name: float(np.mean(each[name])) for name in ("fsim", "psnr", *self._lpips)}
        return Score(
            method,
            count,
            means["fsim"],
            {name: means[name] for name in self._lpips},
            accuracy,
            means["psnr"],
            int((~face.found).sum()),
            judged,
            each,
        )


def told(name: str, value: float) -> float | str:
    """A figure as the table has it."""
    if not np.isfinite(value):
        return "-"
    digits = {"frechet_squeezenet": 1, "kernel_squeezenet": 3, "frechet_mobilefacenet_b": 3, "dlib_distance": 3}
    digits |= {"frechet_efficientnet_lite0": 1, "kernel_efficientnet_lite0": 2}
    return f"{value:.{digits[name]}f}" if name in digits else value


def grey(pictures: Image | Sequence[Image]) -> NDArray[np.float32]:
    """Grey raw pixels, N × H·W: luminance by ITU-R 601."""
    return (np.asarray(pictures, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).reshape(len(pictures), -1)
