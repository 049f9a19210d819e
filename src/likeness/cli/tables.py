"""What measuring commands share: whose faces, and results as a table on the terminal, as CSV and as JSON, and as sheets."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.card import Card
    from likeness.data.store import FaceStore
    from likeness.faces.align import Framing
    from likeness.records import Image
    from likeness.systems.parts.synthesis import PartsSynthesizer

SETS = {"first": "one photo of each person, the first by name", "128": "128 of them by a fixed chance", "all": "all their photos"}
TWO_DIGITS = ("psnr", "depth_error", "error", "deviation", "input_error")


def faces(parser: argparse.ArgumentParser) -> None:
    """The options that say whose faces are measured."""
    parser.add_argument("--data", metavar="FILE.parquet", help="prepared faces; the floors learn from its train people")
    parser.add_argument("--floors", metavar="FILE.parquet", help="let the floors learn from these prepared faces instead")
    parser.add_argument("--source", default="lfw", help="which prepared folder's people (default: lfw)")
    parser.add_argument("--split", default="test", choices=["test", "validation"], help="which side (default: test)")
    shown = "; ".join(f"{name}: {what}" for name, what in SETS.items())
    parser.add_argument("--photos", default="first", choices=[*SETS], help=f"{shown} (default: first)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N faces")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N faces by name")


def test_faces(given: argparse.Namespace, framing: Framing) -> FaceStore:
    """The faces that those options name, framed as the model wants them."""
    import numpy as np

    from likeness.data.store import FaceStore

    for word, count in (("limit", given.limit), ("last", given.last)):
        if count is not None and count < 2:
            raise LikenessError(f"--{word} {count}: at least 2 faces are needed")
    store = FaceStore(given.data)
    chosen = store.select(given.split, given.source)
    if len(chosen) == 0:
        known = ", ".join(sorted(set(store.column("source"))))
        raise LikenessError(f"{given.data}: holds no {given.split} people of {given.source!r}; its sources are {known}")
    if store.framing != framing:
        raise LikenessError(f"{given.data}: is framed {store.framing}, the weights want {framing}")
    if given.photos == "first":
        chosen = chosen.first_of_each_person()
    if given.photos == "128" and len(chosen) > 128:
        chosen = chosen.take(np.sort(np.random.default_rng(128).permutation(len(chosen))[:128]).tolist())
    if given.last:
        chosen = chosen.take(list(range(max(0, len(chosen) - given.last), len(chosen))))
    return chosen.head(given.limit) if given.limit else chosen


def painter(weights: str, engine: str = "auto", device: str = "auto") -> PartsSynthesizer:
    """The parts system or a baseline from its weights."""
    from likeness import systems
    from likeness.card import read_card
    from likeness.systems.parts.synthesis import PartsSynthesizer

    system = read_card(systems.weights_path(weights)).system
    if system == "parts":
        made = systems.load(weights, engine=engine, device=device)
    else:
        from likeness import baselines

        if system not in baselines.PARTS:
            raise LikenessError(f"{weights}: holds weights of {system!r}, which does not make faces from parts")
        made = baselines.load(weights)  # these are torch networks only
    assert isinstance(made, PartsSynthesizer)
    return made


def instruments(*names: str) -> dict[str, str]:
    """Name → beginning of the hash of each instrument used."""
    from likeness import assets

    return {name: assets.INSTRUMENTS[name].sha256[:12] for name in names}


def about(given: argparse.Namespace, card: Card, count: int, used: Sequence[str]) -> dict[str, Any]:
    """What was measured, on whom, with what."""
    from likeness.train.run import commit

    cut = f", the last {given.last}" if given.last else ""
    cut += f", the first {given.limit}" if given.limit else ""

    return {
        "system": card.system,
        "recipe": card.recipe["name"],
        "step": card.step,
        "weights_commit": card.commit,
        "commit": commit(),
        "data": f"{given.source} {given.split}, {SETS[given.photos]}{cut}",
        "faces_of": f"{given.source} {given.split} {given.photos}{cut}",
        "faces": count,
        "instruments": instruments(*used),
    }


def say(about: Mapping[str, Any]) -> None:
    """Print with which code and instruments it was measured."""
    used = ", ".join(f"{name} {digest}" for name, digest in about["instruments"].items())
    print(f"code {about['commit'] or 'unknown'}" + (f"; instruments {used}" if used else ""))


def publish(given: argparse.Namespace, about: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], sheet: Image) -> None:
    """Print a protocol's table, and write it as the options say: JSON, CSV, and the contact sheet."""
    from likeness import provenance

    table = [flat(line) for line in lines]
    print(f"{about['data']}: N = {about['faces']}; {about['recipe']} at step {about['step']}")
    show(table)
    say(about)
    if given.output:
        write_text(given.output, json.dumps({**about, "lines": list(lines)}, indent=2, ensure_ascii=False) + "\n")
    if given.csv:
        write_csv(given.csv, table, about)
    if given.sheet:
        provenance.write(given.sheet, sheet, provenance.software(str(about["system"]), str(about["recipe"])))


def pictures_of(store: FaceStore, kind: str) -> list[Image]:
    """The faces' other pictures, which must be of that kind.

    Raises:
        LikenessError: they have none, or of another kind.
    """
    if store.pairs != kind:
        has = f"pictures of the kind {store.pairs!r}" if store.pairs else "no other pictures"
        raise LikenessError(f"{store.path}: its faces have {has}; prepare them with --{kind}")
    return [face.pair for face in store if face.pair is not None]


def known_pictures(given: argparse.Namespace, kind: str) -> list[Image]:
    """Train people's other pictures, which floors are made of."""
    from likeness.data.store import FaceStore

    found = pictures_of(FaceStore(given.floors or given.data).select("train"), kind)
    if not found:
        raise LikenessError(f"{given.floors or given.data}: holds no train people to make floors of; name some with --floors")
    return found


def plotting() -> Any:
    """Matplotlib's pyplot without a window, or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def write_figure(paths: Sequence[Path], figure: Any) -> None:
    """Write a matplotlib figure as PNG, the same bytes each time."""
    import io

    from likeness.files import write_content

    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    for path in paths:
        write_content(path, content.getvalue())


def grouped(path: str | Path, store: FaceStore, scores: Sequence[Any], about: Mapping[str, Any]) -> None:
    """Print and write the same figures by group."""
    from likeness.evaluate.groups import by_group, groups_of

    people = list(store)
    membership = groups_of([face.image for face in people], [face.landmarks for face in people])
    lines = by_group(membership, {score.method: score.each for score in scores})
    table = [
        {"kind": line.kind, "group": line.group, "method": line.method, "count": str(line.count), **flat(line.means)}
        for line in lines
    ]
    show(table)
    write_csv(path, table, about)


def flat(line: Mapping[str, Any]) -> dict[str, str]:
    """A line's cells as text; (mean, deviation) becomes ``mean ± deviation``; face-by-face values are left out."""
    cells = {}
    for name, value in line.items():
        digits = 2 if name in TWO_DIGITS else 3
        if name == "each":
            continue
        if isinstance(value, tuple):
            cells[name] = " ± ".join(f"{number:.{digits}f}" for number in value)
        else:
            cells[name] = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return cells


def show(table: Sequence[Mapping[str, str]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(*table[0])
    for line in table:
        shown.add_row(*line.values())
    Console(width=None if Console().is_terminal else 200).print(shown)


def write_csv(path: str | Path, table: Sequence[Mapping[str, str]], about: Mapping[str, Any]) -> None:
    """Write a table as CSV, each row with recipe, step and commit of what was measured and whose faces."""
    said = {"recipe": about["recipe"], "step": about["step"], "commit": about["commit"], "faces_of": about["faces_of"]}
    rows = [[*said, *table[0]]] + [[*map(str, said.values()), *line.values()] for line in table]
    write_text(path, "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in rows))


def write_json(path: str | Path, about: Mapping[str, Any], lines: Sequence[Any], names: Sequence[str]) -> None:
    """Write results with every face's values, as ``likeness compare`` reads them."""
    content = {**about, "names": list(names), "lines": [asdict(line) for line in lines]}
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    from likeness.files import write_content

    write_content(Path(path), text)


def contact_sheet(store: FaceStore, pictures: Mapping[str, Image], count: int = 24) -> Image:
    """The first faces, a row each, a column for each kind of picture."""
    from likeness import sheet

    rows = [[pictures[name][i] for name in pictures] for i in range(min(count, len(store)))]
    return sheet.grid(rows, columns=[heading(name) for name in pictures])


def heading(name: str) -> str:
    """A method's name, short enough for a column."""
    name = name.split(" (")[0]
    return name if len(name) < 22 else name[:21] + "…"


def _quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell
