"""Whose faces are measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from likeness.data.store import row, write_rows
from likeness.errors import LikenessError
from likeness.evaluate.people import People
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces

FRAMING = Framing(size=64)


@pytest.fixture
def many(tmp_path: Path) -> str:
    faces = [replace(face, split="test") for face in drawn_faces(150, FRAMING)]
    return str(write_rows(tmp_path / "many.parquet", [row(face, "lfw", 1.0) for face in faces], FRAMING))


def test_128_photos_are_always_the_same(many: str) -> None:
    one, again = (People(data=many, photos="128").faces(FRAMING).column("name") for _ in range(2))
    assert one == again and len(set(one)) == 128
    assert one != sorted(face.name for face in drawn_faces(150, FRAMING))[:128]


def test_first_and_last(many: str) -> None:
    names = People(data=many, photos="all").faces(FRAMING).column("name")
    assert People(data=many, photos="all", limit=3).faces(FRAMING).column("name") == names[:3]
    assert People(data=many, photos="all", last=3).faces(FRAMING).column("name") == names[-3:]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"limit": 1}, "at least 2 faces"),
        ({"source": "mars"}, "its sources are lfw"),
        ({"split": "validation"}, "no validation people"),
    ],
)
def test_mistakes(many: str, choice: dict[str, object], said: str) -> None:
    with pytest.raises(LikenessError, match=said):
        People(data=many, **choice).faces(FRAMING)  # type: ignore[arg-type]
    with pytest.raises(LikenessError, match="is framed"):
        People(data=many).faces(Framing())
