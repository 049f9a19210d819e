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
    """Frame the landmarks, and make the face."""
    from dataclasses import replace

    import numpy as np

    from likeness import provenance, systems
    from likeness.systems.landmark.figures import edits
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer

    system = systems.load(given.target, "landmark")
    assert isinstance(system, LandmarkSynthesizer)
    system.known(given.name)
    pairs = list(options.jobs(given.landmarks, given.output, "face", also=(".json",)))

    def work(before: Path, after: Path) -> None:
        request = {"landmarks": before, "target": given.name, "convert": not given.own, **landmarks.changing(given)}
        if given.edits:
            picture = edits(system, system.framed(request), [given.name] if given.name else [], not given.own)
            print(provenance.write(after, picture, provenance.software("landmark", system.card.recipe["name"])))
            return
        result = system(**request)
        for line in result.notes:
            print(f"likeness: {before}: {line}", file=sys.stderr)
        if given.sheet:
            result = replace(result, picture=np.concatenate([result.intermediates["landmarks"], result.picture], 1))
        print(result.save(after))

    return options.each(pairs, work, given.landmarks)
