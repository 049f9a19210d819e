"""How fast the parts generators are beside each other, and where the time of one photo goes. Ratios, measured in one run.

    python benchmarks/parts_latency.py

The peer is the paper's own generator at full width, run the same way in the same process, in turn with ours.
"""

from __future__ import annotations

import torch
from turns import machine, seconds

from likeness import assets, systems
from likeness.faces.reader import FaceReader
from likeness.image import pictures_in, read
from likeness.systems.parts.synthesis import open_parts
from likeness.systems.parts.system import build_generator


def main() -> None:
    """Print the ratios."""
    system, reader = open_parts(), FaceReader()
    photo = read(pictures_in(assets.SAMPLES)[0])
    person = system.read(photo)
    paper = build_generator(systems.recipe("parts:paper")).eval()  # type: ignore[arg-type]
    canvas = system.canvas([person.parts()])
    with torch.inference_mode():
        ours, theirs, found, whole = seconds(
            lambda: system.paint(canvas),
            lambda: paper(canvas[:, :3]),
            lambda: reader.faces(photo),
            lambda: system.draw([system.read(photo).parts()]),
        )
    print(f"paper's G / shipped G, one face: {theirs / ours:.1f}")
    print(f"finding the face / whole call, one photo of {photo.shape[1]}×{photo.shape[0]}: {found / whole:.2f}")
    print(f"painting / whole call: {ours / whole:.2f}")
    print(f"(on this machine the whole call took {whole * 1000:.0f} ms, {machine()})")


if __name__ == "__main__":
    main()
