"""``likeness direction``: an attribute of made faces as a slider, learned in the noise."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.cli.many import opened, shared, steps_of, target_of, warn, write_series
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.systems.facefeat.directions import Samples
    from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

MOST = 100_000
ASKED = "yaw, mouth (opening), smile or light; with --labels any word"


def add(commands: Any) -> None:
    """Add the command."""
    options.command(
        commands, "direction", learn, "an attribute of made faces as a slider: learn it in the noise, apply it", _below
    )


def _below(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="WHAT", required=True, parser_class=options.Filled)
    options.command(below, "learn", learn, "learn a direction from many made faces, measured or labelled", _learn)
    options.command(below, "apply", apply, "a person's face along a direction, as a strip or a clip", _apply)


def _learn(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("attribute", metavar="ATTRIBUTE", help=ASKED)
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="whose faces are made and measured (default: the samples)")
    parser.add_argument("-o", "--output", metavar="FILE.json", help="the direction to write (default: ATTRIBUTE.json here)")
    parser.add_argument("-n", "--number", type=int, default=2000, metavar="N", help="faces to make and measure (default: 2000)")
    text = "your own labels of faces that likeness many made: a CSV file, a seed and a number a line"
    parser.add_argument("--labels", metavar="FILE.csv", help=text)
    text = "in which noise: 1 is pose and expression, 2 the rest (default: where the attribute belongs)"
    parser.add_argument("--noise", type=int, choices=(1, 2), metavar="Z", help=text)
    parser.add_argument("--weights", default="facefeat", metavar="W", help="a weights file or run directory")
    parser.add_argument("--seed", type=int, default=0, help="the chance in the faces (default: 0)")
    options.engine(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", metavar="PHOTO", help="a photo of the person")
    parser.add_argument("direction", metavar="FILE.json", help="a direction")
    text = "deviations from the middle, to either side (default: 2.5)"
    parser.add_argument("--reach", type=float, default=2.5, metavar="AMOUNT", help=text)
    parser.add_argument("--steps", type=int, metavar="N", help="how many faces (default: 9, of a clip 60)")
    shared(parser, "the strip to write, or a clip: .mp4 or .mov (default: PHOTO-ATTRIBUTE.png here)")


def learn(given: argparse.Namespace) -> int:
    """Make faces, measure them, and write the direction."""
    from likeness.systems.facefeat import directions

    target = Path(given.output or f"{given.attribute}.json")
    if target.suffix.lower() != ".json":
        raise LikenessError(f"{target}: is written as .json")
    if not given.labels and given.attribute not in directions.ATTRIBUTES:
        known = ", ".join(directions.ATTRIBUTES)
        raise LikenessError(f"{given.attribute}: {known} can be measured; for others give your own labels: --labels FILE.csv")
    if not directions.LEAST <= given.number <= MOST:
        raise LikenessError(f"-n {given.number}: a number from {directions.LEAST} to {MOST} is needed")
    labels = directions.read_labels(given.labels) if given.labels else []
    system = opened(given)
    samples = directions.labelled(system, labels, given.attribute) if given.labels else _measured(given, system)
    found = directions.learn(samples, given.attribute, system.weights.digest[:16], given.noise or 0)
    found.save(target)
    others = ", ".join(f"{name} {value:+.2f}" for name, value in found.others.items())
    print(f"{target}: in z_{found.number}, {found.gain:+.3g} {found.unit} a deviation".replace("  ", " "))
    print(f"  rank correlation {found.spearman:.3f} on {found.held_out} of {found.samples} faces that were held out")
    if others:
        print(f"  correlation of other attributes with it: {others}")
    return 0


def _measured(given: argparse.Namespace, system: FaceFeatSynthesizer) -> Samples:
    from likeness import assets
    from likeness.image import pictures_in
    from likeness.systems.facefeat import directions

    people = [system.person(photo) for photo in given.photos or pictures_in(assets.SAMPLES)]

    def find(picture: Any) -> Any:
        face = system.reader.largest(picture)
        return None if face is None else face.landmarks

    with options.bar("faces") as show:
        return directions.sampled(system, people, find, given.number, given.seed, show)


def apply(given: argparse.Namespace) -> int:
    """Make the strip or the clip."""
    import numpy as np

    from likeness.systems.facefeat import directions

    direction = directions.read(given.direction)
    target = target_of(given.output, given.photo, direction.attribute, clip=True)
    steps = steps_of(given, target)
    if not 0 < given.reach <= directions.FARTHEST:
        raise LikenessError(f"--reach {given.reach:g}: deviations up to {directions.FARTHEST:g} are needed")
    system = opened(given)
    person = system.person(given.photo, "photo", given.face)
    amounts = np.linspace(-given.reach, given.reach, steps).tolist()
    request = {"photo": person, "noise": given.seed}
    results = system.make([system.prepare({**request, "directions": [(direction, amount)]}) for amount in amounts])
    results = [replace(one, made={**one.made, "amount": amount}) for one, amount in zip(results, amounts, strict=True)]
    warn(person.notes, results)
    return write_series(given, results, target)
