"""``likeness parts``: a face from facial parts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.synthesizer import Synthesizer


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "parts", run, "make a whole face from facial parts of one photo or of several")
    parser.add_argument(
        "photo",
        nargs="?",
        metavar="PHOTO",
        help="a photo, or a folder of them; its own parts are used where no other is named",
    )
    options.part_flags(parser)
    parser.add_argument("--only", metavar="PARTS", help="use only these parts of PHOTO, such as eyes,nose")
    parser.add_argument("--face", type=int, metavar="N", help="which face of PHOTO, 1 is the largest (default: 1)")
    parser.add_argument("--all", action="store_true", help="every face of PHOTO; its number is added to the output's name")
    parser.add_argument("--paste", action="store_true", help="put the face back into PHOTO")
    parser.add_argument("--sheet", action="store_true", help="write parts, face and photo side by side")
    options.making(parser, "the picture to write, or for a folder the folder (default: PHOTO-parts.png here)")


def run(given: argparse.Namespace) -> int:
    """Make the faces."""
    named: dict[str, str] = {name: getattr(given, name) for name in options.PART_FLAGS if getattr(given, name)}
    if given.photo is None and not named:
        raise LikenessError("name a PHOTO, or parts such as --eyes A.jpg --nose B.jpg --mouth C.jpg")
    if given.photo is None and (given.paste or given.only or given.all or given.face is not None):
        raise LikenessError("--only, --face, --all and --paste speak of PHOTO, and none was named")
    if given.all and given.face is not None:
        raise LikenessError("--all and --face exclude each other")
    if given.paste and given.sheet:
        raise LikenessError("--paste and --sheet exclude each other")
    source = given.photo or next(iter(named.values()))
    pairs = list(options.jobs(source, given.output, "parts")) if given.photo else [_mixed(source, given.output)]

    from likeness.faces import parts as names
    from likeness.image import read

    choice = {"only": tuple(given.only.split(","))} if given.only else {}
    names.named(choice.get("only", ()))
    system = options.painter(given.weights, given.engine, given.device)
    shared = options.donated(system, named)

    def work(before: Path, after: Path) -> None:
        if given.photo is None:
            _write(given, system, {**shared}, after)
        elif not given.all:
            _write(given, system, {"photo": before, "face": given.face, **choice, **shared}, after)
        else:
            for face in system.reader.read_all(read(before), str(before)):
                place = after.with_name(f"{after.stem}-{face.number}{after.suffix}")
                _write(given, system, {"photo": face, "face": face.number, **choice, **shared}, place)

    return options.each(pairs, work, given.photo)


def _mixed(first: str, output: str | None) -> tuple[Path, Path]:
    """Where a face of loose parts goes."""
    from likeness.image import check_writable

    target = Path(output or "face-parts.png")
    target = target / "face-parts.png" if target.is_dir() else target
    check_writable(target)
    return Path(first), target


def _write(given: argparse.Namespace, system: Synthesizer, request: dict[str, Any], target: Path) -> None:
    from dataclasses import replace

    from likeness.systems.parts.figures import reconstruction

    result = system(**request)
    if given.paste:
        result = result.pasted()
    elif given.sheet:
        result = replace(result, picture=reconstruction(result))
    result.save(target)
    if given.json:
        options.sidecar(target, options.made_with(given, result))
    print(target, file=sys.stdout)
