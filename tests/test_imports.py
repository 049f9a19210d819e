"""Imports point down, as docs/house.md draws them; and the light commands stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "likeness"
FLOORS = [
    {"errors", "version", "records", "signals"},
    {"files", "colour"},
    {"shards"},
    {"image"},
    {"provenance", "sheet", "assets"},
    {"card"},
    {"checkpoint", "recipe"},
    {"engine"},
    {"faces", "video"},
    {"synthesizer", "history", "export"},
    {"nn"},
    {"losses", "data"},
    {"system", "evaluate", "experiment"},
    {"systems", "train"},
    {"baselines", "measuring", "bulk", "studio"},
    {"cli"},
]
MEASURING = ("protocol", "study", "comparisons")
"""Modules of a paper that measure it: they stand beside the baselines, above the rest of ``systems``."""
MAKING = {
    *("errors", "version", "records", "signals", "files", "image", "provenance", "sheet", "assets", "card", "recipe"),
    *("engine", "faces", "video", "synthesizer", "history", "experiment", "shards", "bulk", "studio"),
}
"""Rooms that torch, pyarrow and the learning rooms are never needed for."""
LEARNING = {"checkpoint", "export", "nn", "losses", "data", "system", "evaluate", "train", "baselines"}
OF_A_SYSTEM = {"__init__", "synthesis", "recipes", "figures", "reenact", "directions", "people"}
"""A system's modules that belong to the making half."""
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return room(("likeness", *path.relative_to(SOURCE).with_suffix("").parts))


def room(words: tuple[str, ...]) -> str:
    """The room of a module's name; what measures a paper is a room of its own."""
    return "measuring" if words[1] == "systems" and len(words) > 3 and words[3] in MEASURING else words[1]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "likeness":
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "likeness" else {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "likeness"}
    return found


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    own = room_of(path)
    for module in imports(path):
        other = room(tuple(module.split(".")))
        if other in (own, "__version__", "cli" if own == "cli" else own):
            continue
        assert HEIGHT[other] <= HEIGHT[own], f"{path.relative_to(SOURCE)} imports {module}, which stands above it"
        if {own, other} <= FLOORS[-3]:
            raise AssertionError(f"{own} and {other} do not know each other")


def of_the_making_half(path: Path) -> bool:
    words = path.relative_to(SOURCE).parts
    if words[0] == "systems":
        return len(words) < 3 or path.stem in OF_A_SYSTEM
    return room_of(path) in MAKING and words != ("engine", "torch.py")


@pytest.mark.parametrize(
    "path", [path for path in FILES if of_the_making_half(path)], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_making_half_does_not_know_the_learning_half(path: Path) -> None:
    """Not at import; where a function reaches over, on request, it is named here."""
    tree = ast.parse(path.read_text())
    checking = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {inner for node in checking for inner in ast.walk(node)}
    reaches = {
        "image.py": {"torch"},
        "engine/opening.py": {"likeness.engine.torch"},
        "bulk/parquet.py": {"pyarrow", "pyarrow.parquet"},
    }.get(str(path.relative_to(SOURCE)), set())
    for node in ast.walk(tree):
        if node in skipped or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module == "likeness":
            modules = [f"likeness.{alias.name}" for alias in node.names]
        for module in modules:
            words = module.split(".")
            learning = words[0] in ("torch", "pyarrow") or (words[0] == "likeness" and len(words) > 1 and words[1] in LEARNING)
            assert not learning or module in reaches, f"{path.relative_to(SOURCE)} imports {module}"


def test_no_paper_knows_another() -> None:
    for path in FILES:
        parts = path.relative_to(SOURCE).parts
        if parts[0] != "systems" or len(parts) < 3 or room_of(path) == "measuring":  # a study compares papers
            continue
        for module in imports(path):
            words = module.split(".")
            assert len(words) < 3 or words[1] != "systems" or words[2] == parts[1], f"{path} imports {module}"


def test_the_frame_names_no_paper() -> None:
    names = {path.name for path in (SOURCE / "systems").iterdir() if path.is_dir() and path.name != "__pycache__"}
    for name in ("recipe", "system", "checkpoint", "synthesizer", "experiment", "engine", "export", "train"):
        for path in [SOURCE / f"{name}.py"] if (SOURCE / f"{name}.py").is_file() else (SOURCE / name).glob("*.py"):
            for module in imports(path):
                assert not module.startswith("likeness.systems"), f"{path} imports {module}"
            assert not [name for name in names if f"systems.{name}" in path.read_text()]


def test_a_command_names_no_paper() -> None:
    """The generic commands find protocols, studies and synthesizers by the row."""
    papers = {path.name for path in (SOURCE / "systems").iterdir() if path.is_dir() and path.name != "__pycache__"}
    for name in ("evaluate", "study", "make", "train", "export"):
        text = (SOURCE / "cli" / f"{name}.py").read_text()
        assert len(text.splitlines()) < 100
        assert not [paper for paper in papers if f"systems.{paper}" in text or f'"{paper}"' in text]


@pytest.mark.parametrize("words", [[], ["evaluate"], ["study"], ["prepare"]], ids=" ".join)
def test_help_does_not_import_torch(words: list[str]) -> None:
    code = f"import sys; from likeness.cli import parser\ntry: parser().parse_args([*{words!r}, '--help'])\nexcept SystemExit: "
    code += "print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'torch'", "'numpy'", "'cv2'", "'PIL'", "'pyarrow'"):
        assert heavy not in loaded
