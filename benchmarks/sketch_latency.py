"""How fast the parser and ISEGAN are beside named peers and by both engines, in one run and in turn. Ratios, and milliseconds.

    python benchmarks/sketch_latency.py

The parser's peer is the parser at the size of its paper recipe, ISEGAN's the paper's generators at full width.
"""

from __future__ import annotations

import numpy as np
import torch
from turns import machine, seconds

from likeness import systems
from likeness.image import to_tensor
from likeness.systems.isegan.recipes import paper
from likeness.systems.isegan.synthesis import ISEGANSynthesizer
from likeness.systems.isegan.system import ISEGANSystem
from likeness.systems.parser.recipes import paper as large_parser
from likeness.systems.parser.synthesis import ParserSynthesizer
from likeness.systems.parser.system import ParserSystem


def main() -> None:
    """Print the ratios."""
    small, sketcher, eager = systems.load("parser"), systems.load("isegan"), systems.load("isegan", engine="torch")
    assert isinstance(small, ParserSynthesizer)
    assert isinstance(sketcher, ISEGANSynthesizer) and isinstance(eager, ISEGANSynthesizer)
    large, full = ParserSystem(large_parser()).parser.eval(), ISEGANSystem(paper()).both().eval()
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    tensor, parsing = to_tensor(picture[None]), torch.rand(1, 8, 256, 256)
    maps = np.asarray(parsing.numpy() * 255, np.uint8)
    with torch.inference_mode():
        ours, theirs, both, in_torch, whole, call = seconds(
            lambda: small.parser.framed([picture]),
            lambda: large(tensor),
            lambda: sketcher.stages([picture], maps),
            lambda: eager.stages([picture], maps),
            lambda: full(tensor, parsing),
            lambda: sketcher.stages([picture]),
        )
    print(f"parser of the paper recipe / shipped parser, one face: {theirs / ours:.1f}")
    print(f"paper's G1 and G2 / shipped ones, one face: {whole / both:.1f}")
    print(f"G1 and G2 in torch / by onnxruntime, one face: {in_torch / both:.2f}")
    print(f"G1 and G2 / whole call with its two parsings of a framed sketch: {both / call:.2f}")
    print(f"(on this machine a parsing took {ours * 1000:.0f} ms, a sketch {call * 1000:.0f} ms, {machine()})")


if __name__ == "__main__":
    main()
