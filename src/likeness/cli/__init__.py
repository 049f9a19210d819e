"""The command line: one file a command; nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from likeness.cli import (
    bulk,
    calibrate,
    compare,
    dataset,
    demo,
    direction,
    effect,
    evaluate,
    export,
    face,
    inspect,
    landmarks,
    make,
    many,
    matrix,
    parse,
    parts,
    portrait,
    prepare,
    reenact,
    sketch,
    studio,
    study,
    swap,
    systems,
    target,
    train,
    verify,
)
from likeness.cli.options import Filled
from likeness.cli.renamed import new_spelling
from likeness.errors import LikenessError
from likeness.version import __version__

COMMANDS = (
    parts,
    swap,
    matrix,
    portrait,
    sketch,
    effect,
    parse,
    landmarks,
    target,
    face,
    reenact,
    many,
    direction,
    dataset,
    make,
    bulk,
    studio,
    inspect,
    verify,
    prepare,
    train,
    export,
    calibrate,
    evaluate,
    compare,
    study,
    systems,
    demo,
)


EXTRAS = {
    "torch": "train",
    "pyarrow": "train",
    "tensorboard": "train",
    "onnx": "train",
    "onnxscript": "train",
    "filelock": "train",
    "scipy": "evaluate",
    "matplotlib": "evaluate",
    "av": "video",
    "dlib": "dlib",
    "ray": "bulk",
    "fsspec": "parquet",
    "fastapi": "studio",
    "uvicorn": "studio",
    "websockets": "studio",
    "starlette": "studio",
    "pydantic": "studio",
}
"""Packages that the base install has not, and the extra that brings each."""


def parser() -> Filled:
    """The whole command line, as one tree of argparse."""
    root = Filled(
        prog="likeness",
        description="Make a face from what you have. Each command says more with --help.",
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"likeness {__version__}")
    commands = root.add_subparsers(metavar="COMMAND", required=True, parser_class=Filled)
    for command in COMMANDS:
        command.add(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did its work, 2 when the user can mend something (one line on stderr says what)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if said := new_spelling(words):
        print(f"likeness: {said}", file=sys.stderr)
        return 2
    try:
        given = parser().parse_args(words)
        status = given.run(given)
        sys.stdout.flush()
        return int(status or 0)
    except LikenessError as mistake:
        print(f"likeness: {mistake}", file=sys.stderr)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        print(f"likeness: this needs {package}: pip install 'likeness[{EXTRAS[package]}]'", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("likeness: stopped", file=sys.stderr)
        return 130
    except MemoryError:
        print("likeness: there is not enough memory for this", file=sys.stderr)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        print(f"likeness: {where}{problem.strerror or problem}", file=sys.stderr)
    return 2
