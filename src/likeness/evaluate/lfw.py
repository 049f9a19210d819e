"""A recogniser against the world: LFW's 6,000 verification pairs (Huang et al. 2008)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.evaluate.features import RECOGNISERS, five_point_crop
from likeness.evaluate.five_points import FivePointDetector
from likeness.evaluate.people import digests
from likeness.evaluate.verification import Folds, ten_folds, true_accept_rate
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.image import read
from likeness.records import Image, Points


class Embeds(Protocol):
    """Crops 112 × 112 × 3 to N × D unit vectors."""

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """The features."""
        ...


class FindsPoints(Protocol):
    """A picture to the five points of its most central face."""

    def central(self, picture: Image) -> Points | None:
        """The points, 5 × 2, or None."""
        ...


@dataclass(frozen=True)
class Pairs:
    """File names of ``first`` and ``second`` (``Person/Person_0001.jpg``), ``same``, in order, and how many ``folds``."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    same: NDArray[np.bool_]
    folds: int


def read_pairs(path: str | Path) -> Pairs:
    """LFW's ``pairs.txt``: a line with the folds and pairs a fold, then "name n m" or "name n other m"."""
    try:
        head, *lines = Path(path).read_text().splitlines()
        folds, each = (int(number) for number in head.split())
        first, second, same = [], [], []
        for line in filter(str.strip, lines):
            words = line.split("\t") if "\t" in line else line.split()
            one, i, other, j = (words[0], words[1], words[0], words[2]) if len(words) == 3 else words
            first.append(f"{one}/{one}_{int(i):04d}.jpg")
            second.append(f"{other}/{other}_{int(j):04d}.jpg")
            same.append(len(words) == 3)
    except FileNotFoundError:
        raise LikenessError(f"{path}: no such file") from None
    except (ValueError, UnicodeDecodeError):
        raise LikenessError(f"{path}: is not a list of pairs as LFW has it") from None
    if len(same) != 2 * folds * each:
        raise LikenessError(f"{path}: promises {folds} folds of {2 * each} pairs but holds {len(same)}")
    return Pairs(tuple(first), tuple(second), np.array(same), folds)


@dataclass(frozen=True)
class Verified:
    """Accuracy over the folds, the accept rate at one false accept in a thousand, and what was seen."""

    accuracy: Folds
    true_accept: float
    pairs: int
    photos: int
    undetected: int


def verify(
    folder: str | Path,
    pairs: Pairs,
    recognisers: Mapping[str, Embeds],
    detector: FindsPoints | None = None,
    progress: Progress = no_progress,
) -> dict[str, Verified]:
    """The ten-fold accuracy of each recogniser on photos below ``folder``, cropped by RetinaFace's points or a ``detector``'s.

    A photo in which no face is found is not dropped: its crop is made where the faces of the others are on average, which
    suits photos that were cut alike, as LFW's are.
    """
    names = sorted({*pairs.first, *pairs.second})
    detector = FivePointDetector() if detector is None else detector
    crops: dict[str, Image] = {}
    seen, unseen = [], {}
    for number, name in enumerate(names):
        photo = read(Path(folder) / name)
        points = detector.central(photo)
        if points is None:
            unseen[name] = photo
        else:
            seen.append(points)
            crops[name] = five_point_crop(photo, points)
        progress(number + 1, len(names), "")
    if not seen:
        raise LikenessError(f"{folder}: no face was found in any photo")
    usual = np.mean(seen, axis=0).astype(np.float32)
    crops |= {name: five_point_crop(photo, usual) for name, photo in unseen.items()}
    said = {}
    for title, recogniser in recognisers.items():
        features = dict(zip(crops, recogniser.embed(list(crops.values())), strict=True))
        scores = np.array([float(features[a] @ features[b]) for a, b in zip(pairs.first, pairs.second, strict=True)])
        folds, accepted = ten_folds(scores, pairs.same, pairs.folds), true_accept_rate(scores, pairs.same, 1e-3)
        said[title] = Verified(folds, accepted, len(scores), len(names), len(names) - len(seen))
    return said


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be chosen of the protocol."""

    real: str = option("the folder of LFW's people", metavar="DIR")
    pairs: str = option("LFW's pairs.txt", metavar="FILE")


def protocol(options: Options, progress: Progress = no_progress) -> Outcome:
    """The recognisers themselves; a line's ``each`` holds the accuracy of each fold.

    Raises:
        LikenessError: no such list or photos.
    """
    pairs = read_pairs(options.pairs)
    found = verify(options.real, pairs, {name: kind() for name, kind in RECOGNISERS.items()}, progress=progress)
    lines = [
        {
            "recogniser": name,
            "accuracy": f"{one.accuracy.mean:.4f} ± {one.accuracy.deviation:.4f}",
            "accepted_at_0.001": f"{one.true_accept:.4f}",
            "pairs": one.pairs,
            "photos": one.photos,
            "undetected": one.undetected,
            "each": {"accuracy": list(one.accuracy.each)},
        }
        for name, one in found.items()
    ]
    about = {"recipe": "", "step": "", "faces_of": "LFW pairs, ten folds", "instruments": digests(*found)}
    names = [f"fold {number + 1}" for number in range(pairs.folds)]
    return Outcome(f"{len(pairs.same)} pairs in {pairs.folds} folds", about | {"faces": len(pairs.same)}, lines, names)
