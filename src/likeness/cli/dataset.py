"""``likeness dataset``: labelled faces of people who do not exist."""

from __future__ import annotations

import argparse
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    text = "a labelled set of faces of people who do not exist, to train recognisers on; goes on where it stopped"
    options.command(commands, "dataset", run, text, _options)


def _options(parser: argparse.ArgumentParser) -> None:
    text = "a folder with a folder a person; of Parquet where it ends in .parquet"
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help=text)
    parser.add_argument("--people", type=int, default=1000, metavar="N", help="how many people (default: 1000)")
    parser.add_argument("--each", type=int, default=20, metavar="M", help="faces of each (default: 20)")
    text = "the largest cosine with a training person and with one another (default: as near as a stranger is)"
    parser.add_argument("--apart", type=float, metavar="C", help=text)
    parser.add_argument("--weights", default="facefeat", metavar="W", help="a weights file or run directory")
    parser.add_argument("--pictures", default=".png", metavar=".SUFFIX", help="the pictures' format (default: .png)")
    parser.add_argument("--seed", type=int, default=0, help="the chance in it (default: 0)")
    options.crew(parser)
    parser.add_argument("--runtime", default="auto", metavar="E", help="runs the networks: onnx, int8, torch or auto (default)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1 … (default: auto)")


def run(given: argparse.Namespace) -> int:
    """Make them all."""
    import sys

    from likeness.bulk.dataset import dataset

    options.check_seed(given.seed)
    try:
        with options.bar("making") as show:
            report = dataset(
                given.weights,
                given.output,
                people=given.people,
                each=given.each,
                seed=given.seed,
                apart=given.apart,
                suffix=given.pictures,
                crew=options.crew_of(given),
                engine=given.runtime,
                device=given.device,
                progress=show,
            )
    except KeyboardInterrupt:
        print("likeness: stopped; the same command goes on", file=sys.stderr)
        return 130
    before = f" ({report.resumed} were there before)" if report.resumed else ""
    print(f"{given.output}: {report.faces} faces of {report.people} people{before}")
    print(f"  nearest training person: at most {report.apart:.3f} for who was sampled, {report.nearest:.3f} for a made face")
    print(f"  {report.too_near} faces are nearer than {report.apart:.3f} (column nearest)")
    return 0
