"""``likeness portrait``: one person's neural model: made from a folder of photos, then photos from drawings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError

if TYPE_CHECKING:
    from likeness.data.store import FaceStore
    from likeness.records import Image


def add(commands: Any) -> None:
    """Add the command and the two below it."""
    parser = options.command(commands, "portrait", lambda given: 0, "one person's neural model: train it, draw with it")
    below = parser.add_subparsers(metavar="train | draw", required=True)
    training = options.command(below, "train", _train, "learn one person from a folder of photos; run again to go on")
    training.add_argument("photos", metavar="FOLDER", help="photos of one person, at least 3; 20 to 70 are good")
    training.add_argument("-o", "--output", required=True, metavar="MODEL", help="the run directory, which is the model")
    training.add_argument("--drawings", metavar="FOLDER", help="an artist's drawings, called and framed like the photos")
    training.add_argument("--recipe", default="person", metavar="NAME", help="of the portrait system (default: person)")
    training.add_argument(
        "--from", dest="warm", metavar="W", help="weights to begin from (default: the general model's; the word nothing for none)"
    )
    training.add_argument("--effects", metavar="NAMES", help="learn these effects only, such as pencil,line (default: all)")
    options.training(training)
    drawing = options.command(below, "draw", _draw, "make a photo from a drawing")
    drawing.add_argument("drawing", metavar="DRAWING", help="a drawing of a face, or a folder of them")
    drawing.add_argument(
        "--model",
        "--weights",
        dest="weights",
        default="portrait",
        metavar="MODEL",
        help="a run directory or weights (default: the general one); or joint",
    )
    drawing.add_argument("-o", "--output", metavar="PATH", help="the picture to write, or for a folder the folder")
    drawing.add_argument("--seed", type=int, metavar="N", help="add the noise of this seed (default: none)")
    drawing.add_argument(
        "--effect", metavar="NAME", help="DRAWING is a photo: draw it with this effect first, or with all (into a --sheet)"
    )
    drawing.add_argument(
        "--frame",
        default="auto",
        choices=["auto", "align", "as-is"],
        help="align DRAWING by its face, or take its middle square (default: auto: as it is where that fits, or no face is seen; "
        "of a model that makes drawings, the whole photo with the drawing at the face's place)",
    )
    drawing.add_argument("--sheet", action="store_true", help="write drawing and photo side by side")
    drawing.add_argument("--json", action="store_true", help="write a JSON file beside each picture that says how it was made")


def _train(given: argparse.Namespace) -> int:
    """Align, draw, fine-tune, and a contact sheet."""
    import json

    from likeness import systems
    from likeness.card import read_card
    from likeness.experiment import Contender
    from likeness.recipe import override
    from likeness.systems.portrait.person import gather
    from likeness.train.session import Session

    if not Path(given.photos).is_dir():
        raise LikenessError(f"{given.photos}: is not a folder of photos")
    settings = list(given.set)
    if given.drawings is not None and given.effects is not None:
        raise LikenessError("--drawings and --effects: the drawings are an artist's or the effects', choose one")
    if given.drawings is not None:
        settings.append('drawing.source="pairs"')
    if given.effects is not None:
        settings.append(f"drawing.effects={json.dumps(given.effects.split(','))}")
    recipe = override(systems.recipe(f"portrait:{given.recipe}"), settings)
    photos, model = Path(given.photos).resolve(), Path(given.output).resolve()
    if model == photos or photos in model.parents:
        raise LikenessError(f"{given.output}: lies in the folder of photos; name another, a model's pictures are not photos")
    warm = None if given.warm == "nothing" else systems.weights_path(given.warm or "portrait")
    if warm is not None and not warm.is_file():
        raise LikenessError(f"{given.warm or 'portrait'}: no such weights to begin from")
    if warm is not None and recipe.made != "photo":  # type: ignore[attr-defined]
        learned = read_card(warm).recipe.get("made", "photo")
        if given.warm is None:
            warm = None
            print("likeness: what makes drawings is begun from nothing, the general model makes photos", file=sys.stderr)
        elif learned != "drawing":
            raise LikenessError(f"{given.warm}: makes photos, which is no beginning for what makes drawings")
    session = Session(systems.row, **options.limits(given))
    with options.bar("reading") as show:
        gathered = gather(given.photos, recipe.framing, show, given.drawings)  # type: ignore[attr-defined]
    for title, why in gathered.left_out:
        print(f"likeness: left out {title}: {why}", file=sys.stderr)
    held_out = len(gathered.store.select("validation"))
    print(f"{len(gathered.store) - held_out} photos to learn from, {held_out} held out to look at")
    one = Contender("portrait", recipe, lambda: gathered.store, warm, "photos of the user's own")
    with options.bar("training") as show, session:
        trained = session.train(one, Path(given.output), steps=given.steps, show=show)
    print(_contact_sheet(given.output, gathered.store))
    if status := options.ended(session, trained):
        return status
    print(f"next: likeness portrait draw DRAWING --model {given.output}")
    return 0


def _contact_sheet(folder: str, store: FaceStore) -> Path:
    """Held-out photos (at most four), their drawings by every effect of the recipe or the artist, and what the model makes."""
    from likeness import provenance, sheet
    from likeness.faces.effects import apply
    from likeness.systems.portrait.synthesis import open_portrait

    model = open_portrait(Path(folder) / "weights.safetensors")
    plan, rows = model.recipe.drawing, []
    names = list(plan.effects) if plan.source == "effects" else ["drawing"]
    for face in store.select("validation").head(4):
        drawings = [face.pair] if face.pair is not None else [apply(name, face.image, 0) for name in names]
        sources = drawings if model.recipe.made == "photo" else [face.image]
        rows += [[face.image, *drawings], [None, *model.draw(sources)]]
    picture = sheet.grid(rows, cell=model.framing.size, columns=["photo", *names])
    return provenance.write(Path(folder) / "contact-sheet.png", picture, provenance.software("portrait", model.recipe.name))


def _draw(given: argparse.Namespace) -> int:
    """Drawings to photos."""
    from likeness import provenance, sheet, systems
    from likeness.faces.effects import EFFECTS

    if given.seed is not None:
        options.check_seed(given.seed)
    if given.effect == "all" and not given.sheet:
        raise LikenessError("--effect all: makes several pictures; add --sheet to see them on one")
    pairs = list(options.jobs(given.drawing, given.output, "portrait"))
    model = systems.load(given.weights, "portrait")
    word, size = model.conditions[0].name, model.framing.size
    if given.effect and word == "photo":
        raise LikenessError("--effect: this model takes photos as they are")
    titles = ["drawing", "photo"] if word == "drawing" else ["photo", "drawing"]

    def request(picture: Any, effect: str | None, frame: str) -> dict[str, Any]:
        return {word: picture, "noise": given.seed, "effect": effect, "frame": frame}

    def work(before: Path, after: Path) -> None:
        names = [*EFFECTS] if given.effect == "all" else [given.effect]
        requests = [model.prepare(request(before, names[0], given.frame))]
        for name in names[1:]:  # the photo is framed once
            requests.append(model.prepare(request(requests[0].pictures["photo"], name, "as-is")))
        results = model.make(requests)
        first = results[0]
        options.note(first)
        if given.effect == "all":
            drawn: list[Image | None] = [first.intermediates["photo"], *(result.intermediates["drawing"] for result in results)]
            rows = [drawn, [None, *(result.picture for result in results)]]
            provenance.write(after, sheet.grid(rows, cell=size, columns=["photo", *names]), first.tool)
        elif given.sheet:
            row: list[Image | None] = [first.intermediates[word], first.picture]
            provenance.write(after, sheet.grid([row], cell=2 * size, columns=titles), first.tool)
        else:
            (first.pasted() if word == "photo" and given.frame == "auto" else first).save(after)
        if given.json:
            said = {"command": "portrait draw", "drawing": str(before), "effect": given.effect, "seed": given.seed}
            options.sidecar(after, options.made_with(given, first) | said)
        print(after)

    return options.each(pairs, work, given.drawing)
