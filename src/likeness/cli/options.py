"""Options and habits that several commands share."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.faces.donors import Donor
    from likeness.shards.running import Crew
    from likeness.synthesizer import FromParts, Result
    from likeness.train.session import Session, Trained

PART_FLAGS = ("eyes", "left_eye", "right_eye", "nose", "mouth", "jaw")
Commands = argparse._SubParsersAction


class Filled(argparse.ArgumentParser):
    """A parser whose options are added by ``fill`` when it is first used, so that others need not import what it needs.

    ``usual`` is the sub-command that is meant where the first word is none, empty where there is no such.
    """

    usual = ""

    def __init__(self, *given: Any, fill: Callable[[argparse.ArgumentParser], None] | None = None, **more: Any) -> None:
        super().__init__(*given, **more)
        self._fill = fill

    def filled(self) -> Filled:
        """The same parser with all its options."""
        if (fill := self._fill) is not None:
            self._fill = None
            fill(self)
        return self

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As :meth:`argparse.ArgumentParser.parse_known_args`."""
        words, parser = list(args or ()), self.filled()
        if parser.usual and words and words[0] not in ("-h", "--help", *parser.commands()):
            words.insert(0, parser.usual)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Refuse words that cannot be read, as any other mistake of the user's."""
        raise LikenessError(f"{message}; see {self.prog} --help")

    def commands(self) -> dict[str, argparse.ArgumentParser]:
        """The sub-commands by name."""
        found: dict[str, argparse.ArgumentParser] = {}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found |= action.choices
        return found


def command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
    fill: Callable[[argparse.ArgumentParser], None] | None = None,
) -> Filled:
    """A command with its one-line help; ``fill`` adds its options once it is named."""
    made: Filled = commands.add_parser(name, help=text, description=text, allow_abbrev=False, fill=fill)
    made.set_defaults(run=run, command=name)
    return made


def making(parser: argparse.ArgumentParser, output: str) -> None:
    """The options of every command that makes pictures."""
    parser.add_argument("-o", "--output", metavar="PATH", help=output)
    parser.add_argument(
        "--weights", default="parts", metavar="W", help="a weights file or run directory (default: those that ship)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the chance in it, where there is any (default: 0)")
    engine(parser)
    parser.add_argument("--json", action="store_true", help="write a JSON file beside each picture that says how it was made")


def engine(parser: argparse.ArgumentParser) -> None:
    """The options that say what runs the networks."""
    words = "onnx, int8 (8-bit arithmetic, where there are such graphs), torch, or auto: int8 on a processor, else onnx (default)"
    parser.add_argument("--engine", default="auto", metavar="E", help=words)
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1 … (default: auto)")


def crew(parser: argparse.ArgumentParser) -> None:
    """The options that say who does work in pieces."""
    parser.add_argument(
        "--engine", default="pool", metavar="E", help="pool: processes of this machine (default); ray: a Ray cluster"
    )
    parser.add_argument("--processes", type=int, metavar="N", help="how many processes, or actors of Ray (default: one a core)")
    parser.add_argument(
        "--address", metavar="A", help="of a Ray cluster, such as auto (default: RAY_ADDRESS, or one of this machine)"
    )


def crew_of(given: argparse.Namespace) -> Crew:
    """Who does the work, of :func:`crew`'s options."""
    from likeness.shards.running import Crew

    return Crew(given.engine, given.processes, given.address)


def training(parser: argparse.ArgumentParser) -> None:
    """The options of every command that trains one model."""
    session(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="stop cleanly at step N of the schedule")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a field of the recipe; may be repeated"
    )


def session(parser: argparse.ArgumentParser) -> None:
    """The options of a training session: how long, and on what."""
    parser.add_argument("--minutes", type=float, metavar="M", help="stop training cleanly after M minutes in all")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: cuda where there is one)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: one a core)")


def limits(given: argparse.Namespace) -> dict[str, Any]:
    """What :func:`session`'s options mean for :class:`likeness.train.session.Session`."""
    return {"minutes": given.minutes, "device": given.device, "threads": given.threads}


def target(parser: argparse.ArgumentParser) -> None:
    """The options that say whose face is made from landmarks."""
    parser.add_argument("--target", default="landmark", metavar="T", help="the target's model: a run directory or weights file")
    parser.add_argument("--name", metavar="NAME", help="which of the model's targets, where it has several (default: the first)")


def part_flags(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """``--eyes``, ``--nose`` … each with a picture, or several."""
    for name in PART_FLAGS:
        flag = "--" + name.replace("_", "-")
        shown = f"take the {name.replace('_', ' ')} from this photo, or from a loose picture of just that part"
        if several:
            parser.add_argument(flag, nargs="+", metavar="PICTURE", help=shown)
        else:
            parser.add_argument(flag, metavar="PICTURE", help=shown)


def jobs(
    source: str, output: str | None, ending: str, also: Sequence[str] = (), suffix: str = ".png"
) -> Iterator[tuple[Path, Path]]:
    """(input, output) pairs: one for a file, one for each picture when ``source`` is a folder (then a folder comes out).

    ``also`` are suffixes of further files that are read, ``suffix`` that of what is written, where it is no picture.
    """
    from likeness.image import WRITABLE, check_writable, pictures_in

    path = Path(source)
    if path.is_dir():
        folder = Path(output) if output else Path(f"{path.name or 'folder'}-{ending}")
        if folder.is_file():
            raise LikenessError(f"{folder}: is a file; a folder comes in, so name a folder")
        found = pictures_in(path) + sorted(other for other in path.rglob("*") if other.suffix.lower() in also and other.is_file())
        if not found:
            raise LikenessError(f"{source}: holds no pictures")
        if output and folder.suffix.lower() in WRITABLE:
            raise LikenessError(f"{folder}: a folder comes in, so name a folder, not a picture")
        if folder.resolve() == path.resolve() or path.resolve() in folder.resolve().parents:
            raise LikenessError(f"{folder}: lies in the folder that is read; name another, nothing of yours is overwritten")
        stems = [picture.relative_to(path).with_suffix("") for picture in found]
        often = Counter(stems)
        for picture, stem in zip(found, stems, strict=True):
            name = stem if often[stem] == 1 else stem.with_name(picture.name.replace(".", "_"))
            yield picture, folder / name.with_name(name.name + suffix)
        return
    target = Path(output) if output else Path(f"{path.stem}-{ending}{suffix}")
    if output and target.is_dir():
        target = target / f"{path.stem}-{ending}{suffix}"
    if target.resolve() == path.resolve():
        raise LikenessError(f"{target}: is the picture that is read; name another, nothing of yours is overwritten")
    if suffix != ".png" and target.suffix.lower() != suffix:
        raise LikenessError(f"{target}: is written as {suffix}")
    if suffix == ".png":
        check_writable(target)
    yield path, target


def each(pairs: Sequence[tuple[Path, Path]], work: Callable[[Path, Path], None], source: str | None) -> int:
    """Do the work for each pair; in a folder a picture that fails is reported and the rest goes on.

    Returns 0, or 2 when nothing at all could be made.
    """
    if source is None or not Path(source).is_dir():
        for before, after in pairs:
            work(before, after)
        return 0
    failed = 0
    for before, after in pairs:
        try:
            work(before, after)
        except LikenessError as problem:
            failed += 1
            print(f"likeness: skipped {problem}", file=sys.stderr)
    if failed:
        print(f"likeness: {failed} of {len(pairs)} pictures were skipped", file=sys.stderr)
    return 2 if failed == len(pairs) else 0


def sidecar(picture: Path, content: dict[str, Any]) -> Path:
    """The JSON file beside a picture."""
    from likeness.files import write_content

    text = json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
    return write_content(picture.with_suffix(".json"), text)


def painter(weights: str, engine: str = "auto", device: str = "auto") -> FromParts:
    """The parts system, what stands in for it, or a baseline of it, from its weights."""
    from likeness import systems
    from likeness.card import read_card
    from likeness.synthesizer import FromParts

    name = read_card(systems.weights_path(weights)).system
    if name != "parts" and (name not in systems.known() or "parts" not in systems.row(name).synthesizer_class().stands_in):
        from likeness.systems.parts.protocol import opened  # the baselines are torch all through

        return opened(weights)
    made = systems.load(weights, "parts", engine, device)
    assert isinstance(made, FromParts)
    return made


def gridded(results: Sequence[Result], columns: int = 0) -> Result:
    """Several results as one, in a grid row by row, nearly square where ``columns`` is 0."""
    from dataclasses import replace

    from likeness import sheet

    columns = columns or next(n for n in range(1, len(results) + 1) if n * n >= len(results))
    rows = [[one.picture for one in results[i : i + columns]] for i in range(0, len(results), columns)]
    return replace(results[0], picture=sheet.grid(rows, cell=results[0].picture.shape[0]))


def donated(system: FromParts, named: dict[str, str]) -> dict[str, Donor]:
    """The parts that part flags name, read once; a remark on stderr where a picture was taken as loose."""
    found = {word: system.donor(path, word) for word, path in named.items()}
    for word, donor in found.items():
        if donor.loose:
            shown = word.replace("_", " ")
            print(f"likeness: no face in {donor.name}: taken as a loose picture of the {shown}", file=sys.stderr)
    return found


def note(result: Result) -> None:
    """Say on stderr what a result has to say."""
    for line in result.notes:
        print(f"likeness: {line}", file=sys.stderr)


def made_with(given: argparse.Namespace, result: Result) -> dict[str, Any]:
    """The lines of a sidecar that say how a result was made."""
    from likeness.version import __version__

    return {"command": given.command, **result.made, "weights_from": given.weights, "software": f"likeness {__version__}"}


def check_seed(seed: int) -> None:
    """Refuse a seed that not every generator takes."""
    if not 0 <= seed < 2**31:
        raise LikenessError(f"--seed {seed}: a number from 0 to {2**31 - 1} is needed")


def without_graphs(trained: Trained) -> None:
    """Say on stderr why no graphs stand beside the weights, where none do."""
    if trained.without_graphs:
        print(f"likeness: no graphs were written: {trained.without_graphs}", file=sys.stderr)


def ended(session: Session, trained: Trained) -> int:
    """Say how far a training has come, where it was stopped; the exit code, 0 where no signal stopped it."""
    without_graphs(trained)
    if not trained.complete:
        print(f"stopped at step {trained.step} of {trained.steps}; the same command goes on")
    return 128 + session.stopped if session.stopped else 0


@contextmanager
def bar(what: str) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, a line every ten seconds elsewhere: call it with (done, total[, text]).

    ``LIKENESS_BAR_SECONDS`` in the environment is another time between two lines.
    """
    if not sys.stderr.isatty():
        spoken, pause = time.monotonic(), float(os.environ.get("LIKENESS_BAR_SECONDS") or 10)

        def tell(done: int, total: int, text: str = "") -> None:
            nonlocal spoken
            if time.monotonic() - spoken >= pause or done >= total:
                spoken = time.monotonic()
                print(f"{what} {done}/{total} {text}".rstrip(), file=sys.stderr, flush=True)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=None, note="")

        def move(done: int, total: int, text: str = "") -> None:
            progress.update(task, completed=done, total=total, note=text)

        yield move
