"""``likeness systems``: what there is, and what its weights say of themselves."""

from __future__ import annotations

import argparse
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "systems", run, "list systems, baselines and their recipes, or print the card of weights")
    parser.add_argument("--card", metavar="W", help="print the card of a system's name, a weights file or a run directory")
    parser.add_argument("weights", nargs="?", metavar="W", help="the same as --card W")


def run(given: argparse.Namespace) -> int:
    """List, or print a card as JSON."""
    import json
    from dataclasses import asdict
    from importlib.util import find_spec

    from likeness import systems
    from likeness.card import read_card
    from likeness.errors import LikenessError

    if given.weights and given.card:
        raise LikenessError(f"{given.weights}: one card at a time; leave it out, or leave out --card")
    if named := given.card or given.weights:
        print(json.dumps(asdict(read_card(systems.weights_path(named))), indent=2, ensure_ascii=False))
        return 0
    rows = systems.known()
    if find_spec("torch") is not None:  # the baselines are torch all through
        from likeness.baselines import BASELINES

        rows |= BASELINES
    for name, row in rows.items():
        print(f"{name}: {row.what}")
        for variant, make in row.recipes().items():
            print(f"  {name}:{variant:<9}{(make.__doc__ or make().expects).strip().splitlines()[0]}")
    return 0
