"""The paper's figures as pictures: reconstruction (4), swaps in a row (6, 7), the synthesis matrix (8)."""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likeness import sheet
from likeness.errors import LikenessError
from likeness.faces.donors import Donor
from likeness.faces.parts import Patch
from likeness.faces.reader import PhotoFace
from likeness.records import Image
from likeness.synthesizer import FromParts, Result

GROUPS: tuple[str, ...] = ("eyes", "nose", "mouth")
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


def reconstruction(result: Result) -> Image:
    """Figure 4: the parts, the face made from them, and the photo where there was one."""
    row = [result.intermediates["parts"], result.picture]
    row += [result.intermediates["photo"]] if "photo" in result.intermediates else []
    return sheet.grid([row], cell=2 * result.picture.shape[0], columns=["parts", "face", "photo"][: len(row)])


@dataclass(frozen=True)
class Row:
    """The ``results``, the reconstruction first, and the labelled ``picture`` with the donors above."""

    results: list[Result]
    picture: Image


def swap(system: FromParts, photo: Any, word: str, donors: Sequence[Donor]) -> Row:
    """Figures 6 and 7: one person's face with a part of each donor in turn, in a row, the reconstruction first.

    Args:
        system: the trained model.
        photo: whose face is kept, as :meth:`PartsSynthesizer.prepare` takes it.
        word: which part, one of :data:`likeness.faces.parts.ALIASES`.
        donors: whose part is put in, see :meth:`FromParts.donor`.
    """
    if not donors:
        raise LikenessError("name at least one picture to take the part from")
    only = (*GROUPS, "jaw") if word == "jaw" else GROUPS
    base = {"photo": photo, "only": only}
    requests = [base, *({**base, word: donor} for donor in donors)]
    results = system.make([system.prepare(request) for request in requests])
    above = [results[0].intermediates["photo"]] + [show_patch(list(donor.patches.values())) for donor in donors]
    picture = sheet.grid(
        [above, [result.picture for result in results]],
        cell=system.framing.size,
        columns=[_short(text) for text in ("photo", *(donor.name for donor in donors))],
        captions=[[], ["reconstruction"]],
    )
    return Row(results, picture)


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
    system: FromParts, people: Sequence[PhotoFace], count: int | None = None, seed: int = 0
) -> tuple[Image, list[tuple[int, ...]], list[Result]]:
    """Figure 8: each person's photo, parts and reconstruction in a row; below, faces with the parts of several people.

    Args:
        system: the trained model.
        people: two to 26 of them, called A, B, C … in the picture.
        count: how many mixed faces, chosen by ``seed``; None for all combinations of at least two people.
        seed: the chance in the choice.

    Returns:
        The labelled picture, who gave (eyes, nose, mouth) for each mixed face, and the results of those faces.
    """
    if not 2 <= len(people) <= 26:
        raise LikenessError(f"a matrix needs 2 to 26 people, got {len(people)}")
    chosen = combinations(len(people), count, seed)
    if len(chosen) > 1000:
        raise LikenessError(f"{len(people)} people have {len(chosen)} combinations; choose some with --random N")
    own = [{word: system.donor(person, word) for word in GROUPS} for person in people]
    requests: list[dict[str, Any]] = [{"photo": person} for person in people]
    requests += [{word: own[giver][word] for giver, word in zip(who, GROUPS, strict=True)} for who in chosen]
    results = system.make([system.prepare(request) for request in requests])
    rows: list[list[Image | None]] = []
    for donors, result in zip(own, results, strict=False):
        shown = [show_patch(list(donors[word].patches.values())) for word in GROUPS]
        rows.append([result.intermediates["photo"], *shown, result.picture])
    across, letters = len(rows[0]), string.ascii_uppercase
    labels, captions = list(letters[: len(people)]), [[""]] * len(people)
    mixed = results[len(people) :]
    for start in range(0, len(mixed), across):
        rows.append([result.picture for result in mixed[start : start + across]])
        labels.append("")
        some = chosen[start : start + across]
        captions.append([" ".join(f"{part} {letters[p]}" for part, p in zip(GROUPS, who, strict=True)) for who in some])
    picture = sheet.grid(
        rows, cell=system.framing.size, columns=["photo", *GROUPS, "reconstruction"], labels=labels, captions=captions
    )
    return picture, chosen, mixed


def _short(text: str, most: int = 18) -> str:
    name = text.rsplit("/", 1)[-1]
    return name if len(name) <= most else name[: most - 1] + "…"
