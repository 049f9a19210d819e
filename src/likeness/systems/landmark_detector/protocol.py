"""The landmark detector's protocol: landmark detectors on test people's photos with known landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from likeness import systems
from likeness.card import read_card
from likeness.data.folder import photos_in
from likeness.data.points import landmarks_in
from likeness.errors import LikenessError
from likeness.evaluate import detectors
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.people import digests, of_model
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.faces.face_detector import OwnBackend
from likeness.faces.reader import FaceReader
from likeness.image import read


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be chosen of the protocol."""

    real: str = option("a folder of photos; a sub-folder is a person", metavar="DIR")
    landmarks: str = option("the photos' true landmarks", metavar="FILE.csv")
    split: str = option("which side", "test", choices=("test", "validation"))
    limit: int | None = option("only the first N photos", None, metavar="N")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """The project's own face and landmark detectors as they ship, dlib, and pfld68.

    Raises:
        LikenessError: fewer than 2 such photos.
    """
    known = landmarks_in(options.landmarks)
    chosen = [photo for photo in photos_in(options.real) if photo.side == options.split and photo.name in known]
    chosen = chosen[: options.limit] if options.limit else chosen
    if len(chosen) < 2:
        raise LikenessError(
            f"{options.real}: holds fewer than 2 photos of {options.split} people with a line in {options.landmarks}"
        )
    faces = [(read(photo.path), known[photo.name]) for photo in chosen]
    card = read_card(systems.weights_path("landmark_detector"))
    methods: dict[str, detectors.Detector] = {
        f"ours, {card.step:,} steps": detectors.of_reader(FaceReader(OwnBackend())),
        "dlib": detectors.of_reader(judging_reader()),
        "pfld68, told where the face is": detectors.pfld(),
    }
    lines, total = [], len(faces) * len(methods)
    for number, (title, detector) in enumerate(methods.items()):

        def each(done: int, before: int = number * len(faces), title: str = title) -> None:
            progress(before + done, total, title)

        lines.append(detectors.score(title, detector, faces, each).line())
    whose = f"{Path(options.real).name} {options.split} people's photos with landmarks"
    about = {
        **of_model(card),
        "faces_of": whose,
        "data": whose,
        "faces": len(faces),
        "face_detector_step": read_card(systems.weights_path("face_detector")).step,
        "instruments": digests("pfld68"),
    }
    title = f"{options.split} people, inter-ocular error in per cent: N = {len(faces)}"
    return Outcome(title, about, lines, [photo.name for photo in chosen])
