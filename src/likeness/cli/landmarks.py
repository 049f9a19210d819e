"""``likeness landmarks``: the 68 landmarks of a photo as JSON; changed on the way, if asked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "landmarks", run, "read the 68 landmarks of a photo, or of JSON, change them if asked, write JSON"
    )
    parser.add_argument(
        "photo", metavar="PHOTO", help="a photo, a folder of them (one file a photo comes out), or landmarks as JSON"
    )
    parser.add_argument("-o", "--output", metavar="PATH", help="the JSON to write, or for a folder the folder")
    parser.add_argument("--face", type=int, default=1, metavar="N", help="which face, as likeness inspect numbers them")
    parser.add_argument("--draw", metavar="PICTURE", help="draw them into the photo too")
    changes(parser)


def changes(parser: argparse.ArgumentParser) -> None:
    """The options that change a face by its landmarks."""
    parser.add_argument(
        "--yaw", type=float, default=0, metavar="D", help="turn the head by D degrees to the right of the picture"
    )
    parser.add_argument("--pitch", type=float, default=0, metavar="D", help="turn it down by D degrees")
    parser.add_argument("--roll", type=float, default=0, metavar="D", help="lean it by D degrees, clockwise")
    parser.add_argument("--eyes", type=float, metavar="X", help="open the eyes X times as wide (0 closes them)")
    parser.add_argument("--mouth", type=float, metavar="X", help="open the mouth by X eye distances (0 closes it)")
    parser.add_argument(
        "--shift",
        action="append",
        default=[],
        metavar="PART=RIGHT,DOWN",
        help="move a part, in eye distances, such as brows=0,-0.1",
    )
    parser.add_argument("--scale", action="append", default=[], metavar="PART=X", help="make a part X times as large")


def changing(given: argparse.Namespace) -> dict[str, Any]:
    """Those options as arguments of :func:`likeness.faces.moves.changed`."""
    scaled = [_numbers(text, "--scale", 1) for text in given.scale]
    return {
        **{name: getattr(given, name) for name in ("yaw", "pitch", "roll", "eyes", "mouth")},
        "scale": tuple((part, numbers[0]) for part, numbers in scaled),
        "shift": tuple(_numbers(text, "--shift", 2) for text in given.shift),
    }


def _numbers(text: str, option: str, count: int) -> tuple[str, tuple[float, ...]]:
    part, _, numbers = text.partition("=")
    try:
        found = [float(number) for number in numbers.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(abs(number) < 1e3 for number in found):
        raise LikenessError(f"{option} {text}: write it as {'brows=1.2' if count == 1 else 'brows=0,-0.1'}")
    return part, tuple(found)


def run(given: argparse.Namespace) -> int:
    """Read, change, write."""
    from likeness import provenance
    from likeness.faces import moves
    from likeness.faces.landmark_detector import dotted
    from likeness.faces.points import read_points, write_points
    from likeness.faces.reader import FaceReader
    from likeness.image import check_writable, read

    source = Path(given.photo)
    photos = list(options.jobs(given.photo, given.output, "landmarks", suffix=".json"))
    if given.draw:
        if source.is_dir() or source.suffix.lower() == ".json":
            raise LikenessError("--draw: needs one photo, not a folder and not landmarks")
        check_writable(given.draw)
        if Path(given.draw).resolve() in (source.resolve(), photos[0][1].resolve()):
            raise LikenessError(f"{given.draw}: is another file of this command; name another")
    reader = None if source.suffix.lower() == ".json" else FaceReader()

    def work(before: Path, after: Path) -> None:
        about: dict[str, Any] = {"file": str(before), "order": "iBUG 68, pixel centres from (0, 0)"}
        if reader is None:
            points = read_points(before)
        else:
            photo = read(before)
            points = reader.face(photo, str(before), given.face).landmarks
            about |= {"size": [photo.shape[1], photo.shape[0]], "detector": reader.backend.name}
        points = moves.changed(points, **changing(given))
        write_points(after, points, about)
        if given.draw and reader is not None:
            picture = dotted(photo, points, radius=max(round(max(photo.shape) / 250), 1))
            provenance.write(given.draw, picture, provenance.software("landmarks"), provenance.ENHANCED)
        print(after)

    return options.each(photos, work, given.photo)
