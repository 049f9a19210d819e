"""What many tests need: the shared folder when it is there, trained-enough weights, drawn faces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data, where there is one."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the shared folder of real photos is not here")
    return SHARED


@pytest.fixture
def instruments(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of frozen networks, named to the loader."""
    folder = shared / "instruments"
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(folder))
    return folder


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The sample faces inside the package: people who do not exist."""
    from likeness import assets
    from likeness.image import pictures_in

    return pictures_in(assets.SAMPLES)


@pytest.fixture
def likeness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    from likeness.cli import main

    return lambda *words: main([str(word) for word in words])


@pytest.fixture
def no_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings write no graphs, which takes seconds a network; tests/train/test_session.py and others look at them."""
    from likeness.train.session import Session

    monkeypatch.setattr(Session, "_graphs", staticmethod(lambda weights, module: "not in this test"))
