"""Imports point down, as docs/house.md draws them; and the light commands stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "likeness"
FLOORS = [
    {"errors", "version", "records"},
    {"files", "colour"},
    {"image"},
    {"provenance", "sheet", "assets"},
    {"card"},
    {"checkpoint", "recipe"},
    {"engine"},
    {"faces", "video"},
    {"synthesizer", "export"},
    {"nn"},
    {"losses", "data"},
    {"system", "evaluate"},
    {"systems", "train"},
    {"baselines"},
    {"cli"},
]
MAKING = {
    *("errors", "version", "records", "files", "image", "provenance", "sheet", "assets", "card", "recipe"),
    *("engine", "faces", "video", "synthesizer"),
}
"""Rooms that torch, pyarrow and the learning rooms are never needed for."""
LEARNING = {"checkpoint", "export", "nn", "losses", "data", "system", "evaluate", "train", "baselines"}
OF_A_SYSTEM = {"__init__", "synthesis", "recipes", "figures", "reenact"}
"""A system's modules that belong to the making half."""
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


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
        other = module.split(".")[1]
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
    reaches = {"image.py": {"torch"}, "engine/opening.py": {"likeness.engine.torch"}}.get(str(path.relative_to(SOURCE)), set())
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
        if parts[0] != "systems" or len(parts) < 3:
            continue
        for module in imports(path):
            words = module.split(".")
            assert len(words) < 3 or words[1] != "systems" or words[2] == parts[1], f"{path} imports {module}"


def test_the_frame_names_no_paper() -> None:
    names = {path.name for path in (SOURCE / "systems").iterdir() if path.is_dir() and path.name != "__pycache__"}
    for room in ("recipe", "system", "checkpoint", "synthesizer", "train"):
        for path in [SOURCE / f"{room}.py"] if (SOURCE / f"{room}.py").is_file() else (SOURCE / room).glob("*.py"):
            for module in imports(path):
                assert not module.startswith("likeness.systems"), f"{path} imports {module}"
            assert not [name for name in names if f"systems.{name}" in path.read_text()]


def test_help_does_not_import_torch() -> None:
    code = "import sys; from likeness.cli import parser; parser().format_help(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'torch'", "'numpy'", "'cv2'", "'PIL'", "'pyarrow'"):
        assert heavy not in loaded
