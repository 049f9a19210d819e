"""Run every shipped system without torch, pyarrow and the learning half of the package.

python tools/try_base.py            # in an environment that has only the base install
python tools/try_base.py --block    # elsewhere: the packages and rooms of the learning half are made unimportable first
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from sample_requests import request

PACKAGES = ("torch", "pyarrow", "tensorboard", "onnx", "onnxscript", "scipy", "matplotlib", "dlib")
ROOMS = ("nn", "losses", "data", "system", "train", "export", "evaluate", "baselines", "checkpoint")


def main() -> None:
    """Make a picture with every system, by library and by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--block", action="store_true")
    given = parser.parse_args()
    for name in (*PACKAGES, *(f"likeness.{room}" for room in ROOMS)) if given.block else ():
        sys.modules[name] = None  # type: ignore[assignment]
    if not given.block:
        from importlib.util import find_spec

        if present := [name for name in PACKAGES if find_spec(name)]:
            sys.exit(f"{present[0]} is installed here; this is to be tried without it (or with --block)")

    import likeness
    from likeness import assets, cli, systems

    samples = sorted(assets.SAMPLES.glob("*.png"))
    first, second, *_ = samples
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in systems.SYSTEMS:
            if not systems.weights_path(name).is_file():
                print(f"{name}: no weights ship yet")
                continue
            result = likeness.load(name)(**request(name, samples))
            result.save(folder / f"{name}.png")
            print(f"{name}: {result.picture.shape[1]} x {result.picture.shape[0]}")
        sketch, points = str(folder / "sketch.png"), str(folder / "points.json")
        calls = [
            ["parts", str(first), "--sheet", "-o", str(folder / "a.png")],
            ["swap", str(first), "--mouth", str(second), "-o", str(folder / "b.png")],
            ["matrix", str(first), str(second), "-o", str(folder / "c.png")],
            ["effect", "pencil", str(first), "-o", sketch],
            ["portrait", "draw", sketch, "-o", str(folder / "d.png")],
            ["sketch", "--from-photo", str(first), "-o", str(folder / "e.png")],
            ["sketch", sketch, "-o", str(folder / "f.png")],
            ["parse", str(first), "-o", str(folder / "g.png")],
            ["landmarks", str(first), "-o", points],
            ["face", points, "-o", str(folder / "h.png")],
            ["inspect", str(first), "-o", str(folder / "i.png")],
            ["verify", str(folder / "a.png")],
            ["systems"],
        ]
        for call in calls:
            if status := cli.main(call):
                sys.exit(f"likeness {' '.join(call)} ended with {status}")
    loaded = [name for name in PACKAGES if sys.modules.get(name)]
    if loaded:
        sys.exit(f"{loaded[0]} was imported")
    print("all systems ran without torch")


if __name__ == "__main__":
    main()
