"""``likeness study``: a paper's experiments: train every contender of a comparison for one budget, then measure all."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from likeness.cli import fields, options, tables
from likeness.errors import LikenessError


def add(commands: Any) -> None:
    """Add the command; a study's module is imported once its paper is named."""
    text = "train every contender of a paper's comparison for one budget, then measure all; goes on where it stopped"
    options.command(commands, "study", run, text, _papers)


def _papers(parser: argparse.ArgumentParser) -> None:
    """A sub-command for every paper with a study."""
    from likeness import systems

    below = parser.add_subparsers(metavar="PAPER", required=True, parser_class=options.Filled)
    for name, row in systems.known().items():
        if row.study:
            options.command(below, name, run, row.what, partial(_options, name)).set_defaults(paper=name)


def _options(name: str, parser: argparse.ArgumentParser) -> None:
    """The experiments of a paper, and what can be chosen of them."""
    from likeness import systems

    study = systems.row(name).study_record()
    shown = "; ".join(f"{experiment}: {what}" for experiment, what in study.experiments.items())
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"{shown}; all, or none named: all of them")
    fields.add(parser, study.options)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a folder for all runs and results")
    parser.add_argument("--csv", metavar="PATH", help="write the table here too: a file, or a folder for PAPER_EXPERIMENT.csv")
    parser.add_argument("--only-train", action="store_true", help="train and stop, such as beside the same command for others")
    options.session(parser)


def run(given: argparse.Namespace) -> int:
    """Train what is not trained, then measure."""
    from likeness import baselines, systems
    from likeness.experiment import Contender
    from likeness.train.session import Session

    study, folder = systems.row(given.paper).study_record(), Path(given.output)
    chosen = list(dict.fromkeys(given.experiments))
    chosen = [*study.experiments] if chosen in ([], ["all"]) else chosen
    if unknown := [name for name in chosen if name not in study.experiments]:
        raise LikenessError(f"{unknown[0]!r} is not an experiment; there are {', '.join(study.experiments)}, all")
    as_file = bool(given.csv) and Path(given.csv).suffix == ".csv"
    if as_file and len(chosen) > 1:
        raise LikenessError(f"--csv {given.csv}: is one file, and there are {len(chosen)} experiments; name a folder")
    if given.csv and not as_file and Path(given.csv).is_file():
        raise LikenessError(f"--csv {given.csv}: is a file; name a folder for the tables")
    wanted = fields.read(given, study.options)
    with options.bar("training") as show, Session(baselines.row, **options.limits(given)) as session:
        plan: dict[str, Contender] = {}
        for experiment in chosen:
            if not given.only_train:
                study.check(experiment, wanted)
            plan |= study.contenders(experiment, wanted, folder)
        if not session.train_all(plan, folder, show):
            print("stopped before all were trained; the same command goes on")
            return 3
    for experiment in [] if given.only_train else chosen:
        with options.bar("measuring") as show:
            outcome = study.measure(experiment, wanted, folder, show)
        about, name = tables.show_outcome(outcome), experiment if len(study.experiments) > 1 else given.paper
        full = given.paper if name == given.paper else f"{given.paper}_{experiment}"
        place = Path(given.csv) if as_file else Path(given.csv) / f"{full.replace('-', '_')}.csv" if given.csv else None
        tables.write_outcome(outcome, about, folder / f"{name}.json", [folder / f"{name}.csv", place], folder / f"{name}.png")
    return 0
