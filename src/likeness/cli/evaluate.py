"""``likeness evaluate``: how good is a model, in the field's numbers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from likeness.cli import options, tables
from likeness.errors import LikenessError

PROTOCOLS = ("parts", "portrait", "isegan", "landmark", "parser", "detector", "verification")


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(commands, "evaluate", run, "measure a model on test people, beside the floors it has to beat")
    parser.add_argument(
        "system",
        nargs="?",
        choices=PROTOCOLS,
        help="whose protocol (verification: the recognisers on LFW's pairs); or leave it out and name two folders",
    )
    parser.add_argument("--real", metavar="DIR", help="a folder of real pictures")
    parser.add_argument("--fake", metavar="DIR", help="a folder of made ones, of the same names")
    parser.add_argument("--unpaired", action="store_true", help="compare the two folders as sets only")
    parser.add_argument(
        "--inception", action="store_true", help="also the standard FID and Inception Score (needs the standard weights)"
    )
    parser.add_argument("--pairs", metavar="FILE", help="LFW's pairs.txt, for verification")
    parser.add_argument("--landmarks", metavar="FILE.csv", help="the true landmarks of --real's photos, for detector")
    tables.faces(parser)
    parser.add_argument("--weights", metavar="W", help="a weights file or run directory (default: the system's that ship)")
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="W", help="further weights, of baselines too, or the word patchmatch"
    )
    parser.add_argument(
        "--pairs-as-drawings", action="store_true", help="portrait: the faces' other pictures are the drawings, not effects"
    )
    parser.add_argument("--stray", action="store_true", help="measure displaced and magnified parts instead")
    parser.add_argument(
        "--groups", metavar="FILE.csv", help="also by skin tone, sharpness and yaw of the photo; write it to this file"
    )
    parser.add_argument("-o", "--output", metavar="FILE.json", help="write the figures, with what they were measured on")
    parser.add_argument("--csv", metavar="FILE.csv", help="write the table as CSV")
    parser.add_argument(
        "--sheet", metavar="PICTURE", help="write a contact sheet of the first faces (people are in it: keep it local)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the chance in --stray (default: 0)")


def run(given: argparse.Namespace) -> int:
    """Measure."""
    if given.stray and (given.groups or given.against):
        raise LikenessError("--stray measures one model's displaced parts; leave out --groups and --against")
    if given.inception and given.system:
        raise LikenessError("--inception is for two folders; a protocol writes its pictures to none")
    if given.system == "verification":
        if not (given.real and given.pairs):
            raise LikenessError("verification needs --real DIR, the folder of LFW's people, and --pairs FILE")
        return _verification(given)
    if given.system == "detector":
        if not (given.real and given.landmarks):
            raise LikenessError("detector needs --real DIR, a folder of photos, and --landmarks FILE.csv")
        from likeness.cli import evaluate_detector

        return evaluate_detector.run(given)
    if given.real or given.fake:
        if given.csv or given.groups or given.sheet or given.against:
            raise LikenessError("two folders give one table: write it with -o FILE.json")
        if given.system or not (given.real and given.fake):
            raise LikenessError("name --real DIR and --fake DIR together, or a system and its --data")
        return _folders(given)
    if given.system in ("portrait", "parser", "landmark") and (given.stray or given.groups or given.against):
        raise LikenessError("--stray, --groups and --against are for parts")
    if given.system == "isegan" and (given.stray or given.groups):
        raise LikenessError("--stray and --groups are for parts")
    if not given.system or not given.data:
        raise LikenessError("name a system with --data FILE.parquet, or two folders with --real DIR --fake DIR")
    if given.system == "portrait":
        from likeness.cli import evaluate_portrait

        return evaluate_portrait.run(given)
    if given.system == "landmark":
        from likeness.cli import evaluate_landmark

        return evaluate_landmark.run(given)
    if given.system == "isegan":
        from likeness.cli import evaluate_isegan

        return evaluate_isegan.run(given)
    if given.system == "parser":
        from likeness.cli import evaluate_parser

        return evaluate_parser.run(given)
    return _parts(given)


def _folders(given: argparse.Namespace) -> int:
    """Two folders, matched by name or as sets."""
    from likeness.evaluate.folders import measure
    from likeness.train.run import commit

    with options.bar("measuring") as show:
        found = measure(given.real, given.fake, not given.unpaired, given.inception, show)
    lines = {name: (sum(values) / len(values), len(values)) for name, values in found.each.items()}
    lines |= {name: (value, min(found.counts)) for name, value in found.sets.items()}
    used = ("mobilefacenet_b", "squeezenet", "lpips_heads", *(["inception"] if given.inception else []))
    about = {
        "real": given.real,
        "fake": given.fake,
        "faces": len(found.names) or min(found.counts),
        "commit": commit(),
        "instruments": tables.instruments(*used),
        "undetected": {"real": found.undetected[0], "fake": found.undetected[1]},
    }
    tables.show([{"metric": name, "value": f"{value:.4f}", "N": str(count)} for name, (value, count) in lines.items()])
    print(f"no face found in {found.undetected[0]} real and {found.undetected[1]} made pictures; such a pair's identity counts 0")
    tables.say(about)
    if given.output:
        kept = {"names": list(found.names), "each": found.each, "sets": found.sets}
        tables.write_text(given.output, json.dumps(about | kept, indent=2, ensure_ascii=False) + "\n")
    return 0


def _verification(given: argparse.Namespace) -> int:
    """The recognisers themselves, on LFW's pairs."""
    from likeness.evaluate.features import RECOGNISERS
    from likeness.evaluate.lfw import Embeds, read_pairs, verify
    from likeness.train.run import commit

    pairs = read_pairs(given.pairs)
    recognisers: dict[str, Embeds] = {name: kind() for name, kind in RECOGNISERS.items()}
    with options.bar("looking") as show:
        found = verify(given.real, pairs, recognisers, progress=show)
    table = [
        {
            "recogniser": name,
            "accuracy": f"{one.accuracy.mean:.4f} ± {one.accuracy.deviation:.4f}",
            "accepted_at_0.001": f"{one.true_accept:.4f}",
            "pairs": str(one.pairs),
            "photos": str(one.photos),
            "undetected": str(one.undetected),
        }
        for name, one in found.items()
    ]
    tables.show(table)
    about = {
        "recipe": "",
        "step": "",
        "commit": commit(),
        "faces_of": "LFW pairs, ten folds",
        "instruments": tables.instruments(*found),
    }
    tables.say(about)
    if given.csv:
        tables.write_csv(given.csv, table, about)
    if given.output:
        said = {name: asdict(one) for name, one in found.items()}
        tables.write_text(given.output, json.dumps(about | {"recognisers": said}, indent=2) + "\n")
    return 0


def _parts(given: argparse.Namespace) -> int:
    """The protocol of the parts system."""
    import torch

    from likeness import provenance
    from likeness.baselines.floors import NearestFace, PastedOnMean
    from likeness.baselines.patchmatch import PatchMatch
    from likeness.data.store import FaceStore
    from likeness.evaluate import parts as protocol
    from likeness.image import check_writable

    if given.sheet:
        check_writable(given.sheet)
    system = tables.painter(given.weights or "parts")
    chosen = tables.test_faces(given, system.framing)
    anchors = torch.from_numpy(system.anchors)
    lines: list[Any]
    if given.stray:
        with options.bar("measuring") as show:
            strays, pictures = protocol.stray(chosen, anchors, protocol.painter_of(system.complete), given.seed, show)
        lines = list(strays)
    else:
        methods: dict[str, protocol.Painter] = {"ours": protocol.painter_of(system.complete)}
        for word in given.against:
            if word == "patchmatch":
                methods[PatchMatch.title] = PatchMatch().paint
                continue
            other = tables.painter(word)
            if other.framing != system.framing:
                raise LikenessError(f"{word}: is for faces framed {other.framing}, ours for {system.framing}")
            title = str(other.card.recipe["name"])
            methods[title if title not in methods else f"{title} ({word})"] = protocol.painter_of(other.complete)
        train = FaceStore(given.floors or given.data).select("train")
        pasted, nearest = PastedOnMean(train), NearestFace(train, anchors)
        methods |= {pasted.title: pasted.paint, nearest.title: nearest.paint}
        with options.bar("measuring") as show:
            scores, pictures = protocol.compare(chosen, anchors, methods, show)
        lines = list(scores)
    card = system.card
    about = tables.about(given, card, len(chosen), () if given.stray else ("mobilefacenet_b", "squeezenet"))
    print(f"{about['data']}: N = {about['faces']}; {about['recipe']} at step {about['step']}")
    table = [tables.flat(asdict(line)) for line in lines]
    tables.show(table)
    tables.say(about)
    if given.output:
        tables.write_json(given.output, about, lines, chosen.column("name"))
    if given.csv:
        tables.write_csv(given.csv, table, about)
    if given.groups:
        tables.grouped(given.groups, chosen, lines, about)
    if given.sheet:
        provenance.write(given.sheet, tables.contact_sheet(chosen, pictures), provenance.software("parts", str(about["recipe"])))
    return 0
