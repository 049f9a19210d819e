"""Write the pages that are made from the program itself: docs/cli.md, the model cards, and every table of results.

    python tools/make_docs.py          write them
    python tools/make_docs.py --check  exit 1 when one is not what it would be

A table stands in a page between ``<!-- table: results/x.csv -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from likeness import assets, systems
from likeness.card import read_card
from likeness.cli import parser as command_line
from likeness.cli.options import Filled

ROOT = Path(__file__).resolve().parents[1]
HEADINGS = {
    "similarity": "similarity to the photo ↑",
    "face_found_percent": "a face found, %",
    "lpips_two_draws": "LPIPS of two draws ↑",
    "features": "features",
    "f_1": "f_1, pose and expression",
    "f_2": "f_2, the rest",
    "pooled": "all",
    "draws": "draws",
    "yaw_deviation": "yaw spreads, °",
    "yaw_range": "from yaw to yaw, °",
    "mouth_deviation": "mouth spreads",
    "light_deviation": "light spreads",
    "similarity_deviation": "similarity spreads",
    "synthetic_percent": "made faces, %",
    "accepted_at_0.01": "accepted at one false in a hundred",
    "rank_1": "rank 1",
    "rank_5": "rank 5",
    "yaw_left": "yaw left, °",
    "attribute": "attribute",
    "held_out_spearman": "rank correlation, held out",
    "gain_a_deviation": "gain a deviation of noise",
    "tried_spearman": "rank correlation, tried",
    "drift": "other attributes drift",
    "similarity_drift": "similarity drifts",
    "place": "step",
    "similarity_to_first": "similarity to the first ↑",
    "similarity_to_second": "similarity to the second ↑",
    "lpips_to_next": "LPIPS to the next",
    "system": "system",
    "way": "way",
    "per_second": "a second",
    "ratio": "beside one process",
    "start_seconds": "seconds to begin",
    "processor_ms": "ms of processor a face",
    "peak_mb_short": "largest process, MB, short run",
    "peak_mb": "largest process, MB",
    "kb_a_face": "kB a face",
    "hours_a_million_extrapolated": "hours a million, extrapolated",
    "faces": "faces",
    "machines": "machines",
    "cores": "cores each",
    "hours": "hours",
    "disk_gb": "disk, GB",
    "photos_a_second": "photos a second",
    "store_mb_a_second": "store, MB/s",
    "bottleneck": "bottleneck",
    "stage": "stage",
    "trained": "trained",
    "settings": "settings",
    "images_a_second": "images a second",
    "gflop_an_image": "GFLOP an image",
    "peak_tflops": "measured peak, TFLOP/s",
    "share": "share of the peak",
    "kind": "by",
    "group": "group",
    "method": "method",
    "recogniser": "recogniser",
    "accuracy": "accuracy, ten folds",
    "accepted_at_0.001": "accepted at one false in a thousand",
    "pairs": "pairs",
    "photos": "photos",
    "change": "change to the parts",
    "effect": "effect",
    "given": "given",
    "erased": "erased",
    "face": "whose face",
    "model": "model",
    "count": "N",
    "psnr": "PSNR, dB ↑",
    "ssim": "SSIM ↑",
    "identity": "identity ↑",
    "lmk": "LMK ↓",
    "id_distance": "ID ↓",
    "steady": "like the next frame ↑",
    "flicker": "ground changes, levels ↓",
    "twitch": "trembles, × the driver",
    "follows": "landmarks off by, % of the eyes' outer corners ↓",
    "like_driver": "like the driver",
    "nme": "inter-ocular error, % ↓",
    "median": "median ↓",
    "failed": "over 8 %, % ↓",
    "auc": "AUC to 8 % ↑",
    "yaw 0 to 15": "yaw below 15°",
    "yaw 15 to 30": "15 to 30°",
    "yaw 30 to 90": "from 30°",
    "fsim": "FSIM ↑",
    "lpips_squeeze": "LPIPS, squeeze ↓",
    "lpips_alex": "LPIPS, alex ↓",
    "lpips_vgg": "LPIPS, vgg ↓",
    "nlda %": "NLDA, % ↑",
    "kernel_squeezenet": "kernel distance, SqueezeNet ↓",
    "kernel": "kernel distance, Lite0 ↓",
    "apart": "LPIPS of two noises ↑",
    "kernel_efficientnet_lite0": "kernel distance, Lite0 ↓",
    "frechet_efficientnet_lite0": "Fréchet, Lite0 ↓",
    "dlib_distance": "dlib's distance ↓",
    "frechet_squeezenet": "Fréchet, SqueezeNet ↓",
    "frechet_mobilefacenet_b": "Fréchet, mobilefacenet_b ↓",
    "undetected": "no face found",
    "absolute": "mean error ↓",
    "inside": "mean error where erased ↓",
    "lpips": "LPIPS, SqueezeNet ↓",
    "landmarks": "landmarks off by, % ↓",
    "to_model": "like the model's person",
    "to_drawn": "like the drawn person",
    "tone": "skin drifted by",
    "depth_error": "depth off by, % of eye distance ↓",
    "overlap": "face's IoU ↑",
    "gain": "own face's correlation gain ↑",
    "mean_iou": "mean IoU ↑",
    "background": "background",
    "skin": "skin",
    "brows": "brows",
    "eyes": "eyes",
    "nose": "nose",
    "inner mouth": "inner mouth",
    "lips": "lips",
    "hair": "hair",
    "error": "landmark error, % of eye distance ↓",
    "deviation": "± sd",
    "input_error": "parts moved by, %",
}


def table(path: Path) -> str:
    """A CSV of results as Markdown, with what it was measured on below."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    shown = [name for name in rows[0] if name in HEADINGS]
    lines = ["| " + " | ".join(HEADINGS[name] for name in shown) + " |", "|" + "---|" * len(shown)]
    lines += ["| " + " | ".join(row[name] for name in shown) + " |" for row in rows]
    first = rows[0]
    made = f"{first['recipe']}, {first['step']} steps, " if first.get("recipe") else ""
    about = "; ".join([f"{made}code {first['commit'] or 'uncommitted'}", *filter(None, [first.get("faces_of")])])
    lines += ["", f"{about}; `{path.relative_to(ROOT)}`"]
    return "\n".join(lines)


def fill_tables(text: str) -> str:
    """A page with its tables made anew."""
    pattern = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.S)
    return pattern.sub(lambda found: f"{found[1]}{table(ROOT / found[2])}\n{found[3]}", text)


def commands_of(parser: Filled, before: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with the words that name it, those below it after it."""
    for word, command in parser.filled().commands().items():
        assert isinstance(command, Filled)
        yield f"{before}{word}", command.filled()
        yield from commands_of(command, f"{before}{word} ")


def cli_page() -> str:
    """Every command and option, in the order in which ``--help`` has them."""
    root = command_line()
    lines = [
        "# The command line",
        "",
        "Made by `python tools/make_docs.py` from the program; do not edit.",
        "",
        str(root.description),
        "",
    ]
    for name, command in commands_of(root):
        lines += [f"## likeness {name}", "", f"{command.description}.", ""]
        for action in command._actions:
            if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
                continue
            words = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            value = "" if not action.option_strings or action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
            if action.option_strings and action.choices:
                value = " {" + ",".join(map(str, action.choices)) + "}"
            lines.append(f"* `{words}{value}`: {action.help}")
        lines.append("")
    lines += ["Exit codes: 0 done; 2 a mistake that can be mended, told in one line; 1 from `verify` when a picture has no mark."]
    return "\n".join(lines) + "\n"


def card_page(name: str) -> str:
    """The card in a weights file's header, as a page."""
    card = read_card(assets.WEIGHTS / name / "weights.safetensors")
    lines = [
        f"# Model card: {name}",
        "",
        f"Made by `python tools/make_docs.py` from the header of the shipped weights (`likeness systems --card {card.system}`).",
        "",
    ]
    lines += [
        f"* **What**: {systems.SYSTEMS[card.system].what}.",
        f"* **Recipe**: `{card.recipe['name']}`, {card.step:,} steps; code {card.commit}.",
    ]
    lines += [f"* **Data**: {what} (`{file}`)." for file, what in card.data.items()]
    lines += [f"* **Licence of the weights**: {card.licence} (LICENSE-WEIGHTS). **Terms that come with the data**: {card.terms}."]
    lines += [f"* **Score**, {key}: {value}." for key, value in card.scores.items()]
    lines += ["", card.notes, ""]
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Every made page and its text."""
    made = {ROOT / "docs" / "cli.md": cli_page()}
    shipped = sorted(path.parent.name for path in assets.WEIGHTS.glob("*/weights.safetensors"))
    made |= {ROOT / "docs" / f"card-{name}.md": card_page(name) for name in shipped}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if path not in made and "<!-- table:" in path.read_text():
            made[path] = fill_tables(path.read_text())
    return made


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        print(("stale: " if check else "wrote ") + str(path.relative_to(ROOT)))
        if not check:
            path.write_text(pages()[path])
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
