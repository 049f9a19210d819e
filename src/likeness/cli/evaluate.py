"""``likeness evaluate``: how good is a model, in the field's numbers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.records import Image

SETS = {"first": "one photo of each person, the first by name", "all": "all their photos"}


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "evaluate", run, "measure a model on test people, beside the floors it has to beat")
    parser.add_argument("system", nargs="?", choices=["parts"], help="whose protocol; or leave it out and name two folders")
    parser.add_argument("--real", metavar="DIR", help="a folder of real pictures")
    parser.add_argument("--fake", metavar="DIR", help="a folder of made ones, of the same names")
    parser.add_argument("--unpaired", action="store_true", help="compare the two folders as sets only")
    parser.add_argument("--data", metavar="FILE.parquet", help="prepared faces; the floors learn from its train people")
    parser.add_argument(
        "--weights", default="parts", metavar="W", help="a weights file or run directory (default: those that ship)"
    )
    parser.add_argument("--source", default="lfw", help="which prepared folder's people (default: lfw)")
    parser.add_argument("--split", default="test", choices=["test", "validation"], help="which side (default: test)")
    parser.add_argument(
        "--photos",
        default="first",
        choices=[*SETS],
        help="; ".join(f"{k}: {v}" for k, v in SETS.items()) + " (default: first)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N faces")
    parser.add_argument("--stray", action="store_true", help="measure displaced and magnified parts instead")
    parser.add_argument("-o", "--output", metavar="FILE.json", help="write the figures, with what they were measured on")
    parser.add_argument("--csv", metavar="FILE.csv", help="write the table as CSV")
    parser.add_argument(
        "--sheet", metavar="PICTURE", help="write a contact sheet of the first faces (people are in it: keep it local)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the chance in --stray (default: 0)")


def run(given: argparse.Namespace) -> int:
    """Measure."""
    if given.real or given.fake:
        if given.system or not (given.real and given.fake):
            raise LikenessError("name --real DIR and --fake DIR together, or a system and its --data")
        return _folders(given)
    if not given.system or not given.data:
        raise LikenessError("name a system with --data FILE.parquet, or two folders with --real DIR --fake DIR")
    return _parts(given)


def _folders(given: argparse.Namespace) -> int:
    """Two folders, matched by name or as sets."""
    from likeness import assets
    from likeness.evaluate.folders import measure
    from likeness.train.run import commit

    with options.bar("measuring") as show:
        found = measure(given.real, given.fake, not given.unpaired, show)
    lines = {name: (sum(values) / len(values), len(values)) for name, values in found.each.items()}
    lines |= {name: (value, min(found.counts)) for name, value in found.sets.items()}
    instruments = ("mobilefacenet_b", "squeezenet", "lpips_heads")
    about = {
        "real": given.real,
        "fake": given.fake,
        "faces": len(found.names) or min(found.counts),
        "commit": commit(),
        "instruments": {name: assets.INSTRUMENTS[name].sha256[:12] for name in instruments},
        "undetected": {"real": found.undetected[0], "fake": found.undetected[1]},
    }
    _print([{"metric": name, "value": f"{value:.4f}", "N": str(count)} for name, (value, count) in lines.items()])
    print(f"no face found in {found.undetected[0]} real and {found.undetected[1]} made pictures; such a pair's identity counts 0")
    if given.output:
        kept = {"names": list(found.names), "each": found.each, "sets": found.sets}
        _write_text(given.output, json.dumps(about | kept, indent=2, ensure_ascii=False) + "\n")
    return 0


def _parts(given: argparse.Namespace) -> int:
    """The protocol of the parts system."""
    from dataclasses import asdict

    from likeness import assets, provenance
    from likeness.baselines.floors import NearestFace, PastedOnMean
    from likeness.data.store import FaceStore
    from likeness.evaluate import parts as protocol
    from likeness.image import check_writable
    from likeness.systems.parts.synthesis import open_parts
    from likeness.train.run import commit

    if given.sheet:
        check_writable(given.sheet)
    if given.limit is not None and given.limit < 2:
        raise LikenessError(f"--limit {given.limit}: at least 2 faces are needed")
    system = open_parts(given.weights)
    store = FaceStore(given.data)
    chosen = store.select(given.split, given.source)
    if len(chosen) == 0:
        known = ", ".join(sorted(set(store.column("source"))))
        raise LikenessError(f"{given.data}: holds no {given.split} people of {given.source!r}; its sources are {known}")
    if store.framing != system.framing:
        raise LikenessError(f"{given.data}: is framed {store.framing}, the weights want {system.framing}")
    chosen = chosen.first_of_each_person() if given.photos == "first" else chosen
    chosen = chosen.head(given.limit) if given.limit else chosen
    anchors = system.anchors.mean

    lines: list[dict[str, Any]]
    with options.bar("measuring") as show:
        if given.stray:
            strays, pictures = protocol.stray(chosen, anchors, system.complete, given.seed, show)
            lines = [asdict(line) for line in strays]
        else:
            train = store.select("train")
            pasted, nearest = PastedOnMean(train), NearestFace(train, anchors)
            methods = {"ours": system.complete, pasted.title: pasted.paint, nearest.title: nearest.paint}
            scores, pictures = protocol.compare(chosen, anchors, methods, show)
            lines = [asdict(line) for line in scores]
    names = chosen.column("name")
    about = {
        "system": "parts",
        "recipe": system.card.recipe["name"],
        "step": system.card.step,
        "weights_commit": system.card.commit,
        "commit": commit(),
        "data": f"{given.source} {given.split}, {SETS[given.photos]}",
        "faces": len(chosen),
        "instruments": {}
        if given.stray
        else {name: assets.INSTRUMENTS[name].sha256[:12] for name in ("mobilefacenet_b", "squeezenet")},
    }
    print(f"{about['data']}: N = {about['faces']}; {about['recipe']} at step {about['step']}")
    table = [_flat({name: value for name, value in line.items() if name != "each"}) for line in lines]
    _print(table)
    if given.output:
        _write_text(given.output, json.dumps(about | {"names": names, "lines": lines}, indent=2, ensure_ascii=False) + "\n")
    if given.csv:
        head = ["recipe", "step", "commit", "faces_of", *table[0]]
        said = [
            str(about["recipe"]),
            str(about["step"]),
            str(about["commit"]),
            f"{given.source} {given.split} {given.photos}",
        ]
        rows = [head] + [said + list(line.values()) for line in table]
        _write_text(given.csv, "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in rows))
    if given.sheet:
        provenance.write(given.sheet, _sheet(chosen, pictures), provenance.software("parts", str(about["recipe"])))
    return 0


def _flat(line: dict[str, Any]) -> dict[str, str]:
    """A line's cells as text; (mean, deviation) becomes ``mean ± deviation``."""
    cells = {}
    for name, value in line.items():
        digits = 2 if name in ("psnr", "error", "deviation", "input_error") else 3
        if isinstance(value, tuple):
            cells[name] = " ± ".join(f"{number:.{digits}f}" for number in value)
        else:
            cells[name] = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return cells


def _print(table: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(*table[0])
    for line in table:
        shown.add_row(*line.values())
    Console(width=None if Console().is_terminal else 200).print(shown)


def _sheet(store: FaceStore, pictures: dict[str, Image], count: int = 24) -> Image:
    """The first faces, a row each, a column for each kind of picture."""
    from likeness import sheet

    rows = [[pictures[name][i] for name in pictures] for i in range(min(count, len(store)))]
    return sheet.grid(rows, columns=[name if len(name) < 22 else name[:21] + "…" for name in pictures])


def _write_text(path: str, text: str) -> None:
    from likeness.files import write_content

    write_content(Path(path), text)


def _quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell
