"""The trained ISEGAN: a sketch and its parsing in, a photo out; or the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likeness.engine import Weights
from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, alignment, check_framed
from likeness.faces.cufs import FRAMING, HEIGHT, LEFT, TOP, WIDTH, cropped, padded, parsed, within
from likeness.faces.labels import CLASSES, coloured, read_off
from likeness.faces.parser import FaceParser
from likeness.faces.reader import PhotoFace
from likeness.faces.tools import open_tool
from likeness.image import from_planes, picture_of, to_planes
from likeness.recipe import thaw
from likeness.records import Image, Points
from likeness.synthesizer import Condition, Option, Place, Prepared, Result, Synthesizer, describe
from likeness.systems.isegan.recipes import ISEGANRecipe

FRAMES = ("auto", "align", "as-is")
"""How a picture is brought to the framing."""


@dataclass(frozen=True)
class Stages:
    """What became of N sketches: ``source`` P_s and ``parsing`` P_int, classes N × S × S; ``first`` Ŷ(1), ``photo`` Ŷ(2)."""

    source: NDArray[np.uint8]
    parsing: NDArray[np.uint8]
    first: Image
    photo: Image


class ISEGANSynthesizer(Synthesizer):
    """Photos from sketches of faces through a parsing that can be seen and edited; of other weights, sketches from photos.

    Weights that make photos take a ``sketch``, weights that make sketches a ``photo``. A result's picture has no padding: it is
    250 × 200 × 3 in CUFS's framing. Its intermediates are the framed ``sketch`` (or ``photo``), ``source parsing`` P_s,
    ``parsing`` P_int and ``first`` Ŷ(1), all of the same size.

    Args:
        weights: the opened weights.
        parser: what makes P_s; by default the parser that ships, with which the shipped weights learned.

    >>> isegan = likeness.load("isegan")  # doctest: +SKIP
    >>> result = isegan(sketch="sketch.png")  # doctest: +SKIP
    >>> isegan(sketch="sketch.png", parsing=edited(result.intermediates["parsing"])).save("photo.png")  # doctest: +SKIP
    """

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition("sketch", "drawing", True, "a sketch of a face, of any size"),
        Condition("photo", "photo", True, "a photo of a face, for weights that make sketches"),
        Condition("parsing", "parsing", False, "an edited parsing to follow, in the colours and the size of a result's"),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("frame", "auto", "align by the face, as-is (the whole), or auto: as it is where it is 200 × 250, like CUFS"),
    )
    batch: ClassVar[int] = 8

    def __init__(self, weights: Weights, parser: FaceParser | None = None) -> None:
        super().__init__(weights)
        self.recipe = thaw(ISEGANRecipe, self.card.recipe)
        self.framing = self.recipe.framing
        self.source = "sketch" if self.recipe.made == "photo" else "photo"
        self.conditions = tuple(  # type: ignore[misc] # what weights of this recipe take
            one for one in type(self).conditions if one.name in (self.source, "parsing")
        )
        self._parser = parser

    @property
    def parser(self) -> FaceParser:
        """What makes P_s."""
        self._parser = self._parser or open_tool(FaceParser)
        return self._parser

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`; a parsing is coloured, as a result's intermediate is."""
        given, options = self.chosen(request)
        arrays: dict[str, Array] = {}
        if "parsing" in given:
            arrays["edited"] = self.decode_parsing(*picture_of(given["parsing"], "the parsing"))
        value = given[self.source]
        face = value if isinstance(value, PhotoFace) else None
        whole, name = (face.photo, face.name) if face else picture_of(value, f"the {self.source}")
        arrays["picture"], transform = self.frame(whole, options["frame"], name, face.landmarks if face else None)
        over = self.recipe.made == "photo"
        ground = whole if over else np.full_like(whole, 255)  # a sketch stands on white paper
        made = self.said(
            conditions={key: describe(one) for key, one in given.items()}, made=self.recipe.made, frame=options["frame"]
        )
        pictures = {self.source: self.unpad(arrays["picture"])}
        place = Place(ground, self.unpadded(transform), None, 0.0, file=name if over else "")
        return Prepared(arrays, pictures, made, place)

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """A photo for each sketch, or the other way round."""
        if not requests:
            return []
        pictures = [request.arrays["picture"] for request in requests]
        found = self.stages(pictures, edited=[request.arrays.get("edited") for request in requests])
        results = []
        for n, request in enumerate(requests):
            by_the_way = {
                "source parsing": self.unpad(coloured(found.source[n])),
                "parsing": self.unpad(coloured(found.parsing[n])),
                "first": self.unpad(found.first[n]),
            }
            picture = self.unpad(found.photo[n])
            results.append(Result(picture, {**request.pictures, **by_the_way}, request.made, request.place, request.notes))
        return results

    def stages(
        self,
        pictures: Sequence[Image],
        parsings: NDArray[np.uint8] | None = None,
        edited: Sequence[NDArray[np.uint8] | None] | None = None,
    ) -> Stages:
        """All that becomes of framed sketches S × S × 3 (or photos).

        Args:
            pictures: padded or aligned to the recipe's framing.
            parsings: P_s as N × 8 × S × S in 255ths; by default the parser's.
            edited: for each sketch a parsing of classes S × S that shall be P_int, or None. Where it differs from the model's
                own, it takes the place of P_s too, so that both stages follow it.

        Raises:
            LikenessError: no sketch, or a picture or parsing of another size.
        """
        framed, size = check_framed(pictures, self.framing, self.source), self.framing.size
        for wish in edited or ():
            if wish is not None and (wish.shape != (size, size) or int(wish.max()) >= len(CLASSES)):
                raise LikenessError(f"an edited parsing is {wish.shape[1]}×{wish.shape[0]}, the model wants {size}×{size}")
        found: list[Stages] = []
        for start in range(0, len(framed), self.batch):
            here = slice(start, start + self.batch)
            some = framed[here]
            maps = parsed(self.parser, list(some), self.framing) if parsings is None else parsings[here]
            found.append(self._some(to_planes(some), maps.astype(np.float32) / 255, list(edited[here]) if edited else []))
        return Stages(
            *(np.concatenate([getattr(one, name) for one in found]) for name in ("source", "parsing", "first", "photo"))
        )

    def _some(self, sketch: Array, source: Array, edited: Sequence[NDArray[np.uint8] | None]) -> Stages:
        """:meth:`stages` of one batch: X B × 3 × S × S in [-1, 1] and P_s B × 8 × S × S in [0, 1]."""
        middle, first = self._first(sketch, source)
        if rows := [n for n, wish in enumerate(edited) if wish is not None]:
            wish = np.stack([one for one in edited if one is not None])
            hot = np.eye(len(CLASSES), dtype=np.float32)[wish].transpose(0, 3, 1, 2)
            source, middle, first = source.copy(), middle.copy(), first.copy()
            source[rows] = np.where((middle[rows].argmax(1) != wish)[:, None], hot, source[rows])
            follows, first[rows] = self._first(sketch[rows], source[rows])
            middle[rows] = np.where((follows.argmax(1) != wish)[:, None], hot, follows)
        photo = first
        if "stage2" in self.weights.graphs:
            ports = {"sketch": sketch, "first": first, "parsing": source, "intermediate": middle}
            graph = self.weights.graphs["stage2"]
            photo = graph(**{port.name: ports[port.name] for port in graph.inputs})["photo"]
        classes = [np.asarray(one.argmax(1), np.uint8) for one in (source, middle)]
        return Stages(classes[0], classes[1], from_planes(first), from_planes(photo))

    def _first(self, sketch: Array, source: Array) -> tuple[Array, Array]:
        """P_int (P_s, where the recipe has none) and Ŷ(1)."""
        made = self.weights.graphs["stage1"](sketch=sketch, parsing=source)
        return made.get("intermediate", source), made["first"]

    def frame(
        self, picture: Image, how: str = "auto", name: str = "the picture", landmarks: Points | None = None
    ) -> tuple[Image, Similarity]:
        """A picture H × W × 3 brought to the framing, S × S × 3, and the transform that did it.

        Args:
            picture: a sketch or photo with a face.
            how: ``"align"`` by the eyes and mouth of the face that the detector sees; ``"as-is"``, the whole scaled to fit
                200 × 250; ``"auto"``: as it is where it is 200 × 250, else by the face.
            name: what to call the picture in messages.
            landmarks: the face's, 68 × 2, where they are known already.

        Raises:
            LikenessError: no face was found to align by, or there is no such way.
        """
        if how not in FRAMES:
            raise LikenessError(f"frame {how!r}: there are {', '.join(FRAMES)}")
        height, width = picture.shape[:2]
        if how == "as-is" or (how == "auto" and (width, height) == (WIDTH, HEIGHT)):
            scale = min(WIDTH / width, HEIGHT / height) * self.framing.size / FRAMING.size
            # a pixel centre x lies at scale·(x + 0.5) − 0.5 of the scaled picture, which stands in the middle
            shift = [(self.framing.size - scale * side) / 2 + (scale - 1) / 2 for side in (width, height)]
            moved = Similarity(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]))
            if (width, height) == (WIDTH, HEIGHT) and self.framing == FRAMING:
                return padded(picture), moved
        else:
            points = self.reader.face(picture, name).landmarks if landmarks is None else landmarks
            moved = alignment(points, self.framing)
        # round a tight picture there is paper, or more of the ground, and never a second forehead
        outside = "paper" if self.recipe.made == "photo" else "edge"
        framed = moved.warp(picture, self.framing.size, self.framing.size, outside)
        return (within(framed) if self.framing == FRAMING else framed), moved

    def unpad(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pictures S × S × 3 without their padding: 250 × 200 × 3 in CUFS's framing."""
        return cropped(pictures) if self.framing == FRAMING else pictures

    def unpadded(self, transform: Similarity) -> Similarity:
        """A transform to the framing as one to what :meth:`unpad` leaves of it."""
        if self.framing != FRAMING:
            return transform
        return Similarity(transform.matrix - np.array([[0, 0, LEFT], [0, 0, TOP]]))

    def decode_parsing(self, picture: Image, name: str = "the parsing") -> NDArray[np.uint8]:
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
