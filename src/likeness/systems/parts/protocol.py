"""The protocol of the parts system: test people's own parts in, compared with their photos; and faces from perturbed parts.

Sun, Guo & Liu 2022, section 4.4 measure PSNR, SSIM and the Inception Score on 128 pictures; here every test person counts,
identity and Fréchet distances take the place of the Inception Score, whose network is not to be had everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness import baselines, sheet, systems
from likeness.baselines.patchmatch import PatchMatch
from likeness.baselines.trivial import NearestFace, PastedOnMean
from likeness.card import read_card
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate.groups import group_table
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.panel import Panel, spread
from likeness.evaluate.people import People, headline
from likeness.evaluate.pixels import psnr, ssim
from likeness.experiment import Outcome, Progress, distinct, no_progress, option
from likeness.faces import parts
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.image import to_images, to_tensor
from likeness.nn import placement
from likeness.records import Image, Points
from likeness.systems.parts.synthesis import PartsSynthesizer


class Painter(Protocol):
    """What is measured: average-face colours B × 3 × S × S and their cover B × 1 × S × S, to faces in [-1, 1]."""

    def __call__(self, colours: Tensor, cover: Tensor) -> Tensor:
        """Make the faces."""
        ...


@dataclass(frozen=True)
class Score:
    """A method's figures over ``count`` faces; ``psnr`` (dB) and ``ssim`` as (mean, standard deviation).

    ``judged`` has what judges say, as far as they are here: metric → (mean, standard deviation) or a distance of the sets of
    faces and of photos, see :class:`likeness.evaluate.panel.Verdict`. ``undetected`` counts faces in which none was found.
    ``each`` holds figures face by face, for paired comparisons.
    """

    method: str
    count: int
    psnr: tuple[float, float]
    ssim: tuple[float, float]
    judged: dict[str, Any]
    undetected: int
    each: dict[str, list[float]]

    def line(self) -> dict[str, Any]:
        """A row of the table."""
        figures = {"method": self.method, "count": self.count, "psnr": self.psnr, "ssim": self.ssim}
        return {**figures, **self.judged, "undetected": self.undetected, "each": self.each}


@dataclass(frozen=True)
class Perturbed:
    """What displaced or magnified parts do: landmarks of the face against those of the face from undisturbed parts.

    ``error`` is the mean over faces and 68 points, in per cent of the eye distance (of faces found in both), ``undetected``
    how many of ``count`` were not found; ``input_error`` is how far the parts' own landmarks were moved, in the same unit: what
    a method would show that leaves parts where they are put. ``each`` holds the errors face by face, not a number where none was
    found.
    """

    change: str
    count: int
    error: float
    deviation: float
    input_error: float
    undetected: int
    each: dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "parts", metavar="W")
    against: tuple[str, ...] = option("further weights, of baselines too, or the word patchmatch", (), metavar="W")
    perturb: bool = option("measure displaced and magnified parts instead", False)
    groups: bool = option("also by skin tone, sharpness and yaw of the photo", False)
    seed: int = option("the chance in --perturb", 0)
    engine: str = option("what runs the network of --weights: onnx, int8, torch, or auto", "auto", metavar="E")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """The protocol: a model beside further ones and the trivial baselines, or with ``perturb`` alone.

    Raises:
        LikenessError: weights that make no faces from parts or are framed otherwise, or no such people.
    """
    if options.perturb and (options.groups or options.against):
        raise LikenessError("--perturb measures one model's displaced parts; leave out --groups and --against")
    system = opened(options.weights, engine=options.engine)
    chosen, anchors = options.faces(system.framing), torch.from_numpy(system.anchors)
    panel = None if options.perturb else Panel()
    about = options.about(system.card, len(chosen), panel.instruments if panel else ())
    names, title = chosen.column("name"), headline(about)
    if panel is None:
        perturbed, pictures = perturb(chosen, anchors, painter_of(system.complete), options.seed, progress)
        shown = sheet.beside(pictures)
        return Outcome(title, about, [asdict(line) for line in perturbed], names, {"faces": shown})
    methods: dict[str, Painter] = {"ours": painter_of(system.complete)}
    for word in options.against:
        if word == "patchmatch":
            methods[PatchMatch.title] = PatchMatch().paint
            continue
        other = opened(word, system)
        name = str(other.card.recipe["name"])
        methods[distinct(name, methods)] = painter_of(other.complete)
    scores, pictures = compare(chosen, anchors, methods | trivial_baselines(options.known(), anchors), progress, panel)
    lines = [score.line() for score in scores]
    tables = {}
    if options.groups:
        people = list(chosen)
        tables["groups"] = group_table([face.image for face in people], [face.landmarks for face in people], lines)
    return Outcome(title, about, lines, names, {"faces": sheet.beside(pictures)}, tables, notes=panel.notes)


def opened(weights: str, like: PartsSynthesizer | None = None, engine: str = "auto") -> PartsSynthesizer:
    """The parts system or a baseline from its weights, framed as ``like``.

    Raises:
        LikenessError: they do not make faces from parts, or are for faces framed otherwise.
    """
    system = read_card(systems.weights_path(weights)).system
    if system not in ("parts", *baselines.PARTS):
        raise LikenessError(f"{weights}: holds weights of {system!r}, which does not make faces from parts")
    made = baselines.load(weights, engine)
    assert isinstance(made, PartsSynthesizer)
    if like is not None and made.framing != like.framing:
        raise LikenessError(f"{weights}: is for faces framed {made.framing}, ours for {like.framing}")
    return made


def trivial_baselines(train: FaceStore, anchors: Tensor) -> dict[str, Painter]:
    """What needs no training: the parts on the mean face, and the nearest training face."""
    pasted, nearest = PastedOnMean(train), NearestFace(train, anchors)
    return {pasted.title: pasted.paint, nearest.title: nearest.paint}


def painter_of(complete: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]) -> Painter:
    """A painter from a synthesizer's ``complete``, which takes and gives arrays."""
    return lambda colours, cover: torch.from_numpy(complete(colours.numpy(), cover.numpy()))


def painted(face_of: Painter, colours: Tensor, cover: Tensor) -> Tensor:
    """All faces, 64 at a time."""
    made = [face_of(c, k) for c, k in zip(colours.split(64), cover.split(64), strict=True)]
    return torch.cat(made).float()


def inputs(store: FaceStore, anchors: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Points]]:
    """Photos B × 3 × S × S, key-part masks B × P × S × S, anchors, and landmarks of all faces of a store."""
    photos, masks, landmarks = [], [], []
    key = torch.tensor([float(name in parts.FACE) for name in parts.NAMES])[None, :, None, None]
    for face in store:
        photos.append(to_tensor(face.image))
        masks.append(placement.unpack(torch.from_numpy(parts.mask_bits(face.landmarks, store.framing.size))[None]) * key)
        landmarks.append(face.landmarks)
    if not photos:
        raise LikenessError(f"{store.path}: holds no such people to measure on")
    return torch.cat(photos), torch.cat(masks), anchors, landmarks


def compare(
    store: FaceStore,
    anchors: Tensor,
    methods: dict[str, Painter],
    progress: Progress = no_progress,
    panel: Panel | None = None,
) -> tuple[list[Score], dict[str, Image]]:
    """Every method on every face of a store, from its own eyes, nose and mouth, before a panel of judges.

    Returns:
        The scores, and the pictures: ``"photo"``, ``"parts"`` and one entry a method, uint8 N × S × S × 3.
    """
    panel = panel or Panel()
    photos, masks, anchors, landmarks = inputs(store, anchors)
    colours, cover = _placed(photos, masks, anchors)
    real = to_images(photos)
    photo = panel.see(real, landmarks)
    template = [np.mean(landmarks, axis=0).astype(np.float32)] * len(landmarks)
    scores, pictures = [], {"photo": real, "parts": to_images(colours)}
    for number, (name, face_of) in enumerate(methods.items()):
        progress(number, len(methods), name)
        faces = painted(face_of, colours, cover)
        made = to_images(faces)
        verdict = panel.judge(made, real, panel.see(made, instead=template), photo)
        each = {"psnr": psnr(faces, photos).tolist(), "ssim": ssim(faces, photos).tolist(), **verdict.each}
        judged = {metric: spread(values) for metric, values in verdict.each.items()} | verdict.sets
        scores.append(Score(name, len(made), spread(each["psnr"]), spread(each["ssim"]), judged, verdict.undetected, each))
        pictures[name] = made
    progress(len(methods), len(methods), "")
    return scores, pictures


CHANGES: dict[str, tuple[float, float]] = {
    "each part shifted by up to 8 px": (8.0, 1.0),
    "all parts at scale 0.8": (0.0, 0.8),
    "all parts at scale 1.25": (0.0, 1.25),
}


def perturb(
    store: FaceStore,
    anchors: Tensor,
    face_of: Painter,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[list[Perturbed], dict[str, Image]]:
    """Faces from parts that stand wrong, against the same faces from parts that stand right.

    Returns:
        One line a change, and the pictures: for each, ``"CHANGE: parts"`` and ``"CHANGE: face"``.
    """
    photos, masks, anchors, landmarks = inputs(store, anchors)
    reader = judging_reader()
    straight = to_images(painted(face_of, *_placed(photos, masks, anchors)))
    reference = [_landmarks(reader, image) for image in straight]
    lines, pictures = [], {"undisturbed: face": straight}
    count, number = masks.shape[:2]
    chance = torch.Generator().manual_seed(seed)
    for step, (change, (shift, scale)) in enumerate(CHANGES.items()):
        progress(step, len(CHANGES), change)
        shifts = ((2 * torch.rand(count, number, 2, generator=chance) - 1) * shift).round()
        scales = torch.full((count, number), scale) if scale != 1.0 else None
        colours, cover = placement.place(photos, masks, anchors, shifts=shifts, scales=scales)
        made = to_images(painted(face_of, colours, cover))
        errors = []
        for one, image in zip(reference, made, strict=True):
            other = _landmarks(reader, image) if one is not None else None
            if one is None or other is None:
                errors.append(float("nan"))
                continue
            errors.append(float(np.linalg.norm(one - other, axis=1).mean()) / eye_distance(one) * 100)
        known = [error for error in errors if not np.isnan(error)]
        mean, deviation = spread(known or [np.nan])
        moved = _moved(landmarks, placement.centroids(masks).numpy(), shifts.numpy(), scale)
        lines.append(Perturbed(change, count, mean, deviation, moved, count - len(known), {"error": errors}))
        pictures[f"{change}: parts"] = to_images(colours)
        pictures[f"{change}: face"] = made
    progress(len(CHANGES), len(CHANGES), "")
    return lines, pictures


def _moved(landmarks: Sequence[Points], centres: NDArray[np.float32], shifts: NDArray[np.float32], scale: float) -> float:
    """How far the key parts' landmarks were moved from where they were laid, in per cent of the eye distance."""
    found = []
    for points, centre, shift in zip(landmarks, centres, shifts, strict=True):
        for name in parts.FACE:
            i = parts.NAMES.index(name)
            away = (scale - 1) * (points[list(parts.PARTS[name].points)] - centre[i]) + shift[i]
            found.append(np.linalg.norm(away, axis=1).mean() / eye_distance(points) * 100)
    return float(np.mean(found))


def _placed(photos: Tensor, masks: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
    placed = [placement.place(p, m, anchors) for p, m in zip(photos.split(64), masks.split(64), strict=True)]
    return torch.cat([colours for colours, _ in placed]), torch.cat([cover for _, cover in placed])


def _landmarks(reader: FaceReader, image: Image) -> Points | None:
    faces = reader.faces(image)
    return faces[0].landmarks if faces else None
