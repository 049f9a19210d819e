"""The trained portrait system: a drawing in, a photo out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from likeness.checkpoint import Card, fill
from likeness.errors import LikenessError
from likeness.faces.align import Framing, align, check_framed, paste_back
from likeness.faces.reader import FaceReader
from likeness.image import read, to_images, to_tensor
from likeness.nn.unet import UNet
from likeness.recipe import thaw
from likeness.records import Image
from likeness.synthesizer import Synthesizer
from likeness.systems.portrait.recipes import PortraitRecipe


class PortraitSynthesizer(Synthesizer):
    """Photos from drawings of a person, or of anybody.

    >>> hugo = likeness.load("runs/hugo")  # doctest: +SKIP
    >>> photo = hugo.draw([hugo.read("sketch.png")])[0]  # doctest: +SKIP
    """

    conditions: ClassVar[dict[str, str]] = {"drawing": "a grey picture of a face, framed as the recipe says; see read()"}

    def __init__(self, recipe: PortraitRecipe, card: Card, generator: UNet) -> None:
        self.recipe, self.card, self.framing = recipe, card, recipe.framing
        self.generator = generator.eval()
        self.reader: FaceReader | None = None

    @classmethod
    def from_weights(cls, card: Card, state: dict[str, Tensor], path: str) -> PortraitSynthesizer:
        """Rebuild from what a weights file holds, see :class:`likeness.synthesizer.Synthesizer`."""
        recipe = thaw(PortraitRecipe, card.recipe)
        generator = UNet(recipe.framing.size, 3, 3, recipe.width, recipe.norm, recipe.levels)
        fill(nn.ModuleDict({"generator": generator}), state, path)
        return cls(recipe, card, generator)

    def graph(self) -> nn.Module:
        """G: drawings B × 3 × S × S (and noise B × K) to photos B × 3 × S × S in [-1, 1]."""
        return self.generator

    @torch.inference_mode()
    def draw(self, conditions: Sequence[Image], *, noise: Tensor | None = None) -> Image:
        """A photo for each drawing: uint8 B × S × S × 3.

        Args:
            conditions: drawings S × S × 3, whose colours are taken for their greys where the model learned from effects; for a
                model that makes drawings, photos.
            noise: B × K in [0, 1), see :class:`likeness.nn.unet.UNet`; None for the one result without noise.

        Raises:
            LikenessError: no drawing, or one of another size.
        """
        pictures = check_framed(conditions, self.framing, "drawing" if self.recipe.made == "photo" else "photo")
        if self.recipe.made == "photo" and self.recipe.drawing.source == "effects":
            greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
            pictures = np.repeat(np.stack(greys)[..., None], 3, 3).astype(np.uint8)
        drawings = to_tensor(pictures)
        noises = [None] * len(drawings.split(16)) if noise is None else noise.split(16)
        made = [self.generator(some, z) for some, z in zip(drawings.split(16), noises, strict=True)]
        return to_images(torch.cat(made))

    def noise(self, count: int, seed: int) -> Tensor:
        """Noise for ``count`` pictures by a seed."""
        return torch.rand(count, self.generator.noise_length, generator=torch.Generator().manual_seed(seed))

    def read(self, path: str | Path | Image, how: str = "auto") -> tuple[Image, bool]:
        """A drawing from a file or a picture, framed as the model wants it; and whether it was moved to that.

        Args:
            path: the file or picture.
            how: ``"align"`` by the eyes and mouth of the face that the detector sees; ``"as-is"``, the middle square scaled;
                ``"auto"``: as it is where no face is seen or a square picture's eyes stand within a tenth of their place, else
                aligned (landmarks of drawings are rough, and drawings may be too free for any); photos are aligned.

        Raises:
            LikenessError: ``"align"`` was asked for or the model takes photos, and no face is seen.
        """
        picture = path if isinstance(path, np.ndarray) else read(path)
        how = "align" if how == "auto" and self.recipe.made == "drawing" else how
        if how != "as-is":
            self.reader = self.reader or FaceReader()
            faces = self.reader.faces(picture)
            if how == "align" and not faces:
                raise LikenessError("no face was found to align by; as it is (--frame as-is) may do")
            if faces and (how == "align" or not self._framed(picture, faces[0].landmarks)):
                return align(picture, faces[0].landmarks, self.framing)[0], True
        side = min(picture.shape[:2])
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        square = picture[top : top + side, left : left + side]
        method = cv2.INTER_AREA if side > self.framing.size else cv2.INTER_CUBIC
        resized = cv2.resize(square, (self.framing.size, self.framing.size), interpolation=method)
        return np.asarray(resized, np.uint8), False

    def draw_photo(self, photo: Image, name: str = "the photo") -> Image:
        """For a model that makes drawings: the drawing of a whole photo H × W × 3, at its place in it; round it is white paper.

        Raises:
            LikenessError: no face is found.
        """
        self.reader = self.reader or FaceReader()
        framed, _, transform = self.reader.aligned(photo, name, self.framing)
        return paste_back(self.draw([framed])[0], np.full_like(photo, 255), transform, feather=0.0)

    def _framed(self, picture: Image, landmarks: np.ndarray) -> bool:
        """Whether a square picture's eyes already stand within a tenth of where the framing has them."""
        if picture.shape[0] != picture.shape[1]:
            return False
        template = Framing(picture.shape[0], self.framing.eye_distance, self.framing.eye_height, self.framing.mouth_drop).template
        eyes = np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)])
        return bool(np.abs(eyes - template[:2]).max() < 0.1 * picture.shape[0])


def open_portrait(weights: str | Path) -> PortraitSynthesizer:
    """A portrait synthesizer from a weights file or run directory."""
    from likeness.systems import load

    system = load(weights, "portrait")
    assert isinstance(system, PortraitSynthesizer)
    return system
