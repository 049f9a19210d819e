"""``likeness many``, ``frontal`` and ``blend``: new photos of a person, the person from the front, and between two."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.synthesizer import Result
    from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer

MOST, DRAWN = 1024, 4096
"""The most faces that are kept, and that are drawn to choose from, in one call: all are in memory."""


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
    _shared(parser, "a picture for a grid, or a folder for single pictures (default: PHOTO-many.png here)")
    parser = options.command(commands, "frontal", frontal, "the person in a photo from the front, with a calm face")
    parser.add_argument("photo", metavar="PHOTO", help="a photo of the person")
    _shared(parser, "the picture to write (default: PHOTO-frontal.png here)")
    parser = options.command(commands, "blend", blend, "faces between those of two people, or between two draws of chance")
    parser.add_argument("first", metavar="A", help="a photo")
    parser.add_argument("second", metavar="B", help="a photo of another person; with --noise a seed")
    parser.add_argument("--steps", type=int, default=9, metavar="N", help="how many faces, both ends included (default: 9)")
    parser.add_argument("--noise", action="store_true", help="from the chance of --seed to that of the seed B, the person of A")
    _shared(parser, "the strip to write (default: A-blend.png here)")


def _shared(parser: argparse.ArgumentParser, output: str) -> None:
    options.making(parser, output)
    parser.set_defaults(weights="facefeat")
    parser.add_argument("--face", type=int, default=1, metavar="N", help="which face of the photo, 1 is the largest (default: 1)")


def _opened(given: argparse.Namespace) -> FaceFeatSynthesizer:
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
    target = _target(given.output, given.photo, "many", folder=True)
    system = _opened(given)
    request = {"photo": system.person(given.photo, "photo", given.face), "keep": keep, "yaw": given.yaw}
    if given.expression:
        request["expression"] = system.person(given.expression, "expression")
    seeds = range(given.seed, given.seed + given.number * given.best_of)
    results = system.make([system.prepare({**request, "noise": seed}) for seed in seeds])
    results = sorted(sorted(results, key=lambda one: -one.made["likeness"])[: given.number], key=lambda one: one.made["noise"])
    _warn(results)
    if target.suffix:
        return _sheet(given, results, target)
    target.mkdir(parents=True, exist_ok=True)
    for result in results:
        place = result.save(target / f"{Path(given.photo).stem}-{result.made['noise']:04d}.png")
        if given.json:
            options.sidecar(place, options.made_with(given, result))
    print(target)
    return 0


def frontal(given: argparse.Namespace) -> int:
    """Make the face."""
    target = _target(given.output, given.photo, "frontal")
    system = _opened(given)
    result = system(photo=given.photo, face=given.face, keep=("rest",), yaw=0.0, neutral=True, noise=given.seed)
    _warn([result])
    result.save(target)
    if given.json:
        options.sidecar(target, options.made_with(given, result))
    print(target)
    return 0


def blend(given: argparse.Namespace) -> int:
    """Make the strip."""
    if not 2 <= given.steps <= MOST:
        raise LikenessError(f"--steps {given.steps}: a number from 2 to {MOST} is needed")
    if given.noise and not given.second.isdigit():
        raise LikenessError(f"{given.second}: with --noise the second is a seed, a number from 0")
    target = _target(given.output, given.first, "blend")
    system = _opened(given)

    from dataclasses import replace

    import numpy as np

    from likeness.systems.facefeat.synthesis import between

    person = system.person(given.first, "photo", given.face)
    first = system.prepare({"photo": person, "noise": given.seed, "keep": () if given.noise else ("pose", "expression", "rest")})
    ends = dict(first.arrays)
    if given.noise:
        last = system.prepare({"photo": person, "noise": int(given.second)}).arrays
        shares = np.linspace(0, 1, given.steps, dtype=np.float32)[:, None]
        poses = ends["pose"] + shares * (last["pose"] - ends["pose"])
        generals = between(ends["general"], last["general"], given.steps)
        steps = [(ends["identity"], pose, general) for pose, general in zip(poses, generals, strict=True)]
    else:
        identities = between(ends["identity"], system.person(given.second, "photo").identity, given.steps)
        steps = [(identity, ends["pose"], ends["general"]) for identity in identities]
    requests = [
        replace(first, arrays={"identity": identity, "pose": pose, "general": general}, made={**first.made, "step": number})
        for number, (identity, pose, general) in enumerate(steps)
    ]
    return _sheet(given, system.make(requests), target, columns=given.steps)


def _target(output: str | None, photo: str, ending: str, folder: bool = False) -> Path:
    """Where the result goes: a picture, or where that can be a folder."""
    from likeness.image import check_writable

    name = f"{Path(photo).stem}-{ending}.png"
    target = Path(output or name)
    if folder and (target.is_dir() or not target.suffix):
        return target if not target.suffix else target / name
    target = target / name if target.is_dir() else target
    check_writable(target)
    return target


def _warn(results: list[Result]) -> None:
    """One line on stderr for the faces in which the person may not be recognised."""
    import sys

    if few := [one for one in results if one.notes]:
        said = few[0].notes[-1] if len(results) == 1 else f"in {len(few)} of {len(results)} the person may not be recognised"
        print(f"likeness: {said}", file=sys.stderr)


def _sheet(given: argparse.Namespace, results: list[Result], target: Path, columns: int = 0) -> int:
    """Write pictures as a grid."""
    options.gridded(results, columns).save(target)
    if given.json:
        made = options.made_with(given, results[0])
        options.sidecar(target, {**made, "faces": [dict(one.made) for one in results]})
    print(target)
    return 0
