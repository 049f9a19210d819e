"""The trained parts system: parts in, a face out, and the paper's figures as calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from likeness import provenance
from likeness.checkpoint import Card, fill
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing, Similarity, face_area, paste_back
from likeness.faces.parts import Patch
from likeness.faces.reader import FaceReader
from likeness.image import read, read_with_alpha, to_images, to_tensor
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Synthesizer
from likeness.systems.parts.canvas import Anchors, generator_input
from likeness.systems.parts.recipes import PartsRecipe
from likeness.systems.parts.system import build_generator

Parts = Mapping[str, Patch]
"""Some parts of a face by name; whose they are is nobody's business."""


@dataclass(frozen=True)
class Person:
    """A face read from a photo: aligned ``image`` S × S × 3, its ``landmarks`` there, and the way back into ``photo``."""

    name: str
    image: Image
    landmarks: Points
    photo: Image
    transform: Similarity

    def parts(self, names: Sequence[str] = parts.FACE) -> dict[str, Patch]:
        """Cut parts from this face."""
        return parts.cut(self.image, self.landmarks, names)

    def paste(self, face: Image) -> Image:
        """The photo with ``face`` in the place of this one; hair and background stay the photo's."""
        return paste_back(face, self.photo, self.transform, face_area(self.landmarks, face.shape[0]))


class PartsSynthesizer(Synthesizer):
    """Whole faces from facial parts.

    >>> system = likeness.load("parts")  # doctest: +SKIP
    >>> person = system.read("ann.jpg")  # doctest: +SKIP
    >>> face = system.draw([person.parts()])[0]  # doctest: +SKIP
    """

    conditions: ClassVar[dict[str, str]] = {"parts": f"any of {', '.join(parts.NAMES)}, of one person or several"}

    def __init__(self, card: Card, framing: Framing, with_cover: bool, generator: nn.Module, anchors: Anchors) -> None:
        self.card, self.framing, self.with_cover = card, framing, with_cover
        self.generator, self.anchors = generator.eval(), anchors
        self.reader: FaceReader | None = None

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> PartsSynthesizer:
        """Rebuild from a weights file, see :class:`likeness.synthesizer.Synthesizer`."""
        recipe = thaw(PartsRecipe, card.recipe)
        body = nn.ModuleDict({"generator": build_generator(recipe), "anchors": Anchors(recipe.framing.size)})
        fill(body, state, path)
        generator, anchors = body["generator"], body["anchors"]
        assert isinstance(anchors, Anchors)
        generator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(card, recipe.framing, recipe.networks.cover, generator, anchors)

    def graph(self) -> nn.Module:
        """G: average face B × C × S × S (with its cover where the recipe has one) to a face B × 3 × S × S in [-1, 1]."""
        return self.generator

    def canvas(self, conditions: Sequence[Parts]) -> Tensor:
        """The average-face pictures z that G takes."""
        size, count = self.framing.size, len(parts.NAMES)
        images = torch.zeros(len(conditions), count, 3, size, size)
        masks = torch.zeros(len(conditions), count, size, size)
        for i, chosen in enumerate(conditions):
            if not chosen:
                raise LikenessError(f"no part was given; name at least one of {', '.join(parts.ALIASES)}")
            for name, patch in chosen.items():
                if name not in parts.PARTS:
                    raise LikenessError(f"{name!r} is not a facial part; there are {', '.join(parts.NAMES)}")
                if patch.image.shape[:2] != (size, size):
                    raise LikenessError(
                        f"a patch is {patch.image.shape[1]}×{patch.image.shape[0]}, the model wants {size}×{size}"
                    )
                j = parts.NAMES.index(name)
                images[i, j] = to_tensor(patch.image)[0]
                masks[i, j] = torch.from_numpy(patch.mask)
        return generator_input(self.with_cover, *parts.place(images, masks, self.anchors.mean))

    def complete(self, colours: Tensor, cover: Tensor) -> Tensor:
        """Faces round average-face colours B × 3 × S × S and their cover B × 1 × S × S, as baselines have it: in [-1, 1]."""
        return self.paint(generator_input(self.with_cover, colours, cover))

    @torch.inference_mode()
    def paint(self, canvas: Tensor) -> Tensor:
        """G in float32, at most 64 faces at a time: canvas to faces B × 3 × S × S in [-1, 1]."""
        return torch.cat([self.generator(some.contiguous(memory_format=torch.channels_last)) for some in canvas.split(64)])

    def draw(self, conditions: Sequence[Parts], *, noise: Tensor | None = None) -> Image:
        """A face for each set of parts: uint8 B × S × S × 3. There is no chance in it; ``noise`` is not used."""
        return to_images(self.paint(self.canvas(conditions)))

    def show_parts(self, conditions: Sequence[Parts]) -> Image:
        """The average-face pictures as one sees them: uint8 B × S × S × 3."""
        return to_images(self.canvas(conditions)[:, :3])

    def save(self, path: str | Path, picture: Image) -> Path:
        """Write a picture with its mark of provenance; the suffix chooses the format."""
        return provenance.write(path, picture, provenance.software(self.card.system, str(self.card.recipe["name"])))

    # reading

    def _faces(self) -> FaceReader:
        self.reader = self.reader or FaceReader()
        return self.reader

    def read(self, photo: str | Path | Image, number: int = 1, name: str = "") -> Person:
        """Face ``number`` (1 is the largest) of a photo file or of an RGB picture, brought to the model's framing."""
        picture = photo if isinstance(photo, np.ndarray) else read(photo)
        name = name or ("the picture" if isinstance(photo, np.ndarray) else str(photo))
        image, landmarks, transform = self._faces().aligned(picture, name, self.framing, number)
        return Person(name, image, landmarks, picture, transform)

    def people(self, photo: str | Path) -> list[Person]:
        """All faces of a photo, the largest first."""
        first = self.read(photo)
        count = len(self._faces().faces(first.photo))
        return [first] + [self.read(first.photo, number, str(photo)) for number in range(2, count + 1)]

    def part_from(self, path: str | Path, word: str) -> tuple[dict[str, Patch], bool]:
        """The parts a user calls ``word`` from a full photo, or from a loose picture of just that part.

        Returns:
            The patches, and whether the picture was taken as loose because no face is in it.
        """
        names = parts.named([word])
        picture = read(path)
        found = self._faces().faces(picture)
        if found:
            return self.read(picture, 1, str(path)).parts(names), False
        colours, opaque = read_with_alpha(path)
        if min(colours.shape[:2]) < 4:
            raise LikenessError(f"{path}: is only {colours.shape[1]}×{colours.shape[0]}, too small for a facial part")
        if len(names) > 1:
            colours, opaque = parts.trim(word, colours, opaque)
        halves = np.array_split(np.arange(colours.shape[1]), len(names))
        patches = {}
        for name, columns in zip(names, halves, strict=True):
            width = float(self.anchors.width[parts.NAMES.index(name)])
            patches[name] = parts.loose(name, colours[:, columns], opaque[:, columns], width, self.framing.size)
        return patches, True


def exchange(base: Parts, other: Parts, names: Iterable[str]) -> dict[str, Patch]:
    """``base`` with the named parts taken from ``other``."""
    return {**base, **{name: other[name] for name in names}}


def open_parts(weights: str | Path = "parts") -> PartsSynthesizer:
    """A parts synthesizer from a weights file or run directory; by default the weights that ship."""
    from likeness.systems import load

    system = load(weights, "parts")
    assert isinstance(system, PartsSynthesizer)
    return system
