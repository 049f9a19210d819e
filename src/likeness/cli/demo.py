"""``likeness demo``: the main job on synthetic sample faces, in one contact sheet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "demo", run, "every system on the sample faces, by the commands a user would type; one contact sheet to look at"
    )
    parser.add_argument("-o", "--output", default="demo", metavar="FOLDER", help="where to write (default: demo)")


def run(given: argparse.Namespace) -> int:
    """Make the pictures by the commands a user would type, and put them on one sheet."""
    import numpy as np

    from likeness import assets, cli, provenance, sheet
    from likeness.image import pictures_in, read

    folder = Path(given.output)
    people = [str(path) for path in pictures_in(assets.SAMPLES)]
    first, *others = people
    calls = {
        "a face from its own parts": ["parts", first, "--sheet", "-o", str(folder / "parts.png")],
        "eyes of B, nose of C, mouth of D": [
            "parts", "--eyes", others[0], "--nose", others[1], "--mouth", others[2], "--sheet", "-o", str(folder / "mix.png")
        ],
        "another mouth": ["swap", first, "--mouth", *others, "-o", str(folder / "swap.png")],
        "everybody's parts": ["matrix", *people[:4], "-o", str(folder / "matrix.png")],
        "what each pixel is": ["parse", first, "-o", str(folder / "parse.png")],
    }  # fmt: skip
    calls |= {
        f"{'photos from drawings of' if n == 1 else 'and of'} {Path(person).stem}": [
            "portrait", "draw", person, "--effect", "all", "--sheet", "-o", str(folder / f"portrait-{n}.png")
        ]
        for n, person in enumerate(people[:3], 1)
    }  # fmt: skip
    drawings = {
        "a sketch of A, and the photo of that sketch": ["sketch", "--from-photo", first],
        "a hand-drawn C, and its photo": ["effect", "hand_drawn", people[2]],
        "a line drawing of D, and its photo": ["effect", "line", people[3]],
    }
    before: dict[str, list[list[str]]] = {}
    for n, (title, call) in enumerate(drawings.items(), 1):
        drawing = str(folder / f"sketch-{n}.png")
        before[title] = [[*call, "-o", drawing]]
        calls[title] = ["sketch", drawing, "--sheet", "-o", str(folder / f"sketch-photo-{n}.png")]
    calls["A's landmarks, moved, and the generic face with them"] = ["face", first, "--edits", "-o", str(folder / "landmark.png")]
    calls["A, in nine new photos"] = ["many", first, "-n", "9", "-o", str(folder / "many.png")]
    calls["eyes of B, mouth of C, and like A: nine tries"] = [
        "make", "joint", "--eyes", others[0], "--mouth", others[1], "--like", first, "-n", "9", "-o", str(folder / "tries.png")
    ]  # fmt: skip
    calls["people who do not exist"] = ["make", "joint", "-n", "25", "-o", str(folder / "somebody.png")]
    panels = []
    for title, call in calls.items():
        for one in [*before.get(title, []), call]:
            print("$ likeness " + " ".join(one))
            if status := cli.main(one):
                return status
        panels.append(sheet.titled(read(folder / Path(call[-1]).name), title))
    width = max(panel.shape[1] for panel in panels)
    panels = [np.pad(panel, ((0, 12), (0, width - panel.shape[1]), (0, 0)), constant_values=255) for panel in panels]
    drawn = [panel for panel, call in zip(panels, calls.values(), strict=True) if call[0] == "portrait"]
    provenance.write(folder / "portrait.png", np.concatenate(drawn), provenance.software("demo"))
    sketched = [panel for panel, call in zip(panels, calls.values(), strict=True) if call[0] == "sketch"]
    provenance.write(folder / "isegan.png", np.concatenate(sketched), provenance.software("demo"))
    target = folder / "contact-sheet.png"
    provenance.write(target, np.concatenate(panels), provenance.software("demo"))
    print(f"look at {target.resolve()}")
    print("try your own: likeness parts PHOTO.jpg --sheet")
    return 0
