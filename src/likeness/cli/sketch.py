"""``likeness sketch``: a photo from a sketch through an intermediate parsing that can be seen and edited; and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.records import Image
    from likeness.synthesizer import Result

DRAWING = "isegan_sketch"
"""What ships for photo → sketch."""


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "sketch", run, "make a photo from a sketch of a face, or with --from-photo a sketch from a photo"
    )
    parser.add_argument("sketch", metavar="SKETCH", help="a sketch of a face, of any size, or a folder of them")
    parser.add_argument("-o", "--output", metavar="PATH", help="the picture to write, or for a folder the folder")
    parser.add_argument(
        "--from-photo",
        action="store_true",
        help="SKETCH is a photo: make a sketch of it (--weights say for themselves which way they go)",
    )
    parser.add_argument(
        "--parsing", metavar="FILE.png", help="write the intermediate parsing too, 200 × 250, to look at and to edit"
    )
    parser.add_argument("--with-parsing", metavar="FILE.png", help="follow this parsing, edited in the colours of --parsing")
    parser.add_argument(
        "--frame",
        default="auto",
        choices=["auto", "align", "as-is"],
        help="align SKETCH by its face, or take the whole as it is (default: auto: as it is where it is 200 × 250, like CUFS)",
    )
    parser.add_argument("--framed", action="store_true", help="write the made 200 × 250 alone, not pasted back into SKETCH")
    parser.add_argument("--sheet", action="store_true", help="write sketch, both parsings and both stages' photos side by side")
    parser.add_argument("--weights", metavar="W", help="a weights file or run directory (default: what ships)")
    parser.add_argument("--json", action="store_true", help="write a JSON file beside each picture that says how it was made")


def run(given: argparse.Namespace) -> int:
    """Frame, parse, make, and put back."""
    from likeness import provenance, systems
    from likeness.image import check_writable

    single = not Path(given.sketch).is_dir()
    if not single and (given.parsing or given.with_parsing):
        raise LikenessError("--parsing and --with-parsing: go with one picture, not with a folder")
    pairs = list(options.jobs(given.sketch, given.output, "sketch" if given.from_photo else "photo"))
    if given.parsing:
        check_writable(given.parsing)
    taken = {Path(path).resolve() for path in [given.with_parsing, *(before for before, _ in pairs)] if path}
    for path in [*(after for _, after in pairs), *([Path(given.parsing)] if given.parsing else [])]:
        if path.resolve() in taken:
            raise LikenessError(f"{path}: is another picture of this command; name another file")
        taken.add(path.resolve())
    given.weights = given.weights or (DRAWING if given.from_photo else "isegan")
    system = systems.load(given.weights, "isegan")
    word = system.conditions[0].name
    if given.from_photo and word != "photo":
        raise LikenessError(f"{given.weights}: makes photos from sketches, not sketches --from-photo")

    def work(before: Path, after: Path) -> None:
        result = system(**{word: before, "parsing": given.with_parsing, "frame": given.frame})
        if given.sheet:
            provenance.write(after, _sheet(result, word), result.tool)
        else:
            (result if given.framed else result.pasted()).save(after)
        if given.parsing:
            provenance.write(Path(given.parsing), result.intermediates["parsing"], result.tool)
        if given.json:
            said = {"from": str(before), "edited": given.with_parsing}
            options.sidecar(after, options.made_with(given, result) | said)
        print(after)

    return options.each(pairs, work, given.sketch)


def _sheet(result: Result, word: str) -> Image:
    """X, P_s, P_int, Ŷ(1) and Ŷ(2)."""
    from likeness import sheet

    names = [word, "source parsing", "parsing", "first"]
    row: list[Image | None] = [*(result.intermediates[name] for name in names), result.picture]
    return sheet.grid([row], cell=250, columns=["given", "P_s", "P_int", "stage I", "stage II"])
