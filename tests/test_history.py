"""A session of making: every face can be made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from likeness.errors import LikenessError
from likeness.history import History, open_history


def test_a_session_comes_back_as_it_was_written(tmp_path: Path) -> None:
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(b"one")
    begun = open_history(tmp_path / "s.json", "joint", "abc")
    assert begun == History("joint", "abc")
    first = begun.added([{"parts": str(photo), "noise": seed} for seed in range(4)])
    second = first.added([{"parts": str(photo), "noise": 7, "hold": {"hair": 2}}], parent=3)
    second.save(tmp_path / "s.json")
    found = open_history(tmp_path / "s.json", "joint", "abc")
    assert found == second
    assert found.line(5) == [3, 5] and found.line(2) == [2]
    assert found.step(5).request == {"parts": str(photo), "noise": 7, "hold": {"hair": 2}}
    assert found.changed_files(5) == []
    photo.write_bytes(b"two")
    assert found.changed_files(5) == [str(photo)]
    photo.unlink()
    assert found.changed_files(1) == [str(photo)]


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    good = {"likeness session": 1, "system": "joint", "weights": "abc", "faces": []}
    step = {"number": 1, "parent": 0, "request": {}, "files": {}}
    for content in (
        "",
        "[]",
        "{}",
        json.dumps({**good, "faces": [{**step, "parent": 1}]}),
        json.dumps({**good, "faces": [step, step]}),
    ):
        file.write_text(content)
        with pytest.raises(LikenessError, match="is no session"):
            open_history(file, "joint", "abc")
    file.write_text(json.dumps({**good, "faces": [step]}))
    with pytest.raises(LikenessError, match="was made by joint"):
        open_history(file, "joint", "another")
    with pytest.raises(LikenessError, match="has 1 faces"):
        open_history(file, "joint", "abc").step(2)
