"""Contact sheets: labelled grids of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from likeness.records import Image

PAPER, INK, GAP = 255, 40, 6


def enlarge(picture: Image, side: int) -> Image:
    """A picture scaled to fit a square of ``side`` pixels, centred on paper."""
    height, width = picture.shape[:2]
    ratio = side / max(height, width)
    small = Pillow.fromarray(picture).resize(
        (max(round(width * ratio), 1), max(round(height * ratio), 1)), Pillow.Resampling.LANCZOS
    )
    canvas = Pillow.new("RGB", (side, side), (PAPER,) * 3)
    canvas.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return np.asarray(canvas)


def grid(
    rows: Sequence[Sequence[Image | None]],
    *,
    cell: int = 128,
    columns: Sequence[str] = (),
    labels: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
) -> Image:
    """Pictures in rows on white paper; ``None`` leaves a cell empty.

    Args:
        rows: the pictures, any sizes; each is fitted into a cell.
        cell: side of a cell in pixels.
        columns: headings above the columns.
        labels: names at the left of the rows.
        captions: a line below each picture, in the shape of ``rows``; rows without are left out.
    """
    font = ImageFont.load_default(max(cell // 10, 11))
    line = round(font.size * 1.5)  # type: ignore[union-attr]
    left = (max((round(font.getlength(label)) for label in labels), default=0) + 2 * GAP) if any(labels) else GAP
    top = line + GAP if any(columns) else GAP
    captioned = [bool(i < len(captions) and any(captions[i])) for i in range(len(rows))]
    wide = max((len(row) for row in rows), default=0)
    width = left + wide * (cell + GAP)
    height = top + sum(cell + GAP + (line if has else 0) for has in captioned)
    sheet = Pillow.new("RGB", (width, height), (PAPER,) * 3)
    pen = ImageDraw.Draw(sheet)
    for j, heading in enumerate(columns):
        pen.text((left + j * (cell + GAP) + cell / 2, top / 2), heading, fill=INK, font=font, anchor="mm")
    y = top
    for i, row in enumerate(rows):
        if i < len(labels):
            pen.text((GAP, y + cell / 2), labels[i], fill=INK, font=font, anchor="lm")
        for j, picture in enumerate(row):
            x = left + j * (cell + GAP)
            if picture is not None:
                sheet.paste(Pillow.fromarray(enlarge(picture, cell)), (x, y))
            if captioned[i] and j < len(captions[i]):
                pen.text((x + cell / 2, y + cell + line / 2), captions[i][j], fill=INK, font=font, anchor="mm")
        y += cell + GAP + (line if captioned[i] else 0)
    return np.asarray(sheet)


def beside(pictures: Mapping[str, Image], count: int = 24) -> Image:
    """The first ``count`` faces of N × S × S × 3 pictures, a row each, with a column for each kind."""
    rows = [[some[i] for some in pictures.values()] for i in range(min(count, *map(len, pictures.values())))]
    return grid(rows, columns=[heading(name) for name in pictures])


def heading(name: str) -> str:
    """A method's name, short enough for a column: without what stands in brackets, at most 22 letters."""
    name = name.split(" (")[0]
    return name if len(name) < 22 else name[:21] + "…"


def titled(picture: Image, title: str) -> Image:
    """A picture with a line of text above it."""
    font = ImageFont.load_default(16)
    canvas = Pillow.new(
        "RGB", (max(picture.shape[1], round(font.getlength(title)) + 2 * GAP), picture.shape[0] + 28), (PAPER,) * 3
    )
    canvas.paste(Pillow.fromarray(picture), (0, 28))
    ImageDraw.Draw(canvas).text((GAP, 14), title, fill=INK, font=font, anchor="lm")
    return np.asarray(canvas)
