"""How well people are told apart where a person's photos are gathered: validation people, each with two strangers among them.

    python tools/measure_strangers.py faces.parquet [--source lfw]

Prints, for our own E_id and for dlib where it is installed, the share of a person's own photos that are kept and of
strangers' that are, over people with at least five photos.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec

import numpy as np

from likeness.data.store import FaceStore
from likeness.faces.descriptor import Describer, FaceDescriptor, OwnDescriptor

FEWEST, MOST, STRANGERS = 5, 8, 2
"""Photos of a person at least and at most, and how many of others are put among them."""


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--source", default="lfw")
    given = parser.parse_args()
    store = FaceStore(given.data).select("validation", given.source)
    places: dict[str, list[int]] = {}
    for i, name in enumerate(store.column("person")):
        places.setdefault(name, []).append(i)
    chosen = {name: some[:MOST] for name, some in places.items() if len(some) >= FEWEST}
    kinds: list[type[Describer]] = [OwnDescriptor, *([FaceDescriptor] if find_spec("dlib") else [])]
    for kind in kinds:
        describer = kind()
        rows = {
            name: np.stack([describer.of(face.image, face.landmarks) for face in store.take(some)])
            for name, some in chosen.items()
        }
        chance, names = np.random.default_rng(0), list(rows)
        own, others = [], []
        for name in names:
            away = [other for other in names if other != name]
            strange = [rows[other][int(chance.integers(len(rows[other])))] for other in chance.choice(away, STRANGERS, False)]
            _, _, left_out = describer.strangers(np.concatenate([rows[name], np.stack(strange)]))
            own += (~left_out[:-STRANGERS]).tolist()
            others += (~left_out[-STRANGERS:]).tolist()
        print(
            f"{kind.__name__}: of {len(own)} photos of {len(names)} people {100 * np.mean(own):.1f} % are kept, "
            f"of {len(others)} of strangers {100 * np.mean(others):.1f} %"
        )


if __name__ == "__main__":
    main()
