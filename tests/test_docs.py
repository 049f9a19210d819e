"""The pages say what the program says; their links lead somewhere; their numbers come from results/."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("README.md")]


def test_made_pages_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_docs"] = module
    spec.loader.exec_module(module)
    stale = [path.name for path, text in module.pages().items() if path.read_text() != text]
    assert not stale, "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_commands_in_the_pages_exist() -> None:
    """Every ``likeness …`` in a page names a command, and options that it has."""
    from likeness.cli import parser

    commands = next(action.choices for action in parser()._actions if hasattr(action, "choices") and action.choices)
    for page in PAGES:
        for line in re.findall(r"`(likeness [^`]+)`|^(likeness .+)$", page.read_text(), re.M):
            words = next(part for part in line if part).split("#")[0].split()
            assert words[1] in commands, f"{page.name}: {' '.join(words)}"
            actions = list(commands[words[1]]._actions)
            actions += [
                a for below in actions if isinstance(below.choices, dict) for p in below.choices.values() for a in p._actions
            ]
            known = {flag for action in actions for flag in action.option_strings}
            for word in words[2:]:
                if word.startswith("-"):
                    assert word in known, f"{page.name}: {' '.join(words)}"


def test_the_house_names_every_room() -> None:
    """docs/house.md's picture holds every module of the package, and no module that is not there."""
    text = (ROOT / "docs" / "house.md").read_text()
    picture = text.split("```")[1]
    package = ROOT / "src" / "likeness"
    found = {path.stem if path.parent != package else path.name for path in package.rglob("*.py") if path.stem[0] != "_"}
    inside = {path.stem for path in (package / "systems").rglob("*.py")} | {path.stem for path in (package / "cli").glob("*.py")}
    for name in found - inside:
        assert re.search(rf"\b{re.escape(name)}\b", picture), f"{name} is not in docs/house.md"
    for name in re.findall(r"\b\w+\.py\b", picture):
        assert list(ROOT.rglob(name)), f"{name} is in docs/house.md only"


def test_no_machine_in_the_pages() -> None:
    for page in PAGES:
        assert not re.search(r"/work/|/root/|/tmp/", page.read_text()), page.name
