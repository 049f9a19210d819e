"""``likeness prepare``: image folders to one file of aligned faces."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options

if TYPE_CHECKING:
    from likeness.data.folder import Report
    from likeness.faces.parser import FaceParser


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "prepare",
        run,
        "find, align and pack the faces of image folders; run again to go on after an interruption",
    )
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="FOLDER",
        help="folders of photos; a sub-folder is a person. The word cufs and one folder: the pairs of CUFS with their "
        "parsings. The word drawings and folders of photos: effects drawn of them, with parsings, framed like CUFS's. The word "
        "targets and clips or folders: each is one person, whose last fifth is kept for a test",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE.parquet", help="the file to write")
    parser.add_argument("--size", type=int, default=128, help="side of the aligned faces in pixels (default: 128)")
    parser.add_argument("--wide", action="store_true", help="with what is round the face, 160 × 160: what the finder learns from")
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
        "--validation", action="store_true", help="of CUFS: keep some training people for validation, to make choices on"
    )
    parser.add_argument(
        "--paper-split", action="store_true", help="of CUFS: the sides of pairs.csv's column paper_split, not split"
    )
    parser.add_argument(
        "--parser",
        metavar="W",
        help="of CUFS and drawings: what makes the parsings, a weights file or run directory (default: what ships)",
    )
    parser.add_argument(
        "--detector", default="likeness", metavar="NAME", help="what finds faces: likeness or dlib (default: likeness)"
    )
    parser.add_argument("--processes", type=int, metavar="N", help="how many processes (default: one a core)")


def run(given: argparse.Namespace) -> int:
    """Prepare, with a progress bar, and say what was skipped."""
    from likeness.data.folder import Pointing, prepare
    from likeness.data.pairs import Pairing
    from likeness.errors import LikenessError
    from likeness.faces.align import WIDE, Framing

    if not 32 <= given.size <= 1024:
        raise LikenessError(f"--size {given.size}: sizes from 32 to 1024 are taken")
    if given.folders[0] == "cufs" and len(given.folders) == 2:
        return _cufs(given)
    if given.folders[0] == "drawings" and len(given.folders) > 1:
        return _drawings(given)
    if given.folders[0] == "targets" and len(given.folders) > 1:
        return _targets(given)
    if given.validation or given.paper_split:
        raise LikenessError("--validation and --paper-split: go with the word cufs and one folder")
    if given.parser is not None:
        raise LikenessError("--parser: goes with the words cufs and drawings")
    if given.processes is not None and given.processes < 1:
        raise LikenessError(f"--processes {given.processes}: at least one is needed")
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
        report = prepare(given.folders, given.output, framing, given.processes, show, pairing, given.hold_out, pointing)
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
    import sys

    from likeness.data.store import FaceStore
    from likeness.errors import LikenessError
    from likeness.faces.align import Framing
    from likeness.files import lock_of, locked
    from likeness.systems.landmark.target import gather

    if any((*_other(given), given.validation, given.paper_split, given.parser)) or given.processes is not None:
        raise LikenessError("targets: only --size can be chosen")
    if Path(given.output).suffix != ".parquet":
        raise LikenessError(f"{given.output}: name the output with the suffix .parquet")
    paths = [Path(source) for source in given.folders[1:]]
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
    from likeness.errors import LikenessError

    if any(_other(given)) or given.size != 128 or given.processes is not None:
        raise LikenessError(
            "cufs: its pictures, sizes and sides are the data set's; only --validation, --paper-split and --parser can be chosen"
        )
    with options.bar("preparing") as show:
        column = "paper_split" if given.paper_split else "split"
        report = cufs.prepare(given.folders[1], given.output, _parser(given), show, given.validation, column)
    return _said(given, report, given.output)


def _drawings(given: argparse.Namespace) -> int:
    """Drawings of photos, framed like CUFS's pairs, with their parsings."""
    from likeness.data import drawings
    from likeness.errors import LikenessError

    if any((*_other(given), given.validation, given.paper_split)) or given.size != 128 or given.processes is not None:
        raise LikenessError("drawings: only --parser can be chosen")
    with options.bar("drawing") as show:
        report = drawings.prepare(given.folders[1:], given.output, _parser(given), show)
    return _said(given, report, f"cufs.parquet {given.output}")


def _parser(given: argparse.Namespace) -> FaceParser:
    from likeness import systems
    from likeness.faces.parser import FaceParser
    from likeness.faces.tools import open_tool

    parser: FaceParser = open_tool(FaceParser, systems.weights_path(given.parser or "parser"))
    return parser


def _said(given: argparse.Namespace, report: Report, data: str) -> int:
    print(f"{given.output}: {report.prepared} pairs")
    for name, why in report.skipped:
        print(f"  skipped {name}: {why}")
    print(f"next: likeness train isegan:lite --data {data} -o runs/mine")
    return 0


def _other(given: argparse.Namespace) -> tuple[object, ...]:
    """What goes with folders of photos only, false where it was not asked for."""
    own = (given.wide, given.others, given.labels, given.depth, given.hold_out, given.landmarks, given.agree)
    return (*own, given.detector != "likeness")
