"""How far the engines are apart on what ships: the largest difference of any output, batch 1, 2 and 5, on random inputs.

    python benchmarks/engines.py

Sides that may vary are 96 and 160 pixels.
"""

from __future__ import annotations

import numpy as np

from likeness import assets
from likeness.engine import Port, open_weights

SIZES = {"height": 96, "width": 160}


def values(port: Port, batch: int, seed: int) -> np.ndarray:
    """Random values of a port's range."""
    shape = [batch if size == "batch" else SIZES[size] if isinstance(size, str) else size for size in port.shape]
    return port.low + (port.high - port.low) * np.random.default_rng(seed).random(shape, np.float32)


def main() -> None:
    """Print a line a graph."""
    for folder in sorted(assets.WEIGHTS.iterdir()):
        path = folder / "weights.safetensors"
        if not path.is_file():
            continue
        onnx, torch = (open_weights(path, engine).graphs for engine in ("onnx", "torch"))
        for name, graph in onnx.items():
            apart = 0.0
            for batch in (1, 2, 5):
                given = {port.name: values(port, batch, seed) for seed, port in enumerate(graph.inputs)}
                one, other = graph(**given), torch[name](**given)
                apart = max(apart, *(float(np.abs(one[port.name] - other[port.name]).max()) for port in graph.outputs))
            print(f"{folder.name}/{name}: {apart:.1e}")


if __name__ == "__main__":
    main()
