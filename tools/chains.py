"""The commands that led to the weights that ship, system by system: told, or run.

    python tools/chains.py                                   which systems there are, and how many steps each took
    python tools/chains.py parts                             the commands that led to the weights of parts
    python tools/chains.py parts --run FOLDER --data shared/data   run them in a folder; again, and it goes on

``--short N`` makes every training N steps long, to see a chain run. What a chain does not repeat (a strength that was changed
while a training ran) stands beside it, and in the card. Weights of the chain stay in FOLDER; ``tools/ship.py`` puts them into
the package.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = ("lfw", "celebamask", "faces", "cufs", "youtube_faces")
"""Folders of photos, as ``--data`` has them."""
PREPARED: dict[str, str] = {
    "faces.parquet": "prepare faces {lfw} {celebamask} {faces} -o faces.parquet",
    "first.parquet": "prepare faces {lfw} {celebamask} -o first.parquet --detector dlib",
    "agreed.parquet": "prepare faces {lfw} {celebamask} -o agreed.parquet --agree 4 --detector dlib",
    "wide.parquet": "prepare faces {lfw} {celebamask} --wide -o wide.parquet --detector dlib",
    "videos.parquet": "prepare faces {youtube_faces} -o videos.parquet --landmarks {youtube_faces}/landmarks68.csv",
    "masks.parquet": "prepare faces {celebamask} --labels {celebamask}/masks --size 256 --hold-out 100 -o masks.parquet",
    "cufs.parquet": "prepare cufs {cufs} -o cufs.parquet",
    "cufs_validation.parquet": "prepare cufs {cufs} --validation -o cufs_validation.parquet",
    "drawings.parquet": "prepare drawings {celebamask} -o drawings.parquet",
}
"""A prepared file → its command."""


@dataclass(frozen=True)
class Sitting:
    """One training: ``recipe`` on ``data``, begun from another sitting's weights, stopped at step ``steps`` of its schedule."""

    name: str
    recipe: str
    data: tuple[str, ...]
    steps: int
    begun: str = ""
    uncounted: int = 0
    """Steps at the beginning that the card does not count, since G does not move in them."""

    def command(self, steps: int = 0) -> str:
        """After the word ``likeness``."""
        words = f"train {self.recipe} --data {' '.join(self.data)} -o {self.name}"
        words += f" --from {self.begun}/weights.safetensors" if self.begun else ""
        return f"{words} --steps {steps or self.steps}"


@dataclass(frozen=True)
class Chain:
    """Sittings, and in what the trainings that were made differ from them, in words."""

    sittings: tuple[Sitting, ...]
    differs: str = ""

    @property
    def steps(self) -> int:
        """What the card says."""
        return sum(one.steps - one.uncounted for one in self.sittings)

    @property
    def commands(self) -> list[str]:
        """After the word ``likeness``: preparations, then trainings."""
        return [PREPARED[name] for name in self.prepared] + [one.command() for one in self.sittings]

    @property
    def prepared(self) -> list[str]:
        """The files that are prepared."""
        return list(dict.fromkeys(name for one in self.sittings for name in one.data))

    @property
    def told(self) -> str:
        """In a card's words."""
        lines = "; ".join(f"`likeness {one}`" for one in self.commands)
        plain = lines.replace("{", "").replace("}", "")
        return f"**Chain**: {plain}." + (f" {self.differs}" if self.differs else "")


CHAINS: dict[str, Chain] = {
    "parts": Chain(
        (
            Sitting("parts_1", "parts:lite", ("first.parquet",), 8500),
            Sitting("parts_2", "parts:finetune", ("faces.parquet",), 5384, "parts_1"),
        ),
        "In the first λ_adv was 0.3 until step 2,500 and 0.2 until 5,349, tint and gain 0.25 and 0.2 until step 4,442.",
    ),
    "portrait": Chain(
        (
            Sitting("portrait_1", "portrait:lite", ("first.parquet",), 7987),
            Sitting("portrait_2", "portrait:finetune", ("faces.parquet",), 3300, "portrait_1"),
        ),
        "The steps of the first were five runs of the same G: 2,500 steps with spectral normalisation in D and λ 30, 1,980 with "
        "λ 10, 983 with the paper's D and λ 100, 1,564 with smaller patches and λ 250, 960 with the recipe.",
    ),
    "parser": Chain((Sitting("parser_1", "parser:lite", ("masks.parquet",), 4000),)),
    "landmark_detector": Chain(
        (Sitting("landmark_detector_1", "landmark_detector:lite", ("agreed.parquet", "videos.parquet", "videos.parquet"), 8000),)
    ),
    "face_detector": Chain((Sitting("face_detector_1", "face_detector:lite", ("wide.parquet",), 6000),)),
    "landmark": Chain(
        (Sitting("landmark_1", "landmark:generic", ("agreed.parquet",), 5000),),
        "It was begun from 650 steps (after 1,000 of the converter alone) with 10 for the image's weight and 0.1 for the "
        "critic's.",
    ),
    "isegan_sketch": Chain((Sitting("isegan_sketch_1", "isegan:sketch", ("cufs.parquet",), 2400),)),
    "isegan": Chain(
        (
            Sitting("isegan_1", "isegan:lite", ("cufs.parquet",), 4300),
            Sitting("isegan_2", "isegan:lite", (*["cufs.parquet"] * 3, "drawings.parquet"), 1600, "isegan_1"),
            Sitting("isegan_3", "isegan:finetune", (*["cufs_validation.parquet"] * 3, "drawings.parquet"), 1442, "isegan_2"),
        ),
        "In the first two the term of the whole in (3) was √8 too small; the first was to have 5,200 steps and was shortened at "
        "step 2,000, before rates had begun to fall.",
    ),
    "facefeat": Chain(
        (
            Sitting("facefeat_1", "facefeat:features", ("faces.parquet",), 4867, uncounted=4867),
            Sitting("facefeat_2", "facefeat:lite", ("faces.parquet",), 4873, "facefeat_1"),
            Sitting("facefeat_3", "facefeat:finetune", ("faces.parquet",), 3960, "facefeat_2", uncounted=3200),
            Sitting("facefeat_4", "facefeat:finetune", ("faces.parquet",), 6114, "facefeat_3", uncounted=3200),
        ),
        "Then `likeness calibrate facefeat --data faces.parquet`.",
    ),
    "joint": Chain(
        (Sitting("joint_1", "joint:lite", ("faces.parquet",), 6552),),
        "The prior weighed .005 until step 640, .0003 after; codes were made narrow again at steps 526 and 640. Until step 1,216 "
        "noise stood where a look is not told (another photo's look since), the identity term weighed 1 (2 since), and 16 % of "
        "the faces were given nothing that tells a place (none since). Since step 3,241 a tenth of the faces are given landmarks "
        "and the photo without its mouth.",
    ),
}
"""A folder of weights → how they were made. Seeds are the recipes' own."""


def run(chain: Chain, folder: Path, data: Path, short: int = 0) -> None:
    """Run a chain's commands in ``folder``, but for those that a former run has done.

    Raises:
        SystemExit: a command failed, with its status.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "done.json"
    done: list[str] = json.loads(note.read_text()) if note.exists() else []
    places: Mapping[str, Path] = {
        name: (data / name).resolve() for name in ("lfw", "celebamask", "faces", "cufs", "youtube_faces")
    }
    commands = [PREPARED[name] for name in chain.prepared] + [one.command(short) for one in chain.sittings]
    for words in commands:
        if words in done:
            continue
        print(f"likeness {words}", flush=True)
        filled = [word.format(**places) for word in shlex.split(words)]
        status = subprocess.run([sys.executable, "-m", "likeness.cli", *filled], cwd=folder).returncode
        if status:
            raise SystemExit(status)
        done.append(words)
        note.write_text(json.dumps(done))


def main() -> None:
    """Tell, or run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", nargs="?", choices=[*CHAINS])
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="run the commands in this folder")
    parser.add_argument("--data", type=Path, help="holds lfw, celebamask, faces, cufs and youtube_faces")
    parser.add_argument("--short", type=int, default=0, metavar="N", help="make every training N steps long")
    given = parser.parse_args()
    if not given.system:
        for name, chain in CHAINS.items():
            print(f"{name}: {chain.steps:,} steps in {len(chain.sittings)} sittings")
        return
    chain = CHAINS[given.system]
    if not given.run:
        print("\n".join(f"likeness {words}" for words in chain.commands))
        if chain.differs:
            print(chain.differs)
        return
    if not given.data:
        parser.error("--run needs --data, where the photos are")
    run(chain, given.run, given.data, given.short)


if __name__ == "__main__":
    main()
