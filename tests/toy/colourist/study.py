"""A wide and a narrow one, for one number of steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from colourist import protocol
from colourist.recipes import tiny
from likeness.data.store import FaceStore
from likeness.evaluate.people import People
from likeness.experiment import Contender, Outcome, Progress, Study, no_progress, option


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen."""

    widths: tuple[int, ...] = option("widths to compare", (8, 2), metavar="N")


def contenders(experiment: str, options: Options, folder: Path) -> dict[str, Contender]:
    """One a width."""
    store = FaceStore(options.data)
    options.faces(tiny().framing)
    return {f"width-{n}": Contender("colourist", replace(tiny(), width=n), lambda: store) for n in options.widths}


def measure(experiment: str, options: Options, folder: Path, progress: Progress = no_progress) -> Outcome:
    """By the protocol."""
    first, *others = (str(folder / f"width-{n}") for n in options.widths)
    asked = protocol.Options(
        data=options.data, source=options.source, photos=options.photos, weights=first, against=tuple(others)
    )
    return protocol.measure(asked, progress)


STUDY = Study(Options, {"widths": "a wide and a narrow one"}, contenders, measure)
