"""``likeness prepare``: folders of photos, data sets and clips to one file of aligned faces."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.folder import Report
    from likeness.faces.parser import FaceParser


def add(commands: Any) -> None:
    """Add the command and those below it."""
    text = "find, align and pack faces into one file; prepare FOLDER is short for prepare faces FOLDER"
    parser = options.command(commands, "prepare", run, text)
    parser.usual = "faces"
    below = parser.add_subparsers(metavar="faces | cufs | drawings | targets", required=True, parser_class=options.Filled)
    _faces(options.command(below, "faces", run, "the faces of image folders; run again to go on after an interruption"))
    made = options.command(below, "cufs", _cufs, "the pairs of CUFS, padded, with their parsings")
    made.add_argument("folder", metavar="FOLDER", help="the folder of CUFS")
    made.add_argument("--validation", action="store_true", help="keep some training people for validation, to make choices on")
    made.add_argument("--paper-split", action="store_true", help="the sides of pairs.csv's column paper_split, not split")
    _with_parser(made)
    made = options.command(below, "drawings", _drawings, "effects drawn of photos, framed like CUFS's pairs, with their parsings")
    made.add_argument("folders", nargs="+", metavar="FOLDER", help="folders of photos")
    _with_parser(made)
    made = options.command(below, "targets", _targets, "clips or folders of one person each; the last fifth is kept for a test")
    made.add_argument("sources", nargs="+", metavar="CLIP|FOLDER", help="each is one person, called after it")
    made.add_argument("--size", type=int, default=128, help="side of the aligned faces in pixels (default: 128)")
    _output(made)


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", required=True, metavar="FILE.parquet", help="the file to write")


def _with_parser(parser: argparse.ArgumentParser) -> None:
    _output(parser)
    parser.add_argument(
        "--parser",
        default="parser",
        metavar="W",
        help="what makes the parsings, a weights file or run directory (default: what ships)",
    )


def _faces(parser: argparse.ArgumentParser) -> None:
    """The options of folders of photos."""
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="folders of photos; a sub-folder is a person")
    _output(parser)
    parser.add_argument("--size", type=int, default=128, help="side of the aligned faces in pixels (default: 128)")
    parser.add_argument(
        "--wide", action="store_true", help="with what is round the face, 160 × 160: what the face detector learns from"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--with", dest="others", metavar="FOLDER", help="each photo has another picture of the same name there")
    other.add_argument("--labels", metavar="FOLDER", help="each photo has a mask of CelebAMask-HQ's indices there")
    other.add_argument("--depth", action="store_true", help="give each photo the depth of a morphable model fitted to it")
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="the last N people of each folder by name are test people, too"
    )
    points = parser.add_mutually_exclusive_group()
    points.add_argument(
        "--landmarks", metavar="FILE.csv", help="the photos' landmarks: file, x0, y0 … x67, y67 in pixels; nothing is detected"
    )
    points.add_argument(
        "--agree",
        type=float,
        default=0,
        metavar="P",
        help="leave out faces whose mirror image has landmarks P %% of the eyes off",
    )
    parser.add_argument(
        "--detector", default="likeness", metavar="NAME", help="what finds faces: likeness or dlib (default: likeness)"
    )
    options.crew(parser)


def run(given: argparse.Namespace) -> int:
    """Prepare photos, with a progress bar, and say what was skipped."""
    from likeness.data.folder import Pointing, prepare
    from likeness.data.pairs import Pairing
    from likeness.faces.align import WIDE, Framing

    _check_size(given.size)
    crew = options.crew_of(given)
    if given.hold_out < 0:
        raise LikenessError(f"--hold-out {given.hold_out}: a number of people is needed")
    pairing = None
    if given.depth:
        pairing = Pairing("depth")
    elif given.others or given.labels:
        pairing = Pairing("labels" if given.labels else "with", given.others or given.labels)
    if not 0 <= given.agree < float("inf"):
        raise LikenessError(f"--agree {given.agree}: a number of per cent is needed")
    if given.wide and (given.size != 128 or pairing is not None):
        raise LikenessError("--wide: its size is 160, and it has no other pictures")
    pointing = Pointing(given.landmarks or "", given.agree, given.detector)
    framing = WIDE if given.wide else Framing(size=given.size)
    with options.bar("preparing") as show:
        report = prepare(given.folders, given.output, framing, None, show, pairing, given.hold_out, pointing, crew)
    print(f"{given.output}: {report.prepared} faces" + (f" ({report.resumed} photos were done before)" if report.resumed else ""))
    if report.skipped:
        target = Path(given.output).with_suffix(".skipped.csv")
        reasons = Counter(why.split(";")[0] for _, why in report.skipped)
        for why, count in reasons.most_common(3):
            print(f"  {count} skipped: {why}")
        print(f"  all of them: {target}")
    uses = {
        "face_detector:lite": given.wide,
        "landmark_detector:lite": given.landmarks or given.agree,
        "parser:lite": given.labels,
        "portrait:maps": pairing is not None,
    }
    recipe = next((name for name, asked in uses.items() if asked), "parts:lite")
    print(f"next: likeness train {recipe} --data {given.output} -o runs/mine")
    return 0


def _targets(given: argparse.Namespace) -> int:
    """Clips or folders of one person each, for the landmark system."""
    from likeness.data.store import FaceStore
    from likeness.faces.align import Framing
    from likeness.files import lock_of, locked
    from likeness.systems.landmark.target import gather

    _check_size(given.size)
    if Path(given.output).suffix != ".parquet":
        raise LikenessError(f"{given.output}: name the output with the suffix .parquet")
    paths = [Path(source) for source in given.sources]
    names = [path.stem.replace(".", "-") for path in paths]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise LikenessError(f"two targets are called {twice[0]}; rename one")
    if missing := [source for source in paths if not source.exists()]:
        raise LikenessError(f"{missing[0]}: no such file or folder")
    with locked(lock_of(Path(given.output)), given.output):
        stores = []
        for path, name in zip(paths, names, strict=True):
            with options.bar(f"reading {name}") as show:
                gathered = gather(path, name, Framing(size=given.size), show)
            if gathered.left_out:
                print(f"likeness: {name}: left out {len(gathered.left_out)}: {gathered.left_out[0][1]}", file=sys.stderr)
            stores.append(gathered.store)
        made = FaceStore.joined(stores)
        made.write(given.output)
    print(f"{given.output}: {len(made)} faces of {len(names)} targets")
    chosen = ",".join(f'"{name}"' for name in names)
    print(f"next: likeness train landmark:lite --set 'targets=[{chosen}]' --data {given.output} -o runs/mine")
    return 0


def _cufs(given: argparse.Namespace) -> int:
    """The pairs of CUFS, padded, with their parsings."""
    from likeness.data import cufs

    with options.bar("preparing") as show:
        column = "paper_split" if given.paper_split else "split"
        report = cufs.prepare(given.folder, given.output, _parser(given), show, given.validation, column)
    return _said(given, report, given.output)


def _drawings(given: argparse.Namespace) -> int:
    """Drawings of photos, framed like CUFS's pairs, with their parsings."""
    from likeness.data import drawings

    with options.bar("drawing") as show:
        report = drawings.prepare(given.folders, given.output, _parser(given), show)
    return _said(given, report, f"cufs.parquet {given.output}")


def _check_size(size: int) -> None:
    if not 32 <= size <= 1024:
        raise LikenessError(f"--size {size}: sizes from 32 to 1024 are taken")


def _parser(given: argparse.Namespace) -> FaceParser:
    from likeness import systems
    from likeness.faces.parser import FaceParser
    from likeness.faces.tools import open_tool

    parser: FaceParser = open_tool(FaceParser, systems.weights_path(given.parser))
    return parser


def _said(given: argparse.Namespace, report: Report, data: str) -> int:
    print(f"{given.output}: {report.prepared} pairs")
    for name, why in report.skipped:
        print(f"  skipped {name}: {why}")
    print(f"next: likeness train isegan:lite --data {data} -o runs/mine")
    return 0
