"""Renew tests/thumbnails: what each shipped system makes of three sample faces, 32 × 32 each, side by side.

    python tools/make_thumbnails.py                 of every system that ships
    python tools/make_thumbnails.py parts portrait  of some

Look at them before they are committed: they say what the weights make today. The sample faces are people who do not exist.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from sample_requests import request

import likeness
from likeness import assets, provenance, systems
from likeness.image import pictures_in
from likeness.records import Image

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "thumbnails"
SIDE, COUNT = 32, 3


def thumbnails(system: str) -> Image:
    """What a shipped system makes of the first three sample faces: 32 × 96 × 3."""
    made, samples = likeness.load(system), pictures_in(assets.SAMPLES)
    results = made.make([made.prepare(request(system, samples, number)) for number in range(COUNT)])
    small = [cv2.resize(one.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in results]
    return np.concatenate(small, 1).astype(np.uint8)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", nargs="*", default=[one for one in systems.SYSTEMS if (assets.WEIGHTS / one).is_dir()])
    for name in parser.parse_args().system:
        print(provenance.write(FOLDER / f"{name}.png", thumbnails(name), provenance.software(name, "thumbnails")))


if __name__ == "__main__":
    main()
