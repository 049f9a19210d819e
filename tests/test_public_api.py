"""The public names, and that typed programs may use them.

tests/public_api.txt is the inventory. A name that comes, goes or changes its signature makes the test fail until it is announced:

    python tests/test_public_api.py     writes it anew; say what changed in CHANGELOG.md
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from likeness.version import __version__

INVENTORY = Path(__file__).with_name("public_api.txt")
USAGE = Path(__file__).with_name("typed_usage.py")
ROOT = Path(__file__).parents[1]
MODULES = (
    "likeness",
    "likeness.engine",
    "likeness.synthesizer",
    "likeness.faces.reader",
    "likeness.image",
    "likeness.card",
)
SKIPPED = ("torch", "pyarrow", "onnxruntime", "safetensors", "cv2", "dlib", "av")
"""Packages whose types a program over the public names does not need."""
MEMBERS = ("likeness", "likeness.synthesizer", "likeness.engine", "likeness.faces.reader", "likeness.card")
"""Modules whose classes are told member by member."""


class Written(str):
    """An annotation as it is written in the source, told without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def names_of(module: ModuleType) -> list[str]:
    """``__all__`` where there is one; else the functions, classes and constants that the module's source defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    found = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            places = node.targets if isinstance(node, ast.Assign) else [node.target]
            single = [one for place in places for one in (place.elts if isinstance(place, ast.Tuple) else [place])]
            found |= {name.id for name in single if isinstance(name, ast.Name)}
    return sorted(name for name in found if not name.startswith("_") and hasattr(module, name))


def signature(value: Any) -> str:
    """Parameters and types as they are written in the source."""
    found = inspect.signature(value)
    some = [
        one.replace(annotation=Written(one.annotation)) if one.annotation is not one.empty else one
        for one in found.parameters.values()
    ]
    back = found.return_annotation
    text = str(found.replace(parameters=some, return_annotation=back if back in (None, found.empty) else Written(back)))
    return text.replace(repr(__version__), "__version__")


def members(kind: type) -> list[str]:
    """Public fields, properties and methods that the class itself defines."""
    lines = []
    written = set(inspect.get_annotations(kind)) | set(vars(kind))
    fields = {item.name: item for item in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else {}
    for name in sorted(written | set(fields)):
        if name.startswith("_") and name != "__call__":
            continue
        value = inspect.getattr_static(kind, name, None)
        if isinstance(value, property):
            lines.append(f"  {name}: {inspect.signature(value.fget).return_annotation}" if value.fget else f"  {name}")
        elif isinstance(value, staticmethod | classmethod):
            lines.append(f"  {name}{signature(getattr(kind, name))}")
        elif inspect.isfunction(value):
            lines.append(f"  {name}{signature(value)}")
        else:
            lines.append(f"  {name}: {inspect.get_annotations(kind).get(name, type(value).__name__)}")
    return lines


def inventory() -> str:
    """Every public name, a line each."""
    lines = []
    for place in MODULES:
        module = import_module(place)
        lines.append(f"[{place}]")
        for name in names_of(module):
            value = getattr(module, name)
            if inspect.isclass(value):
                bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
                plain = issubclass(value, Exception) or not (dataclasses.is_dataclass(value) or "__init__" in vars(value))
                lines.append(f"class {name}{'' if plain else signature(value)}{f' ({bases})' if bases else ''}")
                lines += members(value) if value.__module__.startswith("likeness") and place in MEMBERS else []
            elif inspect.isfunction(value):
                lines.append(f"{name}{signature(value)}")
            else:
                lines.append(f"{name}: {type(value).__name__}")
        lines.append("")
    return "\n".join(lines)


def test_no_name_comes_or_goes_unannounced() -> None:
    old, new = INVENTORY.read_text().splitlines(), inventory().splitlines()
    changed = [
        line for line in difflib.unified_diff(old, new, lineterm="", n=0) if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert not changed, "\n".join(["announce it (CHANGELOG.md), then: python tests/test_public_api.py", *changed])


def test_every_public_name_says_what_it_is() -> None:
    for place in MODULES:
        module = import_module(place)
        for name in names_of(module):
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith("likeness"):
                assert (value.__doc__ or "").strip(), f"{place}.{name} has no docstring"


def test_typed_programs_pass_mypy(tmp_path: Path) -> None:
    """What typed_usage.py does is right by the types, line by line; what it says is wrong is an error."""
    settings = "[mypy]\nstrict = True\npython_version = 3.11\nfollow_imports = silent\n"
    for name in SKIPPED:
        settings += f"[mypy-{name},{name}.*]\nfollow_imports = skip\nignore_missing_imports = True\n"
    (tmp_path / "mypy.ini").write_text(settings)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--config-file", str(tmp_path / "mypy.ini"), str(USAGE)]
    environment = {**os.environ, "MYPYPATH": str(ROOT / "src"), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "usage")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=280)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_typed_programs_run(tmp_path: Path) -> None:
    """The same program does what it says."""
    from likeness import assets
    from likeness.image import pictures_in

    first, second, *_ = pictures_in(assets.SAMPLES)
    sys.path.insert(0, str(USAGE.parent))
    try:
        import_module("typed_usage").main(first, second, tmp_path)
    finally:
        sys.path.remove(str(USAGE.parent))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch-0.png", "batch-1.png", "face.png", "photo.png"]


if __name__ == "__main__":
    INVENTORY.write_text(inventory())
    print(INVENTORY)
