"""A program over the public names, as a user would write it with types. mypy reads it in strict mode; a test runs it.

The lines of :func:`wrong` are mistakes that the types have to notice: mypy complains of an ``ignore`` that ignores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

import likeness
from likeness import FaceReader, LikenessError, Synthesizer
from likeness.card import Card, read_card
from likeness.engine import Graph, Port, Weights, open_weights
from likeness.faces.reader import PhotoFace
from likeness.image import from_planes, picture_of, read, to_planes
from likeness.synthesizer import Condition, Option, Prepared, Result
from likeness.systems import weights_path


def friendly(first: Path, second: Path, folder: Path) -> None:
    """The call of the README: paths, PIL pictures and arrays."""
    face = likeness.load("parts")(photo=first, mouth=str(second))
    assert_type(face, Result)
    assert_type(face.save(folder / "face.png"), Path)
    assert_type(face.pasted().save(folder / "photo.png"), Path)


def batches(first: Path, second: Path, folder: Path) -> None:
    """The same in two steps, many at a time."""
    parts = likeness.load("parts", system="parts", engine="onnx", device="cpu")
    assert_type(parts, Synthesizer)
    assert_type(parts.conditions, tuple[Condition, ...])
    assert_type(parts.options, tuple[Option, ...])
    requests: list[Mapping[str, Any]] = [{"photo": Pillow.open(first)}, {"photo": read(second), "only": ["eyes"]}]
    prepared = [parts.prepare(request) for request in requests]
    assert_type(prepared, list[Prepared])
    for number, result in enumerate(parts.make(prepared)):
        assert result.picture.dtype == np.uint8 and result.made["system"] == "parts"
        assert_type(result.notes, tuple[str, ...])
        result.save(str(folder / f"batch-{number}.png"))


def reading(path: Path) -> None:
    """Faces of a photo."""
    reader = FaceReader()
    photo, name = picture_of(path)
    face = reader.read(photo, name)
    assert_type(face, PhotoFace)
    assert_type(reader.read_all(photo, name), list[PhotoFace])
    assert face.landmarks.shape == (68, 2)
    picture, landmarks, transform = face.framed(likeness.load("parts").framing)
    assert picture.shape[0] == 128 and landmarks.shape == (68, 2)
    assert_type(transform.scale, float)


def networks() -> None:
    """Graphs under the systems."""
    path = weights_path("parts")
    card, weights = read_card(path), open_weights(path, engine="auto")
    assert_type(card, Card)
    assert_type(weights, Weights)
    assert_type(card.step, int)
    graph = weights.graphs["generator"]
    assert_type(graph, Graph)
    assert_type(graph.inputs, tuple[Port, ...])
    canvas = np.zeros((2, 4, 128, 128), np.float32)
    made: NDArray[Any] = graph(canvas=canvas)["face"]
    assert to_planes(from_planes(made)).shape == made.shape


def mistakes() -> str:
    """A user's mistake is a LikenessError."""
    try:
        likeness.load("parts")(moth="bo.jpg")
    except LikenessError as mistake:
        return str(mistake)
    raise AssertionError


def wrong(parts: Synthesizer, face: Result, reader: FaceReader, graph: Graph) -> None:
    """Never run."""
    face.save(3)  # type: ignore[arg-type]
    face.pictures  # type: ignore[attr-defined]  # noqa: B018
    parts.prepare("photo.jpg")  # type: ignore[arg-type]
    parts.draw([])  # type: ignore[attr-defined]
    reader.read("photo.jpg", "photo.jpg")  # type: ignore[arg-type]
    graph(np.zeros(3))  # type: ignore[call-arg]
    likeness.load("parts", engine=3)  # type: ignore[arg-type]


def main(first: Path, second: Path, folder: Path) -> None:
    """Run all that is right."""
    friendly(first, second, folder)
    batches(first, second, folder)
    reading(first)
    networks()
    assert "did you mean 'mouth'?" in mistakes()
