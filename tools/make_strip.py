"""Make docs/strip.png, 1200 × 500, the picture at the top of the README: five jobs, what is given above what is made.

    python tools/make_strip.py                      all five
    python tools/make_strip.py parts -o strip.png   some of them, elsewhere

Everybody in it is a sample face that ships, a person who does not exist.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import likeness
from likeness import assets, provenance
from likeness.faces.effects import apply
from likeness.image import read
from likeness.records import Image
from likeness.sheet import INK, PAPER, enlarge

WIDTH, HEIGHT, SIDE, TITLE = 1200, 500, 222, 40
GIVEN = ("parts", "drawing", "sketch", "landmarks", "photo")
"""The intermediates that show what a face was made from; the first that a result has."""


@dataclass(frozen=True)
class Job:
    """A column: its title, the system, and the request in terms of the sample faces.

    ``crop`` is the square that is shown of both pictures, (left, top, side) in pixels; None shows all.
    """

    title: str
    system: str
    request: Mapping[str, Any]
    crop: tuple[int, int, int] | None = None


def sample(name: str) -> Path:
    """A sample face by name."""
    return assets.SAMPLES / f"{name}.png"


def jobs() -> tuple[Job, ...]:
    """The five jobs."""
    return (
        Job("parts of three people", "parts", {"eyes": sample("ada"), "nose": sample("bo"), "mouth": sample("cleo")}),
        Job("a drawing", "portrait", {"drawing": apply("pencil", read(sample("fay")))}),
        Job("a sketch", "isegan", {"sketch": apply("hand_drawn", read(sample("cleo")))}, (10, 46, 180)),
        Job("landmarks", "landmark", {"landmarks": sample("eun"), "yaw": 8.0}),
        Job("one photo", "facefeat", {"photo": sample("dev"), "noise": 3, "yaw": 20.0}),
    )


def column(job: Job) -> tuple[Image, Image]:
    """What is given and what is made."""
    result = likeness.load(job.system)(**job.request)
    given = next((result.intermediates[name] for name in GIVEN if name in result.intermediates), None)
    pictures = (result.picture if given is None else given), result.picture
    if job.crop is None:
        return pictures
    left, top, side = job.crop
    above, below = (picture[top : top + side, left : left + side] for picture in pictures)
    return above, below


def strip(chosen: list[Job]) -> Image:
    """The columns side by side, 500 × 1200 × 3."""
    canvas = Pillow.new("RGB", (WIDTH, HEIGHT), (PAPER,) * 3)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(19)
    wide = WIDTH / len(chosen)
    gap = (HEIGHT - TITLE - 2 * SIDE) // 2
    for n, job in enumerate(chosen):
        middle = round((n + 0.5) * wide)
        pen.text((middle, TITLE / 2), job.title, fill=INK, font=font, anchor="mm")
        for row, picture in enumerate(column(job)):
            place = (middle - SIDE // 2, TITLE + row * (SIDE + gap))
            canvas.paste(Pillow.fromarray(enlarge(picture, SIDE)), place)
    return np.asarray(canvas)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", nargs="*", help="which columns (default: all)")
    parser.add_argument("-o", "--output", default=Path(__file__).resolve().parents[1] / "docs" / "strip.png", type=Path)
    given = parser.parse_args()
    chosen = [job for job in jobs() if not given.system or job.system in given.system]
    if not chosen:
        parser.error(f"no such system; there are {', '.join(job.system for job in jobs())}")
    print(provenance.write(given.output, strip(chosen), provenance.software("strip")))


if __name__ == "__main__":
    main()
