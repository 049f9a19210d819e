"""Measuring pictures that anybody made: a folder of real ones against a folder of made ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from likeness.errors import LikenessError
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.fsim import fsim
from likeness.evaluate.inception import SPLITS, InceptionFeatures, inception_score
from likeness.evaluate.panel import Panel, Seen, distances, spread
from likeness.evaluate.people import digests
from likeness.evaluate.pixels import psnr, ssim
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.image import pictures_in, read, to_tensor
from likeness.records import Image

CHUNK = 32


@dataclass(frozen=True)
class Measured:
    """``names`` of the pairs, ``each`` metric's value a pair (empty when unpaired), and the figures of the ``sets``.

    ``undetected`` counts the (real, made) pictures in which no face was found: such a pair's identity counts 0, and it has no
    ``dlib_distance``. ``left_out`` has a line for each judge that is not here.
    """

    names: tuple[str, ...]
    each: dict[str, list[float]]
    sets: dict[str, float]
    counts: tuple[int, int]
    undetected: tuple[int, int]
    instruments: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be chosen of the protocol."""

    real: str = option("a folder of real pictures", metavar="DIR")
    fake: str = option("a folder of made ones, of the same names", metavar="DIR")
    unpaired: bool = option("compare the two folders as sets only", False)
    inception: bool = option("also the standard FID and Inception Score (needs the standard weights)", False)


def protocol(options: Options, progress: Progress = no_progress) -> Outcome:
    """Two folders, matched by name or as sets: one line, whose ``each`` holds a value for each pair.

    Raises:
        LikenessError: as :func:`measure`.
    """
    found = measure(options.real, options.fake, not options.unpaired, options.inception, progress)
    count = len(found.names) or min(found.counts)
    used = (*found.instruments, *(("inception",) if options.inception else ()))
    about = {
        "recipe": "",
        "step": "",
        "faces_of": "two folders of pictures",
        "faces": count,
        "real": Path(options.real).resolve().name,
        "fake": Path(options.fake).resolve().name,
        "instruments": digests(*used),
        "undetected": {"real": found.undetected[0], "fake": found.undetected[1]},
    }
    means = {name: spread(values)[0] for name, values in found.each.items()}
    line = {"method": "the made pictures", "count": count, **means, **found.sets, "each": found.each}
    real, fake = found.undetected
    note = f"no face found in {real} real and {fake} made pictures; such a pair's identity counts 0"
    return Outcome(f"N = {count}", about, [line], found.names, notes=[note, *found.left_out])


def pair_up(real: str | Path, fake: str | Path) -> list[tuple[str, Path, Path]]:
    """(name, real, made) of the pictures that both folders hold, matched by their path without suffix.

    Raises:
        LikenessError: a made picture has no real one, or nothing matches.
    """
    ours, theirs = (
        {path.relative_to(root).with_suffix("").as_posix(): path for path in pictures_in(root)} for root in (real, fake)
    )
    if not theirs:
        raise LikenessError(f"{fake}: holds no pictures")
    if missing := sorted(set(theirs) - set(ours)):
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise LikenessError(
            f"{fake}: {missing[0]}{more} has no picture of that name in {real}; --unpaired compares the sets only"
        )
    return [(name, ours[name], theirs[name]) for name in sorted(theirs)]


def measure(
    real: str | Path,
    fake: str | Path,
    paired: bool = True,
    inception: bool = False,
    progress: Progress = no_progress,
) -> Measured:
    """PSNR, SSIM, FSIM, LPIPS (squeeze) and identity of each pair; Fréchet and kernel distances of the sets.

    Pictures of a pair have one size. Sets are compared on SqueezeNet's, EfficientNet-Lite0's and, where faces are found,
    mobilefacenet_b's features, as far as these are here, and with ``inception`` also by the standard FID and Inception Score, for
    which the standard weights are needed.
    """
    if paired:
        names, real_files, fake_files = (list(column) for column in zip(*pair_up(real, fake), strict=True))
    else:
        names, real_files, fake_files = [], pictures_in(real), pictures_in(fake)
        if min(len(real_files), len(fake_files)) < 2:
            raise LikenessError("two sets are compared from 2 pictures each")
    if inception and len(fake_files) < SPLITS:
        raise LikenessError(f"the Inception Score needs at least {SPLITS} made pictures, {fake} holds {len(fake_files)}")
    total = len(real_files) + len(fake_files)
    panel = Panel()
    standard = InceptionFeatures() if inception else None

    def look(files: list[Path], before: int) -> tuple[list[Image], Seen]:
        pictures = [read(path) for path in files]
        return pictures, panel.see(pictures, progress=lambda done: progress(before + done, total, ""))

    ours, one = look(real_files, 0)
    theirs, other = look(fake_files, len(real_files))
    sets = distances(other, one)
    people, them = one.identity, other.identity
    if people is not None and them is not None and min(one.found.sum(), other.found.sum()) >= 2:
        sets["frechet_mobilefacenet_b"] = frechet_distance(them[other.found], people[one.found])
    if standard is not None:
        real_standard, fake_standard = (
            [standard.of_images(picture[None]) for picture in pictures] for pictures in (ours, theirs)
        )
        pooled = (np.concatenate([features for features, _ in some]) for some in (fake_standard, real_standard))
        sets["fid"] = frechet_distance(*pooled)
        sets["inception_score"] = inception_score(np.concatenate([logits for _, logits in fake_standard]))[0]
    each: dict[str, list[float]] = {}
    if paired:
        each = _pairs(names, ours, theirs, panel)
        if people is not None and them is not None:
            each["identity"] = (people * them).sum(1).astype(float).tolist()
        each["dlib_distance"] = np.linalg.norm(other.descriptors - one.descriptors, axis=1).tolist()
    counts, missed = (len(real_files), len(fake_files)), (int((~one.found).sum()), int((~other.found).sum()))
    return Measured(tuple(names), each, sets, counts, missed, panel.instruments, tuple(panel.notes))


def _pairs(names: list[str], real: list[Image], fake: list[Image], panel: Panel) -> dict[str, list[float]]:
    """The pairwise metrics, a batch at a time where sizes agree."""
    metrics: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {"psnr": psnr, "ssim": ssim, "fsim": fsim}
    if panel.lpips:
        metrics["lpips_squeeze"] = panel.lpips
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for name, one, other in zip(names, real, fake, strict=True):
        if one.shape != other.shape:
            sizes = " and ".join(f"{picture.shape[1]}×{picture.shape[0]}" for picture in (one, other))
            raise LikenessError(f"{name}: the two pictures differ in size ({sizes}); bring them to one")
        if min(one.shape[:2]) < 32:
            raise LikenessError(f"{name}: is only {one.shape[1]}×{one.shape[0]}; at least 32×32 is measured")
    start = 0
    while start < len(names):
        end = start
        while end < min(len(names), start + CHUNK) and real[end].shape == real[start].shape:
            end += 1
        a, b = (to_tensor(np.stack(pictures[start:end])) for pictures in (real, fake))
        for metric, measure_pair in metrics.items():
            found[metric] += measure_pair(a, b).double().tolist()
        start = end
    return found
