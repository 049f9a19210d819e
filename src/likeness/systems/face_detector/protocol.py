"""The face detector's protocol: face detectors on test people's photos in which one face's landmarks are known."""

from __future__ import annotations

from dataclasses import dataclass

from likeness import systems
from likeness.card import read_card
from likeness.evaluate import boxes
from likeness.evaluate.detectors import Photos
from likeness.experiment import Outcome, Progress, no_progress
from likeness.faces.face_detector import FaceDetector
from likeness.faces.reader import DlibBackend
from likeness.faces.tools import open_tool


@dataclass(frozen=True, kw_only=True)
class Options(Photos):
    """What can be chosen of the protocol."""


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """The project's own face detector as it ships, at all sizes and as commands look for the largest face, and dlib's.

    Raises:
        LikenessError: fewer than 2 such photos, or dlib is not installed.
    """
    names, faces = options.faces()
    card = read_card(systems.weights_path("face_detector"))
    own, dlib = open_tool(FaceDetector), DlibBackend()
    methods: dict[str, boxes.Detector] = {
        f"ours, {card.step:,} steps": own.squares,
        "ours, the largest face": own.largest,
        "dlib": lambda photo: boxes.squares_of(dlib.find(photo)),
    }
    lines, total = [], len(faces) * len(methods)
    for number, (title, detector) in enumerate(methods.items()):

        def each(done: int, before: int = number * len(faces), title: str = title) -> None:
            progress(before + done, total, title)

        lines.append(boxes.line(boxes.score(title, detector, faces, each)))
    title = f"{options.split} people, squares against those of the landmarks: N = {len(faces)}"
    return Outcome(title, options.about(card, len(faces)), lines, names)
