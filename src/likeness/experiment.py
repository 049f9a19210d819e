"""What is measured and what is compared, as plain records; no torch and no numpy is needed here.

A *protocol* is a function ``(options, progress) -> Outcome`` in ``systems/<paper>/protocol.py``: the paper's way of measuring a
model. A *study* is a :class:`Study` in ``systems/<paper>/study.py``: named experiments, each with the trainings that it compares
and a function that measures them. Both are plain Python. ``likeness evaluate`` and ``likeness study`` only find them by the
system's row, make command-line options of the options dataclass (see :func:`option`), and print and write the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.recipe import Recipe
    from likeness.records import Image

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

Protocol = Callable[[Any, Progress], "Outcome"]
"""A protocol: its first parameter, ``options``, is annotated with its options dataclass."""


def no_progress(done: int, total: int, text: str = "") -> None:
    """No progress is shown."""


def option(help: str, default: Any = MISSING, *, metavar: str = "", choices: Sequence[str] = (), flag: str = "") -> Any:
    """A field of an options dataclass, with what the command line needs to know of it.

    Args:
        help: one line for a person.
        default: the value where none is given; without one the option is needed.
        metavar: what stands for the value in the help text, such as ``FILE.parquet``.
        choices: the values that are accepted, where they are few.
        flag: the option's name where it is not the field's, such as ``--from``.
    """
    return field(default=default, metadata={"help": help, "metavar": metavar, "choices": tuple(choices), "flag": flag})


NAMING = ("given", "person", "photos", "effect", "change", "erased", "face", "recogniser", "model", "method")
"""The columns that say what a line is of, in the order in which its title has them."""


def distinct(title: str, taken: Container[str]) -> str:
    """A title that is not taken yet: as it is, or with a number behind it.

    Titles go into tables that are published, so two models of one recipe are told apart by number, not by the user's paths.

    >>> distinct("lite", ["lite", "lite (2)"])
    'lite (3)'
    """
    return next(name for number in count(1) if (name := title if number == 1 else f"{title} ({number})") not in taken)


@dataclass(frozen=True)
class Outcome:
    """What was measured.

    ``title`` is a line above the table. ``about`` says on what: ``system``, ``recipe``, ``step``, ``faces_of`` (whose faces, in
    words), ``faces`` (how many) and ``instruments`` (name → beginning of the hash), plain JSON values.

    ``lines`` are the rows of the table: column → text, number, or (mean, standard deviation). Columns of :data:`NAMING` say what
    a line is of. A line's ``each`` is not shown: metric → one value for each of ``names``, so that outcomes can be compared face
    by face.

    ``sheets`` are contact sheets by name, the first being the main one; ``tables`` further tables by name; ``figures`` plots by
    name, as PNG files' bytes; ``notes`` lines below the table.
    """

    title: str
    about: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    names: Sequence[str] = ()
    sheets: Mapping[str, Image] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def record(self) -> dict[str, Any]:
        """The outcome as JSON values: what it is about, ``names``, ``lines`` and further tables.

        Every line has a ``title`` of its own and ``each``, which is empty where nothing was measured face by face.
        """
        more = {"tables": {name: [dict(line) for line in table] for name, table in self.tables.items()}} if self.tables else {}
        return {**self.about, "names": list(self.names), "lines": [_whole(line) for line in self.lines], **more}


def _whole(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its title and ``each``."""
    title = ", ".join(str(line[name]) for name in NAMING if name in line)
    return {"title": title, **line, "each": dict(line.get("each", {}))}


@dataclass(frozen=True)
class Contender:
    """A training that a study compares.

    ``system`` names a system or baseline. ``faces`` gives what it learns from; it is called when the training's turn has come, so
    that it may use what was trained before. ``warm_start`` are weights to begin from, ``terms`` those of the data.
    """

    system: str
    recipe: Recipe
    faces: Callable[[], FaceStore]
    warm_start: Path | None = None
    terms: str = ""


@dataclass(frozen=True)
class Study:
    """A paper's experiments.

    ``experiments`` maps a name to what it compares, in one line. ``options`` is the dataclass of what can be chosen.

    ``contenders(experiment, options, folder)`` are the trainings by name, in order; the run of ``name`` is ``folder / name``.
    Whatever can be refused is refused there, before hours of training. ``measure(experiment, options, folder, progress)``
    measures the runs once all are trained; ``check(experiment, options)`` refuses before what could not be measured.
    """

    options: type[Any]
    experiments: Mapping[str, str]
    contenders: Callable[[str, Any, Path], Mapping[str, Contender]]
    measure: Callable[[str, Any, Path, Progress], Outcome]
    check: Callable[[str, Any], None] = lambda experiment, options: None
