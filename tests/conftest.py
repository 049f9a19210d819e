"""What many tests need: the shared folder when it is there, trained-enough weights, drawn faces."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

LONG = (
    "test_together.py", "test_studio_page.py", "test_studio_screens.py", "test_facefeat_experiments.py",
    "test_portrait_study.py", "test_parts_study.py", "test_loop.py", "test_conformance.py", "test_isegan_system.py",
    "test_portrait.py", "test_studio_jobs.py", "test_landmark_commands.py", "test_landmark_study.py", "test_sketches.py",
    "test_hosts.py", "test_joint.py", "test_toy_system.py", "test_facefeat.py", "test_facefeat_users.py",
    "test_face_detector_system.py", "test_rows.py", "test_studio_static.py", "test_studio_drivers.py",
    "test_benchmarks.py", "test_commands.py", "test_properties.py", "test_fuzz.py",
)  # fmt: skip
"""Files of tests that take long, which begin first: pytest-xdist gives whole files to its processes in this order."""
SHARED = Path(__file__).resolve().parents[2] / "shared"
os.environ.setdefault("OMP_NUM_THREADS", "2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, the others stay in their order."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG)))


def pytest_collection_finish() -> None:
    """What the tests' modules have imported stays: nobody has to look for garbage in it."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session", autouse=True)
def unjudged() -> Iterator[Callable[[bool], None]]:
    """Trainings measure as where EfficientNet-Lite0's package is not installed, which takes half of the time of their figures.

    :func:`judge` gives it back.
    """
    from likeness.losses import perceptual

    whole = perceptual._judge

    def choose(judged: bool) -> None:
        perceptual._judge = whole if judged else lambda: None

    choose(False)
    yield choose
    choose(True)


@pytest.fixture
def judge(unjudged: Callable[[bool], None]) -> Iterator[None]:
    """Trainings measure by EfficientNet-Lite0, too, as they do for users."""
    unjudged(True)
    yield
    unjudged(False)


class Traced(MutableMapping[str, bytes]):
    """Models that a process of the tests has traced, in a folder of all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, key: str) -> bytes:
        try:
            return (self.folder / f"{key}.onnx").read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, model: bytes) -> None:
        from likeness.files import write_content

        write_content(self.folder / f"{key}.onnx", model)

    def __delitem__(self, key: str) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in self.folder.glob("*.onnx"))

    def __len__(self) -> int:
        return len(list(self))


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of these tests share (pytest-xdist gives each of them one inside it)."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def traced_once(common_folder: Path) -> None:
    """Networks alike are traced once for all tests; :mod:`likeness.export.traced` does so within one process.

    So is the exporter's table of operators made once a process, which takes it a third of the time of a tiny network.
    """
    from likeness.export import traced

    (common_folder / "traced").mkdir(exist_ok=True)
    traced.known = Traced(common_folder / "traced")
    whole, tables = traced.trace, dict[str, Any]()

    def trace(network: Any) -> Any:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        if not tables:
            tables["made"] = cache(ONNXRegistry.from_torchlib)
            ONNXRegistry.from_torchlib = staticmethod(tables["made"])
        return whole(network)

    traced.trace = trace


@pytest.fixture(scope="session")
def tiny_run(common_folder: Path) -> Callable[[str], Path]:
    """The run directory of a system's tiny recipe after three steps on drawn faces, with its graphs.

    It is trained once for all processes of these tests. Whoever writes into it takes a copy.
    """
    from filelock import FileLock

    from likeness import systems
    from likeness.data.store import FaceStore
    from likeness.export import export
    from likeness.faces.drawing import drawn_faces
    from likeness.train.loop import train

    def made(name: str) -> Path:
        folder = common_folder / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not (folder / "ready").exists():
                recipe = systems.recipe(f"{name}:tiny")
                framing = recipe.framing  # type: ignore[attr-defined]
                store = FaceStore.of(drawn_faces(12, framing, paired=True), framing, "drawn", "labels")
                export(train(systems.row(name).build(recipe), name, store, folder / "run", steps=3))
                (folder / "ready").touch()
        return folder / "run"

    return made
