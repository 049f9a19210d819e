"""Each term's share of what a player minimises, and of the gradient that moves it: ``likeness.train.shares`` as a command.

python tools/term_shares.py SYSTEM:RECIPE --data FILE.parquet [--run FOLDER] [--set NAME=VALUE …] [--steps N]

Without ``--run`` the networks are fresh and say little; with it they are those of the state of a training by this recipe.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from likeness import baselines
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.recipe import override
from likeness.train.shares import shares


def main(words: list[str] | None = None) -> int:
    """Print a line a term."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", metavar="SYSTEM:RECIPE")
    parser.add_argument("--data", required=True, nargs="+", metavar="FILE.parquet")
    parser.add_argument("--run", metavar="FOLDER", help="a run directory: its state's weights")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a field of the recipe")
    parser.add_argument("--steps", type=int, default=4, metavar="N", help="batches to look at (default: 4)")
    given = parser.parse_args(words)
    try:
        recipe = override(baselines.recipe(given.recipe), given.set)
        torch.manual_seed(recipe.training.seed)
        system = baselines.row(given.recipe.partition(":")[0]).build(recipe)
        if given.run:
            state = Path(given.run) / "state.pt"
            if not state.is_file():
                raise LikenessError(f"{given.run}: holds no state.pt; name a run directory")
            system.load_state_dict(torch.load(state, map_location="cpu", weights_only=True)["system"])
        found = shares(system, FaceStore.together(given.data), given.steps)
    except LikenessError as problem:
        print(f"term_shares: {problem}", file=sys.stderr)
        return 2
    print(f"{'player':8}{'term':18}{'equation':14}{'weight':>8}{'value':>10}{'gradient':>11}{'of loss':>9}{'of gradient':>13}")
    for one in found:
        print(
            f"{one.player:8}{one.term:18}{one.equation:14}{one.weight:8g}{one.value:10.4f}{one.gradient:11.4g}"
            f"{one.of_loss:9.1%}{one.of_gradient:13.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
