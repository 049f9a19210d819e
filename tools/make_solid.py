"""Estimate the solid face of ``faces/solid.py``: where the 68 landmarks are in space, from many people's in pictures.

    python tools/make_solid.py faces.parquet

Factorisation under orthography (Tomasi & Kanade 1992) of train people's landmarks and their mirror images: with every face's
middle taken off, the two rows of each face's x and y are a rank-3 product of its view and the shape; the views' axes being
orthogonal and equally long makes it metric. The tenth of faces that fit worst (open mouths, wrong labels) is left out. It
prints the table.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from likeness.data.store import FaceStore
from likeness.faces.landmarks import COUNT, five_points, mirror

Matrix = NDArray[np.float64]


def metric(views: Matrix) -> Matrix:
    """G, 3 × 3, that makes the views 2N × 3 orthogonal and equally long as nearly as can be: views → views·G."""
    x, y = views[0::2], views[1::2]

    def product(a: Matrix, b: Matrix) -> Matrix:
        pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        return np.stack([a[:, i] * b[:, j] + (a[:, j] * b[:, i] if i != j else 0) for i, j in pairs], 1)

    size = (np.linalg.norm(views, axis=1) ** 2).reshape(-1, 2).sum(1)[:, None]
    wrong = np.concatenate([(product(x, x) - product(y, y)) / size, 2 * product(x, y) / size])
    length = ((product(x, x) + product(y, y)) / size).mean(0)
    found = np.linalg.solve(wrong.T @ wrong, length)
    found /= length @ found
    q = np.array([found[[0, 1, 2]], found[[1, 3, 4]], found[[2, 4, 5]]])
    return np.linalg.cholesky(q)


def solid(faces: Matrix, rounds: int = 4) -> Matrix:
    """Faces N × 68 × 2 to the shape 68 × 3 in eye distances: x to the right, y down, z away from the viewer."""
    every = faces - faces.mean(1, keepdims=True)
    kept = np.ones(len(every), bool)
    for _ in range(rounds):
        rows = every[kept].transpose(0, 2, 1).reshape(-1, COUNT)
        left, sizes, right = np.linalg.svd(rows, full_matrices=False)
        shape = np.linalg.inv(metric(left[:, :3] * sizes[:3])) @ right[:3]
        flat = every.transpose(0, 2, 1)
        missed = np.abs(flat - (flat @ right[:3].T) @ right[:3]).mean((1, 2))
        kept = missed < np.quantile(missed, 0.9)
    # turned so that the mean face looks at the viewer
    first, second = np.linalg.lstsq(shape.T, every.mean(0), rcond=None)[0].T
    first /= np.linalg.norm(first)
    second -= second @ first * first
    second /= np.linalg.norm(second)
    turned = shape.T @ np.stack([first, second, np.cross(first, second)], 1)
    if turned[30, 2] > turned[[0, 16], 2].mean():  # the nose is nearer than the ears
        turned[:, 2] *= -1
    eyes = five_points(turned[:, :2].astype(np.float32))[:2]
    return np.asarray(turned / np.linalg.norm(eyes[1] - eyes[0]), np.float64)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    store = FaceStore(parser.parse_args().data).select("train")
    size = store.framing.size
    faces = np.array(store.column("landmarks"), np.float32).reshape(-1, COUNT, 2)
    mirrored = np.stack([mirror(face, size) for face in faces])
    for x, y, z in solid(np.concatenate([faces, mirrored]).astype(np.float64)):
        print(f"    ({x:.3f}, {y:.3f}, {z:.3f}),")


if __name__ == "__main__":
    main()
