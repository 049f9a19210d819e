"""``likeness study``: a paper's comparison from nothing: train every contender for one budget, measure all, draw the curves."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options, tables
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.evaluate.parts import Painter
    from likeness.recipe import Recipe
    from likeness.records import Image
    from likeness.systems.parts.synthesis import PartsSynthesizer

FIGURE = (
    "photo",
    "parts",
    "PatchMatch",
    "Context Encoder (Pathak et al. 2016)",
    "contextual attention (Yu et al. 2018)",
    "pix2pix (Isola et al. 2017)",
    "PIC (Zheng et al. 2019)",
    *("R", "P", "A", "RP", "RA", "PA", "RPA"),
    "ours",
)
"""Columns in the order of figures 9 and 10; what is not named stands behind."""

STUDIES = {
    "ablation": "R, P, A and all their combinations (figure 10 of Sun, Guo & Liu 2022)",
    "baselines": "against Context Encoder, contextual attention, pix2pix, PIC and PatchMatch (table 3, figure 9)",
    "landmark": "LandmarkGAN and pix2pix from drawn landmarks, on prepared targets (table 1 of its paper)",
    "isegan": "ISEGAN, its parts, SCA-GAN, pix2pix, CycleGAN and DualGAN on CUFS's test pairs (tables 1 and 2 of its paper)",
}


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "study", run, "train every contender of a comparison for one budget, then measure all; goes on where it stopped"
    )
    parser.add_argument("study", choices=[*STUDIES], help="; ".join(f"{name}: {what}" for name, what in STUDIES.items()))
    tables.faces(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a folder for all runs and results")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="steps of each generator (default: 1000)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="isegan: only these contenders, full among them")
    parser.add_argument("--from", dest="warm", metavar="W", help="landmark: begin its targets from these weights")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop training cleanly after M minutes in all")
    parser.add_argument("--tiny", action="store_true", help="tiny networks, to see it run")
    parser.add_argument("--also", nargs="+", default=[], metavar="W", help="measure these weights too, whatever their budget")
    parser.add_argument("--csv", metavar="FILE.csv", help="write the table here too")
    parser.add_argument("--curves", metavar="FILE.csv", help="write the training curves here too, and their picture beside it")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: cuda where there is one)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: one a core)")


def contenders(study: str, steps: int, tiny: bool) -> dict[str, tuple[str, Recipe]]:
    """Folder → (system or baseline, recipe) of everything that a study trains. The studies of parts share the full model."""
    from dataclasses import replace

    if study == "isegan":
        from likeness.cli import isegan_study

        return isegan_study.contenders(steps, tiny)

    from likeness import baselines
    from likeness.baselines.frame import BaselineRecipe, budgeted
    from likeness.systems.parts.ablation import COMBINATIONS, ablation
    from likeness.systems.parts.recipes import PartsRecipe
    from likeness.systems.parts.recipes import tiny as tiny_parts

    def ours(letters: str) -> PartsRecipe:
        made = ablation(letters, steps)
        if not tiny:
            return made
        small = tiny_parts()
        training = replace(made.training, batch=small.training.batch)
        return replace(made, framing=small.framing, networks=small.networks, crop=32, training=training)

    letters = COMBINATIONS[::-1] if study == "ablation" else ("RPA",)
    found: dict[str, tuple[str, Recipe]] = {f"parts-{name}": ("parts", ours(name)) for name in letters}
    if study == "baselines":
        for name in baselines.PARTS:
            recipe = baselines.recipe(f"{name}:{'tiny' if tiny else 'lite'}")
            assert isinstance(recipe, BaselineRecipe)
            found[name] = (name, budgeted(recipe, steps))
    return found


def run(given: argparse.Namespace) -> int:
    """Train what is not trained, then measure."""
    from likeness.baselines import PARTS

    if not given.data:
        raise LikenessError("--data FILE.parquet is needed; make one with: likeness prepare FOLDER -o FILE.parquet")
    options.check_minutes(given.minutes)
    if given.study in ("isegan", "landmark") and given.curves:
        raise LikenessError("--curves: go with the studies of parts")
    if given.study != "landmark" and given.warm:
        raise LikenessError("--from: goes with the study landmark")
    if given.study != "isegan" and given.only:
        raise LikenessError("--only: goes with the study isegan")
    if given.study == "landmark":
        return _landmark(given)
    plan = contenders(given.study, given.steps, given.tiny)
    if given.only:
        if strangers := sorted(set(given.only) - set(plan)):
            raise LikenessError(f"--only {strangers[0]}: there are {', '.join(plan)}")
        if "full" not in given.only:
            raise LikenessError("--only: full, which the others are compared with, has to be among them")
        plan = {name: what for name, what in plan.items() if name in given.only}
    framing = next(iter(plan.values()))[1].framing  # type: ignore[attr-defined]
    # what cannot be measured is said now, not after hours of training
    chosen = tables.test_faces(given, framing)
    if given.study == "isegan":
        from likeness.cli import isegan_study

        wanted = isegan_study.also(given, framing)
        if not _train(given, plan):
            print("stopped before all were trained; the same command goes on")
            return 3
        return isegan_study.measure(given, {name: Path(given.output) / name for name in plan}, chosen, wanted)
    others = {word: tables.painter(word) for word in given.also}
    for word, other in others.items():
        if other.framing != framing:
            raise LikenessError(f"{word}: is for faces framed {other.framing}, the study for {framing}")
    if not _train(given, plan):
        print("stopped before all were trained; the same command goes on")
        return 3
    folder = Path(given.output)
    titles = {name: name.removeprefix("parts-") if name not in PARTS else PARTS[name].what for name in plan}
    if given.study == "baselines":
        titles["parts-RPA"] = "ours"
    runs = {titles[name]: folder / name for name in plan}
    if given.curves or not (folder / f"{given.study}-curves.csv").is_file():  # timing takes a minute or two
        _curves(given, runs, {titles[name]: contender for name, contender in plan.items()})
    _measure(given, runs, chosen, others)
    return 0


def _landmark(given: argparse.Namespace) -> int:
    """The study of targets, who are split by frame and of whom each contender sees its own."""
    from likeness import systems
    from likeness.cli import landmark_study
    from likeness.data.store import FaceStore

    if given.also:
        raise LikenessError("--also: goes with the other studies")
    store = FaceStore(given.data)
    names = sorted(set(store.column("person")))
    if not 2 <= len(names) <= 50:
        raise LikenessError(f"{given.data}: shows {len(names)} people, 2 to 50 targets are wanted (likeness prepare targets …)")
    begun, warm = None, {}
    if given.warm:
        path = systems.weights_path(given.warm)
        begun, warm = systems.load(path, "landmark").recipe, {landmark_study.OURS: path}  # type: ignore[attr-defined]
    plan = landmark_study.contenders(names, store.framing.size, given.steps, given.tiny, begun)
    if not _train(given, plan, landmark_study.stores(store, names), warm):
        print("stopped before all were trained; the same command goes on")
        return 3
    return landmark_study.measure(given, store, names)


def _train(
    given: argparse.Namespace,
    plan: dict[str, tuple[str, Recipe]],
    stores: Mapping[str, FaceStore] | None = None,
    warm: Mapping[str, Path] | None = None,
) -> bool:
    """Train each contender to its end, on ``--data`` or its own of ``stores``, begun from ``warm``; whether all got there."""
    import time

    import torch

    from likeness import baselines
    from likeness.card import read_card
    from likeness.data.store import FaceStore
    from likeness.train.loop import Progress, finished, train

    device, began = options.processors(given.device, given.threads), time.monotonic()
    shared = FaceStore(given.data) if stores is None else None
    with options.asked_to_stop() as asked, options.bar("training") as show:
        for place, (name, (kind, recipe)) in enumerate(plan.items()):
            run = Path(given.output) / name
            store = stores[name] if stores is not None else shared
            assert store is not None
            beginning = (warm or {}).get(name)
            if finished(run, recipe, store, beginning):
                continue

            def report(progress: Progress, name: str = name, place: int = place) -> None:
                left = f"{progress.remaining / 60:.0f} min left for it"
                show(progress.step, progress.steps, f"of {name} ({place + 1} of {len(plan)}), {left}")

            left = None if given.minutes is None else given.minutes - (time.monotonic() - began) / 60
            if asked or (left is not None and left <= 0):
                return False
            torch.manual_seed(recipe.training.seed)
            system = baselines.row(kind).build(recipe).to(device)
            weights = train(system, kind, store, run, minutes=left, warm_start=beginning, report=report, stop=lambda: bool(asked))
            if read_card(weights).step < recipe.training.steps:
                return False
        return not asked


def _curves(given: argparse.Namespace, runs: dict[str, Path], plan: dict[str, tuple[str, Recipe]]) -> None:
    """Validation PSNR against training time: curves.csv and, where matplotlib is, curves.png.

    The time is steps × how long a step takes, timed now for all contenders in turn: the runs' own clocks also counted
    whatever else the machine did.
    """
    from likeness import baselines
    from likeness.data.store import FaceStore
    from likeness.train.pace import seconds_per_step, seconds_until

    store, table = FaceStore(given.data), []
    with options.bar("timing") as show:
        for number, (title, run) in enumerate(runs.items()):
            show(number, len(runs), title)
            kind, recipe = plan[title]
            paces = seconds_per_step(baselines.row(kind).build, recipe, store)
            for line in map(json.loads, (run / "stats.jsonl").read_text().splitlines()):
                if "validation_psnr" in line:
                    minutes = seconds_until(line["step"], recipe.training.phases, paces) / 60
                    cells = {"method": title, "trained_steps": str(line["step"]), "minutes": f"{minutes:.2f}"}
                    table.append(cells | {"psnr": f"{line['validation_psnr']:.2f}"})
    if not table:  # a budget too small for a look
        return
    about = {"recipe": f"study {given.study}", "step": given.steps, "commit": _commit(), "faces_of": "validation people"}
    places = [Path(given.output) / f"{given.study}-curves.csv"]
    if given.curves:
        places.append(Path(given.curves))
    for place in places:
        tables.write_csv(place, table, about)
    if (pyplot := tables.plotting()) is None:
        return
    figure, axes = pyplot.subplots(figsize=(7, 4.5), dpi=120)
    for title in runs:
        points = [(float(line["minutes"]), float(line["psnr"])) for line in table if line["method"] == title]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=title)
    axes.set_xlabel("training time on this machine, minutes")
    axes.set_ylabel("PSNR on validation people, dB")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    tables.write_figure([place.with_suffix(".png") for place in places], figure)
    pyplot.close(figure)


def _measure(given: argparse.Namespace, runs: dict[str, Path], chosen: FaceStore, others: dict[str, PartsSynthesizer]) -> None:
    """Every contender, and what needs no training, on the same faces."""
    import torch

    from likeness import provenance
    from likeness.baselines.floors import NearestFace, PastedOnMean
    from likeness.baselines.patchmatch import PatchMatch
    from likeness.data.store import FaceStore
    from likeness.evaluate.parts import compare, painter_of

    made = {title: tables.painter(str(run)) for title, run in runs.items()}
    first = next(iter(made.values()))
    methods: dict[str, Painter] = {title: painter_of(system.complete) for title, system in made.items()}
    for word, other in others.items():
        title = f"{other.card.recipe['name']}, {other.card.step:,} steps"
        methods[title if title not in methods else f"{title} ({word})"] = painter_of(other.complete)
    if given.study == "baselines":
        methods[PatchMatch.title] = PatchMatch().paint
        train = FaceStore(given.floors or given.data).select("train")
        pasted, nearest = PastedOnMean(train), NearestFace(train, torch.from_numpy(first.anchors))
        methods |= {pasted.title: pasted.paint, nearest.title: nearest.paint}
    with options.bar("measuring") as show:
        scores, pictures = compare(chosen, torch.from_numpy(first.anchors), methods, show)
    about = tables.about(given, first.card, len(chosen), ("mobilefacenet_b", "squeezenet"))
    about |= {"recipe": f"study {given.study}", "step": given.steps}
    print(f"{about['data']}: N = {about['faces']}; {STUDIES[given.study]}; {given.steps} steps each")
    table = [tables.flat(asdict(score)) for score in scores]
    tables.show(table)
    tables.say(about)
    folder = Path(given.output)
    tables.write_json(folder / f"{given.study}.json", about, scores, chosen.column("name"))
    tables.write_csv(folder / f"{given.study}.csv", table, about)
    if given.csv:
        tables.write_csv(given.csv, table, about)
    order = sorted(pictures, key=lambda name: FIGURE.index(name) if name in FIGURE else len(FIGURE))
    sheet = tables.contact_sheet(chosen, {name: pictures[name] for name in order}, 12)
    tool = provenance.software("parts", str(about["recipe"]))
    print(provenance.write(folder / f"{given.study}.png", sheet, tool))
    print(provenance.write(folder / f"{given.study}-samples.png", _on_samples(first, methods, order), tool))


def _on_samples(system: PartsSynthesizer, methods: dict[str, Painter], order: list[str]) -> Image:
    """The same sheet on the sample faces, who are nobody and may be shown."""
    import torch

    from likeness import assets, sheet
    from likeness.baselines.floors import NearestFace
    from likeness.faces import parts
    from likeness.image import pictures_in, to_images, to_tensor
    from likeness.systems.parts import placement

    order = [name for name in order if name != NearestFace.title]  # that one shows photographs of people
    people = [system.face_of(path, "photo").framed(system.framing) for path in pictures_in(assets.SAMPLES)]
    photos = torch.cat([to_tensor(image) for image, _, _ in people])
    bits = torch.stack([torch.from_numpy(parts.mask_bits(landmarks, system.framing.size)) for _, landmarks, _ in people])
    masks = placement.unpack(bits)
    masks[:, [i for i, name in enumerate(parts.NAMES) if name not in parts.FACE]] = 0
    colours, cover = placement.place(photos, masks, torch.from_numpy(system.anchors))
    made = {"photo": to_images(photos), "parts": to_images(colours)}
    made |= {name: to_images(paint(colours, cover)) for name, paint in methods.items() if name in order}
    rows = [[made[name][i] for name in order] for i in range(len(people))]
    return sheet.grid(rows, columns=[tables.heading(name) for name in order])


def _commit() -> str:
    from likeness.train.run import commit

    return commit()
