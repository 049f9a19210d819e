"""``likeness effect``: a photo as a drawing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from likeness.records import Image

NAMES = ("style_a", "style_b", "pencil", "line", "halftone", "hand_drawn")


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "effect", run, "turn a photo into a black-and-white drawing")
    parser.add_argument("effect", choices=[*NAMES, "all"], help="which effect; all: a sheet of every one beside the photo")
    parser.add_argument("photo", metavar="PHOTO", help="a photo, or a folder of them")
    parser.add_argument("-o", "--output", metavar="PATH", help="the picture to write, or for a folder the folder")
    parser.add_argument("--seed", type=int, default=0, help="the chance in strokes, grain and grid (default: 0)")
    parser.add_argument(
        "--erase", metavar="FEATURES", help="rub out left_eye, right_eye, nose or mouth of each face, such as nose,mouth"
    )
    parser.add_argument(
        "--brush", metavar="MASK", help="rub out what is lighter than middle grey in this picture of the same size"
    )
    parser.add_argument("--json", action="store_true", help="write a JSON file beside each picture that says how it was made")


def run(given: argparse.Namespace) -> int:
    """Draw."""
    from likeness import provenance, sheet
    from likeness.faces import effects
    from likeness.image import read

    options.check_seed(given.seed)
    pairs = list(options.jobs(given.photo, given.output, given.effect))
    names = given.erase.split(",") if given.erase else []
    if unknown := [name for name in names if name not in effects.FEATURES]:
        raise LikenessError(f"--erase {unknown[0]}: there are {', '.join(effects.FEATURES)}")
    brush = read(given.brush, background=0) if given.brush else None

    def work(before: Path, after: Path) -> None:
        photo = read(before)
        chosen = NAMES if given.effect == "all" else (given.effect,)
        try:
            regions = _regions(photo, names, brush)
            drawings = [_rubbed(effects.apply(name, photo, given.seed), regions) for name in chosen]
        except LikenessError as problem:
            raise LikenessError(f"{before}: {problem}") from None
        picture = drawings[0]
        if given.effect == "all":
            picture = sheet.grid([[photo, *drawings]], cell=256, columns=["photo", *NAMES])
        provenance.write(after, picture, provenance.software("effect", given.effect), provenance.ENHANCED)
        if given.json:
            said = {"command": "effect", "effect": given.effect, "photo": str(before), "seed": given.seed}
            options.sidecar(after, said | {"erased": names, "brush": given.brush})
        print(after)

    return options.each(pairs, work, given.photo)


def _regions(photo: Image, names: list[str], brush: Image | None) -> list[NDArray[np.bool_]]:
    """Where features and brushed places are erased, in their order."""
    from likeness.faces import effects
    from likeness.faces.reader import FaceReader

    regions = []
    if names:
        faces = FaceReader().faces(photo)
        if not faces:
            raise LikenessError("no face was found, so there is no feature to erase; --brush MASK needs none")
        regions = [effects.erased_region(photo.shape[:2], face.landmarks, names) for face in faces]
    return regions if brush is None else [*regions, brush.mean(2) > 127]


def _rubbed(drawing: Image, regions: list[NDArray[np.bool_]]) -> Image:
    """The drawing with these regions erased."""
    from likeness.faces import effects

    for region in regions:
        drawing = effects.mutilate(drawing, region)
    return drawing
