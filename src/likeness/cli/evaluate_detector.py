"""``likeness evaluate detector``: landmark detectors on test people's photos with known landmarks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from likeness.cli import options, tables
from likeness.errors import LikenessError


def run(given: argparse.Namespace) -> int:
    """Our own finder and detector, dlib and pfld68."""
    from likeness import systems
    from likeness.card import read_card
    from likeness.data.folder import photos_in
    from likeness.data.points import landmarks_in
    from likeness.evaluate import detectors
    from likeness.evaluate.judge import judging_reader
    from likeness.faces.face_detector import OwnBackend
    from likeness.faces.reader import FaceReader
    from likeness.image import read
    from likeness.train.run import commit

    known = landmarks_in(given.landmarks)
    chosen = [photo for photo in photos_in(given.real) if photo.side == given.split and photo.name in known]
    chosen = chosen[: given.limit] if given.limit else chosen
    if len(chosen) < 2:
        raise LikenessError(f"{given.real}: holds fewer than 2 photos of {given.split} people with a line in {given.landmarks}")
    faces = [(read(photo.path), known[photo.name]) for photo in chosen]
    card, finder = (read_card(systems.weights_path(name)) for name in ("landmark_detector", "face_detector"))
    methods: dict[str, detectors.Detector] = {
        f"ours, {card.step:,} steps": detectors.of_reader(FaceReader(OwnBackend())),
        "dlib": detectors.of_reader(judging_reader()),
        "pfld68, told where the face is": detectors.pfld(),
    }
    lines = []
    with options.bar("measuring") as show:
        for number, (title, detector) in enumerate(methods.items()):
            before, total = number * len(faces), len(faces) * len(methods)

            def progress(done: int, before: int = before, total: int = total, title: str = title) -> None:
                show(before + done, total, title)

            found = detectors.score(title, detector, faces, progress)
            lines.append(found.line())
    about = {
        "system": "detector",
        "recipe": card.recipe["name"],
        "step": card.step,
        "commit": commit(),
        "faces_of": f"{Path(given.real).name} {given.split} people's photos with landmarks",
        "instruments": tables.instruments("pfld68"),
    }
    print(f"{given.split} people, inter-ocular error in per cent: N = {len(faces)}")
    table = [tables.flat(line) for line in lines]
    tables.show(table)
    tables.say(about)
    if given.csv:
        tables.write_csv(given.csv, table, about)
    if given.output:
        said = {**about, "data": about["faces_of"], "faces": len(faces), "finder_step": finder.step, "lines": lines}
        tables.write_text(given.output, json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    return 0
