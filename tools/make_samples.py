"""Make the sample faces that ship: people who do not exist, each mixed from the parts of several and drawn by our model.

    python tools/make_samples.py faces.parquet --weights runs/x

Parts come from train people only, of similar skin tone. The pictures are drawn at 128 × 128 and enlarged twice. Those that
ship are of ``--seeds 42 21 8 16 47 54`` and the parts weights of step 13,884.
"""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image as Pillow

from likeness import assets, provenance
from likeness.data.store import FaceStore
from likeness.faces import parts
from likeness.faces.donors import Donor
from likeness.faces.reader import FaceReader
from likeness.records import AlignedFace
from likeness.systems import load
from likeness.systems.parts.synthesis import PartsSynthesizer

NAMES = ("ada", "bo", "cleo", "dev", "eun", "fay")


def tone(face: AlignedFace) -> np.ndarray:
    """Mean colour of a face's nose: people whose parts are mixed have a similar one."""
    where = parts.mask(face.landmarks, "nose", face.image.shape[0])
    return face.image[where].mean(0) if where.any() else np.full(3, 1e3)


def main() -> None:
    """Write the pictures into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--weights", default="parts")
    parser.add_argument("--seeds", type=int, nargs="+", help="one a sample (default: 0 1 2 …)")
    parser.add_argument(
        "--preview", metavar="PICTURE", help="only draw this many candidates 0 … 63 into a sheet, to choose seeds from"
    )
    given = parser.parse_args()
    system = load(given.weights, "parts")
    assert isinstance(system, PartsSynthesizer)
    people = list(FaceStore(given.data).select("train", "celebamask"))

    skin = np.stack([tone(face) for face in people])

    def face(seed: int) -> np.ndarray:
        chance = np.random.default_rng(seed)
        first = int(chance.integers(len(people)))
        alike = np.argsort(np.linalg.norm(skin - skin[first], axis=1))[1:61]
        givers = dict(zip(("eyes", "nose", "mouth"), (first, *chance.choice(alike, 2, replace=False)), strict=True))
        mix = {}
        for word, i in givers.items():
            giver = people[i]
            mix[word] = Donor(giver.name, parts.cut(giver.image, giver.landmarks, parts.named([word])))
        return system(**mix).picture

    if given.preview:
        from likeness import sheet
        from likeness.image import write

        rows = [[face(8 * i + j) for j in range(8)] for i in range(8)]
        write(given.preview, sheet.grid(rows, captions=[[str(8 * i + j) for j in range(8)] for i in range(8)]))
        return
    for name, seed in zip(NAMES, given.seeds or range(len(NAMES)), strict=True):
        picture = np.asarray(Pillow.fromarray(face(seed)).resize((256, 256), Pillow.Resampling.LANCZOS))
        FaceReader().face(picture, name)
        provenance.write(assets.SAMPLES / f"{name}.png", picture, provenance.software("parts", "sample"))


if __name__ == "__main__":
    main()
