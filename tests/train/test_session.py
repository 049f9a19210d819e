"""A training session: limits, signals, resuming, and graphs at the end."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from likeness import systems
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.experiment import Contender
from likeness.faces.drawing import drawn_faces
from likeness.train.session import Session


@pytest.fixture
def one() -> Contender:
    """Two steps of a tiny training on drawn faces."""
    recipe = systems.recipe("parts:tiny")
    phases = tuple(replace(phase, steps=2 if n == 0 else 0) for n, phase in enumerate(recipe.training.phases))
    recipe = replace(recipe, training=replace(recipe.training, phases=phases))
    framing = recipe.framing  # type: ignore[attr-defined]
    store = FaceStore.of(drawn_faces(6, framing), framing, "drawn")
    return Contender("parts", recipe, lambda: store)


def test_graphs_stand_beside_the_weights_and_nothing_is_trained_twice(one: Contender, tmp_path: Path) -> None:
    with Session(systems.row) as session:
        trained = session.train(one, tmp_path / "a", steps=1)
        assert (trained.step, trained.steps, trained.complete, trained.without_graphs) == (1, 2, False, "")
        assert session.train_all({"a": one}, tmp_path)
        stamp = trained.weights.stat().st_mtime_ns
        assert session.train_all({"a": one}, tmp_path) and trained.weights.stat().st_mtime_ns == stamp
    assert systems.load(tmp_path / "a").weights.engine == "onnx"


def test_a_signal_ends_it_cleanly_and_a_second_one_at_once(one: Contender, tmp_path: Path) -> None:
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Session(systems.row) as session:
        os.kill(os.getpid(), signal.SIGINT)
        assert session.stopped == signal.SIGINT
        assert not session.train_all({"a": one}, tmp_path) and not (tmp_path / "a").exists()
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, outside)


def test_minutes_are_for_all(one: Contender, tmp_path: Path) -> None:
    with Session(systems.row, minutes=1e-6) as session:
        assert not session.train_all({"a": one, "b": one}, tmp_path)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("limit", "said"),
    [({"minutes": 0.0}, "--minutes 0.0"), ({"minutes": float("nan")}, "--minutes nan"), ({"threads": 0}, "--threads 0")],
)
def test_limits_that_cannot_be(limit: dict[str, object], said: str) -> None:
    with pytest.raises(LikenessError, match=said):
        Session(systems.row, **limit)  # type: ignore[arg-type]
    with pytest.raises(LikenessError, match="no such device"):
        Session(systems.row, device="foo")
