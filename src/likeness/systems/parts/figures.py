"""The paper's figures as pictures: reconstruction (4), swaps in a row (6, 7), the synthesis matrix (8)."""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likeness import sheet
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.parts import Patch
from likeness.records import Image
from likeness.systems.parts.synthesis import PartsSynthesizer, Person, exchange

GROUPS: dict[str, tuple[str, ...]] = {"eyes": parts.ALIASES["eyes"], "nose": ("nose",), "mouth": ("mouth",)}
"""The columns of figure 8."""


def show_patch(patches: Sequence[Patch], margin: int = 6) -> Image:
    """Cut-out parts on white, trimmed to a square round them."""
    image = np.full_like(patches[0].image, 255)
    where = np.zeros(patches[0].mask.shape, np.bool_)
    for patch in patches:
        image[patch.mask] = patch.image[patch.mask]
        where |= patch.mask
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    half = max(rows[-1] - rows[0], columns[-1] - columns[0]) // 2 + margin
    y, x = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    padded = np.pad(image, ((half, half), (half, half), (0, 0)), constant_values=255)
    return padded[y : y + 2 * half, x : x + 2 * half]


def reconstruction(system: PartsSynthesizer, person: Person, names: Sequence[str] = parts.FACE) -> Image:
    """Figure 4: the parts, the face made from them, the photo."""
    chosen = person.parts(names)
    row = [system.show_parts([chosen])[0], system.draw([chosen])[0], person.image]
    return sheet.grid([row], cell=2 * system.framing.size, columns=["parts", "face", "photo"])


@dataclass(frozen=True)
class Row:
    """``faces`` B × S × S × 3, the reconstruction first, and the labelled ``picture`` with the donors above."""

    faces: Image
    picture: Image


def swap(system: PartsSynthesizer, person: Person, donors: Sequence[tuple[str, dict[str, Patch]]]) -> Row:
    """Figures 6 and 7: one person's face with a part of each donor in turn, in a row, the reconstruction first.

    Args:
        system: the trained model.
        person: whose face is kept.
        donors: (name, patches to put in) of each donor.
    """
    if not donors:
        raise LikenessError("name at least one picture to take the part from")
    base = person.parts(parts.FACE)
    changed = {name for _, patches in donors for name in patches}
    if "jaw" in changed:
        base = person.parts((*parts.FACE, "jaw"))
    conditions = [base] + [exchange(base, patches, patches) for _, patches in donors]
    faces = system.draw(conditions)
    above = [person.image] + [show_patch(list(patches.values())) for _, patches in donors]
    headings = ["photo"] + [name for name, _ in donors]
    picture = sheet.grid(
        [above, list(faces)],
        cell=system.framing.size,
        columns=[_short(text) for text in headings],
        captions=[[], ["reconstruction"]],
    )
    return Row(faces, picture)


def combinations(people: int, count: int | None, seed: int) -> list[tuple[int, ...]]:
    """Who gives eyes, nose and mouth: all that mix at least two people, or ``count`` random ones of them, in order of chance."""
    if seed < 0:
        raise LikenessError(f"--seed {seed}: a number from 0 is needed")
    every = [who for who in itertools.product(range(people), repeat=len(GROUPS)) if len(set(who)) > 1]
    if count is None:
        return every
    order = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[i] for i in order]


def matrix(
    system: PartsSynthesizer, people: Sequence[Person], count: int | None = None, seed: int = 0
) -> tuple[Image, list[tuple[int, ...]], Image]:
    """Figure 8: each person's photo, parts and reconstruction in a row; below, faces with the parts of several people.

    Args:
        system: the trained model.
        people: two to 26 of them, called A, B, C … in the picture.
        count: how many mixed faces, chosen by ``seed``; None for all combinations of at least two people.
        seed: the chance in the choice.

    Returns:
        The labelled picture, who gave (eyes, nose, mouth) for each mixed face, and those faces B × S × S × 3.
    """
    if not 2 <= len(people) <= 26:
        raise LikenessError(f"a matrix needs 2 to 26 people, got {len(people)}")
    chosen = combinations(len(people), count, seed)
    if len(chosen) > 1000:
        raise LikenessError(f"{len(people)} people have {len(chosen)} combinations; choose some with --random N")
    own = [person.parts() for person in people]
    mixes = []
    for who in chosen:
        mix: dict[str, Patch] = {}
        for giver, names in zip(who, GROUPS.values(), strict=True):
            mix = exchange(mix, own[giver], names)
        mixes.append(mix)
    faces = system.draw([*own, *mixes])
    rows: list[list[Image | None]] = []
    for person, patches, face in zip(people, own, faces, strict=False):
        shown = [show_patch([patches[name] for name in names]) for names in GROUPS.values()]
        rows.append([person.image, *shown, face])
    across = len(rows[0])
    labels, captions = list(string.ascii_uppercase[: len(people)]), [[""]] * len(people)
    made = faces[len(people) :]
    for start in range(0, len(made), across):
        rows.append(list(made[start : start + across]))
        labels.append("")
        captions.append(
            [
                " ".join(f"{part} {string.ascii_uppercase[p]}" for part, p in zip(GROUPS, who, strict=True))
                for who in chosen[start : start + across]
            ]
        )
    picture = sheet.grid(
        rows, cell=system.framing.size, columns=["photo", *GROUPS, "reconstruction"], labels=labels, captions=captions
    )
    return picture, chosen, made


def _short(text: str, most: int = 18) -> str:
    name = text.rsplit("/", 1)[-1]
    return name if len(name) <= most else name[: most - 1] + "…"
