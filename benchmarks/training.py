"""Images a second of training, and the share of what the machine can multiply, both measured in this run.

python benchmarks/training.py                                           # parts:tiny, seconds
python benchmarks/training.py parts:lite --set training.compile=true    # what a choice gives: run it with and without
python benchmarks/training.py parts:paper isegan:paper --device cuda --csv results/training_cuda.csv

The peak is the faster of a large matrix product and a 3 × 3 convolution, in the precision of the recipe, on the same device.
Multiplications are counted by torch's FlopCounterMode in one step, forward and backward, all players moving.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from likeness import systems
from likeness.data.store import FaceStore
from likeness.faces.drawing import drawn_faces
from likeness.files import csv_text, write_content
from likeness.recipe import Phase, Recipe, override
from likeness.train.loop import take_step, train
from likeness.train.precision import multiplies_bfloat16
from likeness.train.run import commit

SIDE = {"cpu": 1536, "cuda": 8192}
"""Of the matrices."""


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def best(call: Callable[[], object], device: torch.device, runs: int = 5) -> float:
    """The shortest time of a call in seconds, after a warm-up."""
    taken = []
    for _ in range(runs + 1):
        wait(device)
        start = time.perf_counter()
        call()
        wait(device)
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def peak(device: torch.device, kind: torch.dtype) -> float:
    """Floating point operations a second: the faster of a matrix product and a convolution."""
    side = SIDE.get(device.type, 4096)
    one, other = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    product = 2 * side**3 / best(lambda: one @ other, device)
    batch, channels, size = (8, 128, 32) if device.type == "cpu" else (64, 256, 64)
    maps = torch.randn(batch, channels, size, size, device=device, dtype=kind).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device, dtype=kind).to(memory_format=torch.channels_last)
    convolution = 2 * batch * size**2 * channels**2 * 9 / best(lambda: conv2d(maps, weight, padding=1), device)
    return max(product, convolution)


def faces_of(recipe: Recipe) -> FaceStore:
    """Drawn faces in the recipe's framing."""
    framing = recipe.framing  # type: ignore[attr-defined]
    return FaceStore.of(drawn_faces(64, framing, paired=True), framing, "drawn", "labels").select("train")


def operations(name: str, recipe: Recipe, device: torch.device) -> int:
    """Floating point operations of a step."""
    system = systems.row(name).build(recipe).to(device)
    store = faces_of(recipe)
    table = {key: column.to(device) for key, column in system.table(store).items()}
    system.fit_statistics(table)
    batch = system.batch({key: column[: recipe.training.batch] for key, column in table.items()}, torch.Generator(), augment=True)
    optimisers = {player: torch.optim.Adam(system.parameters_of(player)) for player in system.players}
    with FlopCounterMode(display=False) as counter:
        take_step(system.train(), batch, recipe.training.phases[0], optimisers, nullcontext())
    return counter.get_total_flops()


def images_a_second(name: str, recipe: Recipe, device: torch.device, seconds: float) -> float:
    """By the loop; the first steps, in which code is made and memory is found, are not counted."""
    stamps: list[float] = []
    warm = 8

    def stop() -> bool:
        if len(stamps) in (warm, warm + 1):
            wait(device)
        stamps.append(time.monotonic())
        if len(stamps) > warm + 3 and stamps[-1] - stamps[warm] > seconds:
            wait(device)
            stamps[-1] = time.monotonic()
            return True
        return False

    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        train(systems.row(name).build(recipe).to(device), name, faces_of(recipe), Path(folder) / "run", stop=stop)
    return recipe.training.batch * (len(stamps) - 1 - warm) / (stamps[-1] - stamps[warm])


def main() -> None:
    """A line a recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["parts:tiny"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--set", action="append", default=[], help="a field of the recipe, as in likeness train")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--csv")
    given = parser.parse_args()
    device = torch.device(given.device)
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{device.type}: {machine}, torch {torch.__version__}")
    peaks: dict[torch.dtype, float] = {}
    rows = [["trained", "settings", "device", "images_a_second", "gflop_an_image", "peak_tflops", "share", "commit"]]
    for written in given.recipes:
        name = written.partition(":")[0]
        recipe = override(systems.recipe(written), given.set)
        phases = (Phase(10**6, tuple(systems.row(name).build(recipe).players)),)
        recipe = replace(recipe, training=replace(recipe.training, phases=phases, every=10**9, look=10**9))
        kind = torch.bfloat16 if recipe.training.bf16 and multiplies_bfloat16(device) else torch.float32
        peaks.setdefault(kind, peak(device, kind))
        count = operations(name, recipe, device)
        rate = images_a_second(name, recipe, device, given.seconds)
        used = rate / recipe.training.batch * count
        print(
            f"{written} {' '.join(given.set)}: {rate:.1f} images/s, {count / recipe.training.batch / 1e9:.2f} GFLOP an image, "
            f"{used / 1e12:.3f} of {peaks[kind] / 1e12:.3f} TFLOP/s measured in {str(kind).removeprefix('torch.')}: "
            f"{used / peaks[kind]:.0%}",
            flush=True,
        )
        settings = ", ".join([str(kind).removeprefix("torch."), *given.set])
        figures = [
            f"{rate:.1f}",
            f"{count / recipe.training.batch / 1e9:.2f}",
            f"{peaks[kind] / 1e12:.3f}",
            f"{used / peaks[kind]:.0%}",
        ]
        rows.append([written, settings, machine, *figures, commit()])
    if given.csv:
        write_content(given.csv, csv_text(rows))


if __name__ == "__main__":
    main()
