"""Which parts weights ship: every candidate on validation people, who are no test people.

    python tools/choose_parts.py faces.parquet WEIGHTS [WEIGHTS …] [--count 400]

Prints PSNR, SSIM, LPIPS-squeeze, identity (mobilefacenet_b) and the Fréchet and kernel distances on EfficientNet-Lite0's
features, for each source of the file. Faces of which more than 2 % of the framing lies outside their photo are left out.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from likeness import systems
from likeness.data.store import FaceStore
from likeness.evaluate.features import LiteFeatures, Recogniser, face_crop
from likeness.evaluate.frechet import frechet_distance
from likeness.evaluate.judge import judging_reader
from likeness.evaluate.kid import kernel_distance
from likeness.evaluate.lpips import LPIPS
from likeness.evaluate.pixels import psnr, ssim
from likeness.faces import parts
from likeness.image import from_planes, to_planes
from likeness.systems.parts.synthesis import PartsSynthesizer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--count", type=int, default=400, help="faces of each source, one a person, evenly by name")
    parser.add_argument("--engine", default="auto", help="onnx for float32, int8 (default: as commands use them)")
    parser.add_argument("--sheet", help="write a contact sheet of 12 faces of the last source here")
    given = parser.parse_args()
    store = FaceStore(given.data).select("validation").complete(0.02)
    lite, lpips, recogniser, reader = LiteFeatures(), LPIPS(), Recogniser(), judging_reader()
    for source in sorted(set(store.column("source"))):
        faces = list(store.select(source=source).first_of_each_person().evenly(given.count))
        photos = np.stack([face.image for face in faces])
        planes = to_planes(photos)
        real = lite.of_images(photos)
        known = recogniser.embed([face_crop(face.image, face.landmarks) for face in faces])
        columns = [photos]
        print(f"{source}: {len(faces)} validation people")
        for path in given.weights:
            system = systems.load(path, "parts", engine=given.engine)
            assert isinstance(system, PartsSynthesizer)
            laid = [parts.lay(parts.cut(face.image, face.landmarks), system.anchors) for face in faces]
            colours, cover = (np.stack(some) for some in zip(*laid, strict=True))
            made = from_planes(system.complete(colours, cover))
            columns.append(made)
            pictures, originals = torch.from_numpy(to_planes(made)), torch.from_numpy(planes)
            crops, seen = [], []
            for face, picture in zip(faces, made, strict=True):
                found = reader.faces(picture)
                seen.append(bool(found))
                crops.append(face_crop(picture, found[0].landmarks if found else face.landmarks))
            identity = (recogniser.embed(crops) * known).sum(1) * np.array(seen)
            features = lite.of_images(made)
            kernel, _ = kernel_distance(features, real, size=len(faces), subsets=1)
            print(
                f"  {path}: PSNR {float(psnr(pictures, originals).mean()):.2f}, "
                f"SSIM {float(ssim(pictures, originals).mean()):.3f}, "
                f"LPIPS {float(lpips(pictures, originals).mean()):.4f}, identity {identity.mean():.3f}, "
                f"Fréchet {frechet_distance(features, real):.1f}, kernel {kernel:.4f}, no face {len(seen) - sum(seen)}",
                flush=True,
            )
    if given.sheet:
        from likeness import sheet
        from likeness.image import write

        write(
            given.sheet, sheet.grid([[column[i] for column in columns] for i in np.linspace(0, len(faces) - 1, 12).astype(int)])
        )


if __name__ == "__main__":
    main()
