"""The joint protocol: each condition and some mixes on test people, beside the specialists given the same.

Other experiments measure the joint model as other systems are measured: :mod:`likeness.systems.joint.comparisons`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likeness import sheet, systems
from likeness.errors import LikenessError
from likeness.evaluate.groups import group_table
from likeness.evaluate.landmark_error import normalised_error
from likeness.evaluate.panel import Seen
from likeness.evaluate.people import People, headline
from likeness.evaluate.portrait import Ruler
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.faces.reader import PhotoFace
from likeness.records import AlignedFace, Image
from likeness.synthesizer import Synthesizer
from likeness.systems.joint import comparisons
from likeness.systems.joint.synthesis import JointSynthesizer

CONDITIONS: dict[str, tuple[str, ...]] = {
    "parts": ("parts",),
    "parts, identity": ("parts", "like"),
    "pencil": ("drawing",),
    "line": ("drawing",),
    "hand_drawn": ("drawing",),
    "pencil, identity": ("drawing", "like"),
    "pencil, parsing": ("drawing", "parsing"),
    "parsing": ("parsing",),
    "landmarks": ("landmarks",),
    "landmarks, identity": ("landmarks", "like"),
    "landmarks, identity, look": ("landmarks", "like", "look"),
    "identity": ("like",),
    "nothing": (),
}
"""A line of the table → the conditions that are made of a photo; a drawing's line is called as its effect."""
SPECIALISTS: dict[str, tuple[str, str]] = {
    "parts": ("parts", "photo"),
    "pencil": ("portrait", "drawing"),
    "line": ("portrait", "drawing"),
    "hand_drawn": ("portrait", "drawing"),
    "landmarks": ("landmark", "landmarks"),
}
"""Line → the system that does only this, and its condition."""
SHOWN = 8
EXPERIMENTS = {
    "conditions": "each condition and some mixes, beside the specialists",
    "sketches": "ISEGAN's protocol on artists' sketches, beside isegan and portrait",
    "clips": "one photo of each person driven by clips",
    "many": "table 3 of FaceFeat-GAN: faces of a photo's person, beside facefeat",
}


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "joint", metavar="W")
    experiment: str = option(
        "; ".join(f"{name}: {what}" for name, what in EXPERIMENTS.items()), "conditions", choices=tuple(EXPERIMENTS)
    )
    clips: str | None = option("of clips: a clip or a folder of them", None, metavar="PATH")
    frames: int = option("of clips: how many frames of each, from the first on", 60, metavar="N")
    alone: bool = option("without the specialists", False)
    groups: bool = option("also by skin tone, sharpness and yaw of the photo", False)


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """One of :data:`EXPERIMENTS` of a model.

    Raises:
        LikenessError: other weights, no such faces, or clips that are missing or not wanted.
    """
    if (options.experiment == "clips") != bool(options.clips):
        raise LikenessError("--clips: names the clips of --experiment clips, and no other experiment's")
    system = systems.load(options.weights, "joint")
    assert isinstance(system, JointSynthesizer)
    if options.experiment == "sketches":
        return comparisons.drawn_by_artists(options, system, progress)
    if options.experiment == "many":
        return comparisons.many(options, system, progress)
    if options.clips:
        return comparisons.driven(options, system, options.clips, options.frames, progress)
    return conditions(options, system, progress)


def conditions(options: Options, system: JointSynthesizer, progress: Progress = no_progress) -> Outcome:
    """Faces from each of :data:`CONDITIONS`, with each face's own noise, and the specialists' of the same photo.

    Columns besides those of :class:`likeness.evaluate.portrait.Fidelity`: ``landmarks``, how far the made face's landmarks are
    from the photo's in per cent of the eye distance, over faces that are found; ``kernel``, the kernel distance from the
    photos on EfficientNet-Lite0; ``apart``, the LPIPS distance of two faces of the same conditions and other noise.

    Raises:
        LikenessError: no such faces.
    """
    chosen = options.faces(system.framing)
    faces = list(chosen)
    ruler = Ruler()
    photo = ruler.seen(faces)
    table: list[dict[str, Any]] = []
    shown: list[list[Image | None]] = [[face.image] for face in faces[:SHOWN]]
    for number, (line, names) in enumerate(CONDITIONS.items()):
        progress(number, len(CONDITIONS), line)
        made, other = (_made(system, faces, line, names, first) for first in (0, len(faces)))
        some = _line(ruler, made, faces, photo)
        apart = ruler.distances(made, other)
        table.append({"given": line, "method": "joint", **some, "apart": float(np.mean(apart))})
        for row, picture in zip(shown, made, strict=False):
            row.append(picture)
        if line in SPECIALISTS and not options.alone:
            own = _specialist(systems.load(SPECIALISTS[line][0]), SPECIALISTS[line][1], faces, line)
            table.append({"given": line, "method": SPECIALISTS[line][0], **_line(ruler, own, faces, photo)})
    tables = {}
    if options.groups:
        lines = [{**line, "method": f"{line['given']}: {line['method']}"} for line in table]
        tables["groups"] = group_table([face.image for face in faces], [face.landmarks for face in faces], lines)
    about = options.about(system.card, len(chosen), ruler.panel.instruments)
    sheets = {"faces": sheet.grid(shown, columns=["photo", *CONDITIONS])}
    return Outcome(headline(about), about, table, chosen.column("name"), sheets, tables, notes=ruler.panel.notes)


def request_of(face: AlignedFace, line: str, names: Sequence[str], noise: int) -> dict[str, Any]:
    """The conditions of a line, made of one photo."""
    photo = PhotoFace(face.name, face.image, face.landmarks)
    effect = {"effect": line.split(",")[0]} if "drawing" in names else {}
    return {**dict.fromkeys(names, photo), **effect, "noise": noise}


def _made(system: JointSynthesizer, faces: Sequence[AlignedFace], line: str, names: Sequence[str], first: int) -> Image:
    requests = [system.prepare(request_of(face, line, names, first + i)) for i, face in enumerate(faces)]
    return np.stack([result.picture for result in system.make(requests)])


def _specialist(system: Synthesizer, condition: str, faces: Sequence[AlignedFace], line: str) -> Image:
    """What the system that does only this makes of the same photos."""
    effect = {"effect": line} if condition == "drawing" else {}
    photos = [PhotoFace(face.name, face.image, face.landmarks) for face in faces]
    requests = [system.prepare({condition: photo, **effect}) for photo in photos]
    return np.stack([result.picture for result in system.make(requests)])


def _line(ruler: Ruler, made: Image, faces: Sequence[AlignedFace], photo: Seen) -> Mapping[str, Any]:
    """One line's figures."""
    fidelity = ruler.fidelity(made, faces, photo)
    found = zip(fidelity.landmarks, faces, strict=True)
    errors = [normalised_error(points, face.landmarks) for points, face in found if points is not None]
    line = {name: figure for name, figure in fidelity.line().items() if not name.startswith(("frechet", "kernel"))}
    kernel = fidelity.judged.get("kernel_efficientnet_lite0", float("nan"))
    return {**line, "landmarks": float(np.mean(errors)) if errors else float("nan"), "kernel": kernel}
