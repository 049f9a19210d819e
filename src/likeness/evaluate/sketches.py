"""What sketch → photo is measured by (ISEGAN, section 3.1, after SCA-GAN): made photos against photos, 8 bits, 200 × 250."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.dlib_identity import descriptors
from likeness.evaluate.features import face_crop
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.fsim import fsim
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.nlda import nlda_accuracy
from likeness.evaluate.panel import Panel, spread, whole
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
        self._people, self._seen, self._described = self._identities(photos)

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
        people, seen, described = self._identities(made)
        both = seen & self._seen
        train = TRAIN_PEOPLE if count >= 225 else 2 * count // 3
        try:
            accuracy = 100 * nlda_accuracy(grey(photos), grey(made), train)[0]
        except LikenessError:  # pictures that are all the same leave it no null space
            accuracy = float("nan")
        each["dlib_distance"] = np.linalg.norm(described - self._described, axis=1).tolist()
        judged: dict[str, float] = {}
        if people is not None and self._people is not None:
            each["identity"] = ((people * self._people).sum(1) * both).astype(float).tolist()
            judged["identity"] = float(np.mean(each["identity"]))
        judged["dlib_distance"] = spread(each["dlib_distance"])[0]
        if self.panel.squeeze:
            judged |= _sets("squeezenet", self.panel.squeeze.of_images(made), self.panel.squeeze.of_images(photos))
        if self.panel.lite:
            features = [self.panel.lite.of_images(whole(some)) for some in (made, photos)]
            judged |= _sets("efficientnet_lite0", *features)
        if people is not None and self._people is not None:
            same = (both == self._seen).all() and both.sum() > 1
            judged["frechet_mobilefacenet_b"] = frechet_distance(people[both], self._people[both]) if same else float("nan")
        means = {name: float(np.mean(each[name])) for name in ("fsim", "psnr", *self._lpips)}
        return Score(
            method,
            count,
            means["fsim"],
            {name: means[name] for name in self._lpips},
            accuracy,
            means["psnr"],
            int((~seen).sum()),
            judged,
            each,
        )

    def _identities(self, pictures: Image) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_], NDArray[np.float64]]:
        """Of N pictures: mobilefacenet_b's features N × 128, 0 where no face is found; where one is; dlib's descriptors."""
        some = [self.panel.reader.faces(picture) for picture in pictures]
        landmarks = [faces[0].landmarks if faces else None for faces in some]
        seen = np.array([points is not None for points in landmarks], np.bool_)
        described = descriptors(list(pictures), landmarks)
        if self.panel.recogniser is None:
            return None, seen, described
        found = np.zeros((len(pictures), 128), np.float32)
        crops = [face_crop(one, points) for one, points in zip(pictures, landmarks, strict=True) if points is not None]
        if crops:
            found[seen] = self.panel.recogniser.embed(crops)
        return found, seen, described


def _sets(name: str, made: NDArray[np.float32], photos: NDArray[np.float32]) -> dict[str, float]:
    """Distances of two sets of features of a network."""
    return {f"frechet_{name}": frechet_distance(made, photos), f"kernel_{name}": kernel_distance(made, photos)[0]}


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
