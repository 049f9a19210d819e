"""A folder of photos of one person, brought to order: aligned, checked to be one person, and split by photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness import provenance
from likeness.data.folder import Gathered, legible
from likeness.data.pairs import Pairing, check
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing, align
from likeness.faces.descriptor import describer
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.image import pictures_in, read
from likeness.records import AlignedFace

FEWEST, SMALL = 3, 16.0
"""Photos needed; least eye distance in pixels."""


def gather(
    folder: str | Path,
    framing: Framing,
    progress: Callable[[int, int], None] = lambda done, total: None,
    drawings: str | Path | None = None,
) -> Gathered:
    """Read a person's photos; every fifth is held out to look at the model by.

    ``drawings`` is a folder of an artist's drawings of them, called and framed like the photos; photos without one are left out.

    The largest face of a photo is taken. Faces that do not match the others are left out
    (:func:`likeness.faces.descriptor.describer`). Pictures that carry this house's own mark are left out too.

    Raises:
        LikenessError: fewer than three photos are left; the message says what was wrong with the others.
    """
    pairing = None if drawings is None else Pairing("with", str(drawings))
    check(pairing)
    name = "person"  # whatever the folder is called: the same photos are the same data
    reader, describe = FaceReader(), describer()
    found: list[tuple[str, AlignedFace]] = []
    descriptors: list[NDArray[np.float64]] = []
    left_out: list[tuple[str, str]] = []
    paths = pictures_in(folder)
    for number, path in enumerate(paths):
        title = legible(path.relative_to(folder).as_posix())
        try:
            photo = read(path)
            mark = provenance.read(path)
            if mark is not None and "likeness" in mark.software and "portrait" in mark.software:
                raise LikenessError("was made by a portrait model")
            faces = reader.faces(photo)
            if not faces:
                raise LikenessError("no face was found")
            points = faces[0].landmarks
            if eye_distance(points) < SMALL:
                raise LikenessError(
                    f"the face is tiny: its eyes are {eye_distance(points):.0f} pixels apart, {SMALL:.0f} are needed"
                )
            image, landmarks, moved = align(photo, points, framing)
            stem = path.relative_to(folder).with_suffix("").as_posix()
            drawing = None if pairing is None else pairing.of(stem, photo, landmarks, moved, framing)
            descriptors.append(describe.of(photo, points))
            found.append((title, AlignedFace(image, landmarks, name, title, "train", drawing)))
        except LikenessError as problem:
            left_out.append((title, str(problem).removeprefix(f"{path}: ")))
        progress(number + 1, len(paths))
    kept = list(range(len(found)))
    if len(found) > 1:
        person, apart, others = describe.strangers(np.stack(descriptors))
        kept = [i for i in kept if not others[i]]
        for i in np.flatnonzero(others).tolist():
            far = f"distance {apart[i]:.2f} from {found[person][0]} and its like, one person's is below {describe.limit}"
            left_out.append((found[i][0], f"seems to be somebody else: {far}"))
    if len(kept) < FEWEST:
        reasons = "; ".join(f"{title}: {why}" for title, why in left_out[:3]) or f"the folder holds {len(paths)}"
        raise LikenessError(f"{folder}: a person's model needs at least {FEWEST} photos, {len(kept)} can be used ({reasons})")
    faces_kept = []
    for place, i in enumerate(kept):
        face = found[i][1]
        held_out = place % 5 == 4 or (len(kept) < 5 and place == len(kept) - 1)
        side = "validation" if held_out else "train"
        faces_kept.append(replace(face, split=side))
    return Gathered(FaceStore.of(faces_kept, framing, name, "with" if pairing else ""), tuple(left_out))
