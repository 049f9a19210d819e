"""``likeness face``: a target's face from landmarks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from likeness.cli import landmarks, options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "face", run, "make a target's face from landmarks: those of a JSON file, or of a photo")
    parser.add_argument("landmarks", metavar="POINTS", help="landmarks as JSON, a photo to read them from, or a folder of either")
    options.target(parser)
    parser.add_argument("-o", "--output", metavar="PATH", help="the picture to write, or for a folder the folder")
    parser.add_argument("--own", action="store_true", help="the landmarks are the target's own: do not give them its shape first")
    parser.add_argument("--sheet", action="store_true", help="write the landmarks and the face side by side")
    parser.add_argument("--edits", action="store_true", help="write a sheet of the paper's edits, of every target of the model")
    landmarks.changes(parser)


def run(given: argparse.Namespace) -> int:
    """Frame the landmarks, and draw."""
    import numpy as np

    from likeness import provenance, systems
    from likeness.data.points import read_points
    from likeness.faces.align import upright
    from likeness.faces.reader import FaceReader
    from likeness.image import read
    from likeness.systems.landmark.figures import edits
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer, drawn

    system = systems.load(given.target, "landmark")
    assert isinstance(system, LandmarkSynthesizer)
    system.known(given.name)
    pairs = list(options.jobs(given.landmarks, given.output, "face", also=(".json",)))
    reader = FaceReader() if any(path.suffix.lower() != ".json" for path, _ in pairs) else None

    def work(before: Path, after: Path) -> None:
        if before.suffix.lower() == ".json":
            points = read_points(before)
        else:
            assert reader is not None
            points = reader.face(read(before), str(before)).landmarks
        framed = landmarks.changed(upright(points, system.framing).apply(points), given)
        if given.edits:
            names = [given.name] if given.name else []
            picture = edits(system, framed, names, not given.own)
            print(provenance.write(after, picture, provenance.software("landmark", system.card.recipe["name"])))
            return
        if (strange := system.strangeness(framed, given.name, not given.own)) > 1:
            print(f"likeness: {before}: outside what this model has seen ({strange:.1f} times too far)", file=sys.stderr)
        picture = system.draw([framed], target=given.name, convert=not given.own)[0]
        if given.sheet:
            picture = np.concatenate([drawn(framed, system.framing.size), picture], 1)
        provenance.write(after, picture, provenance.software("landmark", system.card.recipe["name"]))
        print(after)

    return options.each(pairs, work, given.landmarks)
