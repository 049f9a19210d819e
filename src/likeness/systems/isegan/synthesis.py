"""The trained ISEGAN: a sketch and its parsing in, a photo out; or the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from likeness.checkpoint import Card, fill
from likeness.data.cufs import FRAMING, HEIGHT, WIDTH, cropped, padded, parsed, within
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, alignment, check_framed, paste_back
from likeness.faces.labels import CLASSES, read_off
from likeness.faces.parser import Parser, open_parser
from likeness.faces.reader import FaceReader
from likeness.image import to_images, to_tensor
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.isegan.networks import BothStages
from likeness.systems.isegan.recipes import ISEGANRecipe
from likeness.systems.isegan.system import build_generators


@dataclass(frozen=True)
class Made:
    """What became of N sketches: ``source`` P_s and ``parsing`` P_int, classes N × S × S; ``first`` Ŷ(1), ``photo`` Ŷ(2)."""

    source: NDArray[np.uint8]
    parsing: NDArray[np.uint8]
    first: Image
    photo: Image


class ISEGANSynthesizer(Synthesizer):
    """Photos from sketches of faces, framed and padded as CUFS's are; see :meth:`frame`."""

    conditions: ClassVar[dict[str, str]] = {
        "sketch": "a sketch of a face (or a photo, of a model that makes sketches), framed like CUFS"
    }

    def __init__(self, card: Card, recipe: ISEGANRecipe, both: BothStages, parser: Parser | None = None) -> None:
        self.card, self.recipe, self.framing = card, recipe, recipe.framing
        self.both = both.eval()
        self._parser = parser
        self.reader: FaceReader | None = None

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> ISEGANSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        recipe = thaw(ISEGANRecipe, card.recipe)
        first, second = build_generators(recipe)
        fill(nn.ModuleDict({"first": first, "second": second}), state, path)
        return cls(card, recipe, BothStages(first, second if recipe.stages == 2 else None))

    @property
    def parser(self) -> Parser:
        """What makes P_s: the parser that ships."""
        self._parser = self._parser or open_parser()
        return self._parser

    def graph(self) -> nn.Module:
        """G1 and G2: X B × 3 × S × S in [-1, 1] and P_s B × 8 × S × S in [0, 1] to P_int, Ŷ(1) and Ŷ(2)."""
        return self.both

    def draw(self, conditions: Sequence[Image], *, noise: Tensor | None = None) -> Image:
        """A photo for each framed sketch: uint8 B × S × S × 3."""
        return self.make(conditions).photo

    @torch.inference_mode()
    def make(
        self,
        sketches: Sequence[Image],
        parsings: NDArray[np.uint8] | None = None,
        edited: Sequence[NDArray[np.uint8] | None] | None = None,
    ) -> Made:
        """All that becomes of framed sketches S × S × 3.

        Args:
            sketches: padded or aligned to the recipe's framing.
            parsings: P_s as N × 8 × S × S in 255ths; by default the parser's.
            edited: for each sketch a parsing of classes S × S that shall be P_int, or None. Where it differs from the model's
                own, it takes the place of P_s too, so that both stages follow it.

        Raises:
            LikenessError: no sketch, or a picture or parsing of another size.
        """
        pictures = check_framed(sketches, self.framing, "sketch" if self.recipe.made == "photo" else "photo")
        if parsings is None:
            parsings = parsed(self.parser, list(pictures), self.framing)
        size = self.framing.size
        found: list[Made] = []
        for n, picture in enumerate(pictures):
            sketch, source = to_tensor(picture[None]), torch.from_numpy(parsings[n : n + 1].astype(np.float32) / 255)
            wish = edited[n] if edited is not None else None
            middle, first, photo = self.both(sketch, source)
            if wish is not None:
                if wish.shape != (size, size) or int(wish.max()) >= len(CLASSES):
                    raise LikenessError(f"an edited parsing is {wish.shape[1]}×{wish.shape[0]}, the model wants {size}×{size}")
                middle, first, photo, source = self._follow(sketch, source, middle, torch.from_numpy(wish.astype(np.int64))[None])
            classes = [one.argmax(1).to(torch.uint8).numpy() for one in (source, middle)]
            found.append(Made(classes[0], classes[1], to_images(first), to_images(photo)))
        return Made(*(np.concatenate([getattr(one, name) for one in found]) for name in ("source", "parsing", "first", "photo")))

    def _follow(self, sketch: Tensor, source: Tensor, middle: Tensor, wish: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """P_int, Ŷ(1), Ŷ(2) and P_s once the classes ``wish`` B × S × S are put where they differ from P_int's."""
        changed = (middle.argmax(1) != wish)[:, None]
        hot = nn.functional.one_hot(wish, len(CLASSES)).permute(0, 3, 1, 2).to(source)
        source = torch.where(changed, hot, source)
        middle, first = self.both.first(sketch, source)
        middle = torch.where((middle.argmax(1) != wish)[:, None], hot, middle)
        photo = self.both.second(sketch, first, source, middle) if self.both.second is not None else first
        return middle, first, photo, source

    def frame(self, picture: Image, how: str = "auto", name: str = "the picture") -> tuple[Image, Similarity]:
        """A picture H × W × 3 brought to the framing, and the transform that did it.

        Args:
            picture: a sketch or photo with a face.
            how: ``"align"`` by the eyes and mouth of the face that the detector sees; ``"as-is"``, the whole scaled to fit
                200 × 250; ``"auto"``: as it is where it is 200 × 250, else by the face.
            name: what to call the picture in messages.

        Raises:
            LikenessError: no face was found to align by.
        """
        height, width = picture.shape[:2]
        if how == "as-is" or (how == "auto" and (width, height) == (WIDTH, HEIGHT)):
            scale = min(WIDTH / width, HEIGHT / height) * self.framing.size / FRAMING.size
            # a pixel centre x lies at scale·(x + 0.5) − 0.5 of the scaled picture, which stands in the middle
            shift = [(self.framing.size - scale * side) / 2 + (scale - 1) / 2 for side in (width, height)]
            moved = Similarity(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]))
            if (width, height) == (WIDTH, HEIGHT) and self.framing == FRAMING:
                return padded(picture), moved
        else:
            self.reader = self.reader or FaceReader()
            moved = alignment(self.reader.face(picture, name).landmarks, self.framing)
        # round a tight picture there is paper, or more of the ground, and never a second forehead
        outside = "paper" if self.recipe.made == "photo" else "edge"
        framed = moved.warp(picture, self.framing.size, self.framing.size, outside)
        return (within(framed) if self.framing == FRAMING else framed), moved

    def bare(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Results S × S × 3 without their padding: 250 × 200 × 3 in CUFS's framing."""
        return cropped(pictures) if self.framing == FRAMING else pictures

    def wished(self, picture: Image, name: str = "the parsing") -> NDArray[np.uint8]:
        """A parsing in colours, without padding and perhaps edited, as classes S × S.

        Raises:
            LikenessError: it is of another size.
        """
        height, width = (HEIGHT, WIDTH) if self.framing == FRAMING else (self.framing.size, self.framing.size)
        if picture.shape[:2] != (height, width):
            raise LikenessError(
                f"{name}: is {picture.shape[1]}×{picture.shape[0]}; a parsing as it was written is {width}×{height}"
            )
        return read_off(picture) if self.framing != FRAMING else padded(read_off(picture)[..., None])[..., 0]

    def place(self, result: Image, picture: Image, moved: Similarity) -> Image:
        """A result S × S × 3 at its place in the picture H × W × 3 which :meth:`frame` moved there; a sketch, on white paper."""
        area = np.ones(result.shape[:2], np.float32)
        if self.framing == FRAMING:
            area = np.asarray(within(np.repeat(area[..., None], 3, 2).astype(np.uint8))[..., 0], np.float32)
        ground = picture if self.recipe.made == "photo" else np.full_like(picture, 255)
        return paste_back(result, ground, moved, area, feather=0.0)
