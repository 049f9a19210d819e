"""``likeness many``, ``frontal`` and ``blend``: new photos of a person, the person from the front, and between two."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likeness.synthesizer import Result
    from likeness.systems.facefeat.directions import Direction
    from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

MOST, DRAWN = 1024, 4096
"""The most faces that are kept, and that are drawn to choose from, in one call: all are in memory."""
STRIP, CLIP, RATE = 9, 60, 30
"""Faces of a strip and of a clip, where no number is given, and a clip's frames a second."""


def add(commands: Any) -> None:
    """Add the commands."""
    parser = options.command(commands, "many", many, "make many new photos of the person in one photo")
    parser.add_argument("photo", metavar="PHOTO", help="a photo of the person")
    parser.add_argument("-n", "--number", type=int, default=16, metavar="N", help="how many (default: 16)")
    parser.add_argument("--best-of", type=int, default=1, metavar="K", help="make K times as many and keep the most alike")
    for word, text in (("pose", "how the head is turned"), ("expression", "the expression"), ("rest", "light, hair and ground")):
        parser.add_argument(f"--keep-{word}", action="store_true", help=f"keep {text} of PHOTO")
    parser.add_argument("--yaw", type=float, metavar="DEGREES", help="turn the head; positive: towards the right of the picture")
    parser.add_argument("--expression", metavar="PICTURE", help="take the expression of this photo")
    text = (
        "move the noise along a direction that likeness direction learned, to AMOUNT deviations from the middle; may be repeated"
    )
    parser.add_argument("--direction", action="append", default=[], metavar="FILE=AMOUNT", help=text)
    shared(parser, "a picture for a grid, or a folder for single pictures (default: PHOTO-many.png here)")
    parser = options.command(commands, "frontal", frontal, "the person in a photo from the front, with a calm face")
    parser.add_argument("photo", metavar="PHOTO", help="a photo of the person")
    shared(parser, "the picture to write (default: PHOTO-frontal.png here)")
    parser = options.command(commands, "blend", blend, "faces between those of two people, or between two draws of chance")
    parser.add_argument("first", metavar="A", help="a photo")
    parser.add_argument("second", metavar="B", help="a photo of another person; with --noise a seed")
    text = f"how many faces, both ends included (default: {STRIP}, of a clip {CLIP})"
    parser.add_argument("--steps", type=int, metavar="N", help=text)
    parser.add_argument("--noise", action="store_true", help="from the chance of --seed to that of the seed B, the person of A")
    shared(parser, "the strip to write, or a clip: .mp4 or .mov (default: A-blend.png here)")


def shared(parser: argparse.ArgumentParser, output: str) -> None:
    """The options of every command that makes faces of one person."""
    options.making(parser, output)
    parser.set_defaults(weights="facefeat")
    parser.add_argument("--face", type=int, default=1, metavar="N", help="which face of the photo, 1 is the largest (default: 1)")


def opened(given: argparse.Namespace) -> FaceFeatSynthesizer:
    """The system of ``--weights``."""
    from likeness import systems
    from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

    options.check_seed(given.seed)
    made = systems.load(given.weights, "facefeat", given.engine, given.device)
    assert isinstance(made, FaceFeatSynthesizer)
    return made


def many(given: argparse.Namespace) -> int:
    """Make the faces."""
    for word, value, most in (("-n", given.number, MOST), ("--best-of", given.best_of, 64)):
        if not 1 <= value <= most:
            raise LikenessError(f"{word} {value}: a number from 1 to {most} is needed")
    if given.number * given.best_of > DRAWN:
        raise LikenessError(f"-n {given.number} --best-of {given.best_of}: at most {DRAWN} faces are drawn at a time")
    keep = tuple(word for word in ("pose", "expression", "rest") if getattr(given, f"keep_{word}"))
    if given.expression and given.keep_expression:
        raise LikenessError("--expression and --keep-expression exclude each other")
    if given.yaw is not None and given.keep_pose:
        raise LikenessError("--yaw and --keep-pose exclude each other")
    directions = [_direction(text) for text in given.direction]
    target = target_of(given.output, given.photo, "many", folder=True)
    system = opened(given)
    person = system.person(given.photo, "photo", given.face)
    request = {"photo": person, "keep": keep, "yaw": given.yaw, "directions": directions}
    if given.expression:
        request["expression"] = system.person(given.expression, "expression")
    seeds = range(given.seed, given.seed + given.number * given.best_of)
    results = system.make([system.prepare({**request, "noise": seed}) for seed in seeds])
    results = sorted(sorted(results, key=lambda one: -one.made["likeness"])[: given.number], key=lambda one: one.made["noise"])
    warn(person.notes, results)
    if target.suffix:
        return write_sheet(given, results, target)
    target.mkdir(parents=True, exist_ok=True)
    for result in results:
        place = result.save(target / f"{Path(given.photo).stem}-{result.made['noise']:04d}.png")
        if given.json:
            options.sidecar(place, options.made_with(given, result))
    print(target)
    return 0


def frontal(given: argparse.Namespace) -> int:
    """Make the face."""
    target = target_of(given.output, given.photo, "frontal")
    system = opened(given)
    person = system.person(given.photo, "photo", given.face)
    result = system(photo=person, keep=("rest",), yaw=0.0, neutral=True, noise=given.seed)
    warn(person.notes, [result])
    result.save(target)
    if given.json:
        options.sidecar(target, options.made_with(given, result))
    print(target)
    return 0


def blend(given: argparse.Namespace) -> int:
    """Make the strip or the clip."""
    target = target_of(given.output, given.first, "blend", clip=True)
    steps = steps_of(given, target)
    if given.noise and not given.second.isdigit():
        raise LikenessError(f"{given.second}: with --noise the second is a seed, a number from 0")
    system = opened(given)
    person = system.person(given.first, "photo", given.face)
    request = {"photo": person, "noise": given.seed, "keep": () if given.noise else ("pose", "expression", "rest")}
    if given.noise:
        other, notes = {**request, "noise": int(given.second)}, person.notes
    else:
        second = system.person(given.second, "photo")
        other, notes = {**request, "identity": second.identity}, (*person.notes, *second.notes)
    results = system.blend(system.prepare(request), system.prepare(other), steps)
    warn(notes, [])
    return write_series(given, results, target)


def steps_of(given: argparse.Namespace, target: Path) -> int:
    """How many faces a strip or clip has."""
    from likeness.video import is_clip

    steps: int = given.steps if given.steps is not None else CLIP if is_clip(target) else STRIP
    if not 2 <= steps <= MOST:
        raise LikenessError(f"--steps {steps}: a number from 2 to {MOST} is needed")
    return steps


def _direction(text: str) -> tuple[Direction, float]:
    """What ``--direction FILE=AMOUNT`` says."""
    from likeness.systems.facefeat import directions

    file, _, amount = text.rpartition("=")
    try:
        return directions.read(file), float(amount)
    except ValueError:
        raise LikenessError(f"--direction {text}: a file, = and a number are needed, such as smile.json=2") from None


def target_of(output: str | None, photo: str, ending: str, folder: bool = False, clip: bool = False) -> Path:
    """Where the result goes: a picture, or where that can be a folder or a clip."""
    from likeness.image import check_writable
    from likeness.video import is_clip

    name = f"{Path(photo).stem}-{ending}.png"
    target = Path(output or name)
    if folder and (target.is_dir() or not target.suffix):
        return target if not target.suffix else target / name
    target = target / name if target.is_dir() else target
    if clip and is_clip(target):
        from likeness.video import Writer

        Writer(target, RATE)  # type: ignore[arg-type]  # refuses what it cannot write
        return target
    check_writable(target)
    return target


def warn(notes: Sequence[str], results: Sequence[Result]) -> None:
    """Say on stderr what the photo is poor in, and in how many faces the person may not be recognised."""
    import sys

    for line in notes:
        print(f"likeness: {line}", file=sys.stderr)
    if few := [one for one in results if len(one.notes) > len(notes)]:
        said = few[0].notes[-1] if len(results) == 1 else f"in {len(few)} of {len(results)} {few[0].notes[-1]}"
        print(f"likeness: {said.replace(' in it', '')}", file=sys.stderr)


def write_series(given: argparse.Namespace, results: list[Result], target: Path) -> int:
    """Write a strip, or a clip where the target is one."""
    from fractions import Fraction

    from likeness import video

    if not video.is_clip(target):
        return write_sheet(given, results, target, columns=len(results))
    with video.Writer(target, Fraction(RATE), tool=results[0].tool) as clip:
        for result in results:
            clip.add(result.picture)
    if given.json:
        _sidecar(given, results, target)
    print(target)
    return 0


def write_sheet(given: argparse.Namespace, results: list[Result], target: Path, columns: int = 0) -> int:
    """Write pictures as a grid."""
    options.gridded(results, columns).save(target)
    if given.json:
        _sidecar(given, results, target)
    print(target)
    return 0


def _sidecar(given: argparse.Namespace, results: list[Result], target: Path) -> None:
    """The JSON file beside a sheet or clip, which says how each face was made."""
    made = options.made_with(given, results[0])
    options.sidecar(target, {**made, "faces": [dict(one.made) for one in results]})
