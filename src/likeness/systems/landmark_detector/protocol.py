"""The landmark detector's protocol: landmark detectors on test people's photos with known landmarks."""

from __future__ import annotations

from dataclasses import dataclass

from likeness import systems
from likeness.card import read_card
from likeness.evaluate import detectors
from likeness.evaluate.judge import judging_reader
from likeness.experiment import Outcome, Progress, no_progress
from likeness.faces.face_detector import OwnBackend
from likeness.faces.reader import FaceReader


@dataclass(frozen=True, kw_only=True)
class Options(detectors.Photos):
    """What can be chosen of the protocol."""


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """The project's own face and landmark detectors as they ship, dlib, and pfld68.

    Raises:
        LikenessError: fewer than 2 such photos.
    """
    names, faces = options.faces()
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
    about = {
        **options.about(card, len(faces), ["pfld68"]),
        "face_detector_step": read_card(systems.weights_path("face_detector")).step,
    }
    title = f"{options.split} people, inter-ocular error in per cent: N = {len(faces)}"
    return Outcome(title, about, lines, names)
