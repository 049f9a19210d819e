"""The portrait protocol: a model on test people, whatever it has learned to make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from likeness import sheet, systems
from likeness.data.pairs import KINDS
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.evaluate import maps
from likeness.evaluate.panel import spread
from likeness.evaluate.people import People, headline, known_pictures, pictures_of
from likeness.evaluate.portrait import Ruler, absolute_error, absolute_errors
from likeness.experiment import Outcome, Progress, distinct, no_progress, option
from likeness.faces.effects import apply, erased_region
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.portrait.synthesis import PortraitSynthesizer, open_portrait

WHITE = np.uint8(255)
Found = tuple[list[dict[str, Any]], "list[list[Image | None]]", list[str], tuple[str, ...], list[str]]
"""Lines of a table, rows and headings of a sheet, instruments used, what is left out."""


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen of the protocol."""

    weights: str = option("a weights file or run directory", "portrait", metavar="W")
    against: tuple[str, ...] = option("further weights, of portrait or joint, given the same drawings", (), metavar="W")
    erase: tuple[str, ...] = option(
        "rub these features out of the drawings (left_eye, right_eye, nose, mouth), and measure the error inside, too",
        (),
        metavar="FEATURE",
    )
    pairs_as_drawings: bool = option("the faces' other pictures are the drawings, not effects", False)


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """Photos from drawings, effect by effect; depth, parsings or an artist's drawings from photos.

    Raises:
        LikenessError: other weights, a model that makes effects' drawings, or faces without the pictures that are needed.
    """
    model = open_portrait(options.weights)
    chosen = options.faces(model.framing)
    if model.recipe.made != "photo" and (options.erase or options.against):
        raise LikenessError("--erase and --against are for models that make photos")
    if model.recipe.made == "photo":
        lines, rows, columns, used, notes = _photos(options, model, chosen, progress)
    elif model.recipe.drawing.source == "effects":
        raise LikenessError(f"{options.weights}: makes drawings; likeness study portrait reverse measures such models")
    else:
        lines, rows, columns, used, notes = _others(options, model, chosen)
    about = options.about(model.card, len(chosen), used) | ({"erased": list(options.erase)} if options.erase else {})
    return Outcome(
        headline(about), about, lines, chosen.column("name"), {"faces": sheet.grid(rows, columns=columns)}, notes=notes
    )


def _photos(options: Options, model: PortraitSynthesizer, chosen: FaceStore, progress: Progress) -> Found:
    """Every effect of the recipe, or the pairs' drawings: made photos against photos."""
    faces = list(chosen)
    ruler, table = Ruler(), []
    photo = ruler.seen(faces)
    rows: list[list[Image | None]] = []
    from_pairs = options.pairs_as_drawings or model.recipe.drawing.source == "pairs"
    paired = pictures_of(chosen, "with") if from_pairs else []
    kinds = ["the pairs' drawings"] if from_pairs else list(model.recipe.drawing.effects)
    models: dict[str, Synthesizer] = {"ours": model}
    for word in options.against:
        other = systems.load(word, "portrait")
        if (framing := getattr(other, "framing", None)) != model.framing:
            raise LikenessError(f"{word}: is for faces framed {framing}, ours for {model.framing}")
        models[distinct(str(other.card.recipe["name"]), models)] = other
    erased = [erased_region(face.image.shape[:2], face.landmarks, options.erase) for face in faces] if options.erase else None
    for number, kind in enumerate(kinds):
        progress(number, len(kinds), kind)
        drawings = paired if from_pairs else [apply(kind, face.image, i) for i, face in enumerate(faces)]
        if erased:
            drawings = [np.where(where[..., None], WHITE, one) for one, where in zip(drawings, erased, strict=True)]
        made = {name: _drawn(one, drawings) for name, one in models.items()}
        for method, pictures in {**made, "the drawing as it is": np.stack(drawings)}.items():
            line = {"effect": kind, "method": method} | ruler.fidelity(pictures, faces, photo).line()
            if erased:
                inside = [absolute_error(pictures[i : i + 1], faces[i].image[None], erased[i : i + 1]) for i in range(len(faces))]
                line |= {"inside": spread(inside), "each": {**line["each"], "inside": inside}}
            table.append(line)
        picked = range(number, len(faces), max(len(faces) // 4, 1))
        rows += [[drawings[i], *(some[i] for some in made.values()), faces[i].image] for i in picked][:4]
    return table, rows, ["drawing", *models, "photo"], ruler.panel.instruments, ruler.panel.notes


def _drawn(system: Synthesizer, drawings: Sequence[Image]) -> Image:
    """Photos of drawings that are framed already."""
    if isinstance(system, PortraitSynthesizer):
        return system.draw(drawings)
    prepared = [system.prepare({"drawing": one, "frame": "as-is"}) for one in drawings]
    return np.stack([result.picture for result in system.make(prepared)])


def _others(options: Options, model: PortraitSynthesizer, chosen: FaceStore) -> Found:
    """What takes the drawing's place: depth, parsings or an artist's drawings; each beside what needs no photo."""
    kinds = [kind for kind in KINDS if any(text.endswith(f"other pictures: {kind}") for text in model.card.data.values())]
    kind = kinds[0] if kinds else "with"
    faces = list(chosen)
    wanted: Image = np.stack(pictures_of(chosen, kind))
    known = known_pictures(options, kind)
    made = model.draw([face.image for face in faces])
    usual = np.round(np.mean(np.stack(known), 0, dtype=np.float64)).astype(np.uint8)
    pictures = {"ours": made, "the mean picture": np.repeat(usual[None], len(faces), 0)}
    used: tuple[str, ...] = ()
    if kind == "depth":
        table = [asdict(maps.depth(name, some, wanted)) for name, some in pictures.items()]
    elif kind == "labels":
        table = _parsings(made, wanted, known)
    else:
        ruler, used = Ruler(), ("squeezenet", "lpips_heads")
        table = [_differences(ruler, name, some, wanted) for name, some in pictures.items()]
    rows: list[list[Image | None]] = [[face.image, made[i], wanted[i]] for i, face in enumerate(faces[:12])]
    return table, rows, ["photo", "ours", "label"], used, []


def _parsings(made: Image, wanted: Image, known: Sequence[Image]) -> list[dict[str, Any]]:
    """Made parsings, and the most frequent class at each place."""
    truth, often = maps.classes_of(wanted), maps.most_frequent(maps.classes_of(np.stack(known)))
    both = (("ours", maps.classes_of(made)), ("most frequent class", [often] * len(made)))
    return [maps.parsing(name, one, truth).line() for name, one in both]


def _differences(ruler: Ruler, method: str, made: Image, wanted: Image) -> dict[str, Any]:
    """How far made pictures are from those that were wanted."""
    each = {"absolute": absolute_errors(made, wanted), "lpips": ruler.distances(made, wanted)}
    return (
        {"method": method, "count": len(made)} | {name: float(np.mean(values)) for name, values in each.items()} | {"each": each}
    )
