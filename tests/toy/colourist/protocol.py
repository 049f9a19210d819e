"""How it is measured: against the photos, beside their greys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colourist.synthesis import ColouristSynthesizer
from likeness import sheet, systems
from likeness.evaluate.people import People, headline
from likeness.evaluate.pixels import psnr
from likeness.experiment import Outcome, Progress, no_progress, option
from likeness.image import to_tensor


@dataclass(frozen=True, kw_only=True)
class Options(People):
    """What can be chosen."""

    weights: str = option("a run directory", metavar="W")
    against: tuple[str, ...] = option("further weights", (), metavar="W")


def measure(options: Options, progress: Progress = no_progress) -> Outcome:
    """PSNR of the colours."""
    models = {word: systems.load(word, "colourist") for word in (options.weights, *options.against)}
    first = models[options.weights]
    chosen = options.faces(first.framing)
    photos = np.stack([face.image for face in chosen])
    pictures = {"photo": photos, "grey": np.repeat(photos.mean(-1, keepdims=True).astype(np.uint8), 3, -1)}
    for number, (word, model) in enumerate(models.items()):
        progress(number, len(models), word)
        assert isinstance(model, ColouristSynthesizer)
        pictures["ours" if model is first else word] = model.colour(photos)
    lines = []
    for name in [*list(pictures)[2:], "grey"]:
        each = psnr(to_tensor(pictures[name]), to_tensor(photos)).tolist()
        lines.append({"method": name, "count": len(each), "psnr": float(np.mean(each)), "each": {"psnr": each}})
    about = options.about(first.card, len(photos), ())
    return Outcome(headline(about), about, lines, chosen.column("name"), {"faces": sheet.beside(pictures)})
