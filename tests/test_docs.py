"""The pages say what the program says; their links lead somewhere; their numbers come from results/."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("README.md")]


def tool(name: str) -> ModuleType:
    """A program of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_made_pages_are_fresh() -> None:
    module = tool("make_docs")
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

    for page in PAGES:
        for line in re.findall(r"`(likeness [^`]+)`|^(likeness .+)$", page.read_text(), re.M):
            words = next(part for part in line if part).split("#")[0].split()
            command, rest = parser(), words[1:]
            while (below := command.filled().commands()) and rest:  # type: ignore[attr-defined]
                if rest[0] not in below and getattr(command, "usual", ""):
                    rest = [command.usual, *rest]
                if rest[0] not in below:
                    break  # such as SYSTEM, or nothing more is said
                command, rest = below[rest[0]], rest[1:]
            assert command.prog != "likeness" or words[1].startswith("-"), f"{page.name}: {' '.join(words)}"
            known = {flag for action in command._actions for flag in action.option_strings}
            known |= {flag for made in below.values() for action in made.filled()._actions for flag in action.option_strings}
            for word in rest:
                if word.startswith("-"):
                    assert word in known, f"{page.name}: {' '.join(words)}"


def test_the_house_names_every_room() -> None:
    """docs/house.md's picture holds every module of the package, and no module that is not there."""
    text = (ROOT / "docs" / "house.md").read_text()
    picture = text.split("```")[1]
    package = ROOT / "src" / "likeness"
    found = {path.stem for path in package.rglob("*.py") if path.stem[0] != "_"}
    inside = {path.stem for path in (package / "systems").rglob("*.py")} | {path.stem for path in (package / "cli").glob("*.py")}
    for name in found - inside:
        assert re.search(rf"\b{re.escape(name)}\b", picture), f"{name} is not in docs/house.md"
    for name in re.findall(r"\b\w+\.py\b", picture):
        assert list(ROOT.rglob(name)), f"{name} is in docs/house.md only"


def test_no_machine_in_the_pages() -> None:
    for page in PAGES:
        assert not re.search(r"/work/|/root/|/tmp/", page.read_text()), page.name


def test_the_site_has_every_page_once() -> None:
    """mkdocs.yml's navigation is the folder's pages."""
    named = re.findall(r"^ +- (?:\w+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1], re.M)
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_reference_names_what_is_there() -> None:
    for page in ("api.md", "api-metrics.md"):
        text = (ROOT / "docs" / page).read_text()
        for place, members in re.findall(r"^::: (\S+)\n((?:    .*\n?)*)", text, re.M):
            try:
                found: object = importlib.import_module(place)
            except ModuleNotFoundError:
                found = getattr(importlib.import_module(place.rpartition(".")[0]), place.rpartition(".")[2])
            names = re.search(r"members: \[(.*)\]", members)
            for name in names[1].split(", ") if names else []:
                assert (getattr(found, name).__doc__ or "").strip(), f"{place}.{name}"


def test_links_out_of_docs_lead_into_the_repository() -> None:
    """As the site shows them: files at the repository's address, pictures from the site itself."""
    hooks = tool("site_hooks")
    made = hooks.on_page_markdown(
        "see [the log](../results/LOG.md) and ![a curve](../results/portrait_curve_plot.png), [here](data.md)"
    )
    assert made == (
        f"see [the log]({hooks.REPOSITORY}results/LOG.md) and ![a curve](results/portrait_curve_plot.png), [here](data.md)"
    )
    with pytest.raises(ValueError, match="not there"):
        hooks.on_page_markdown("[no](../results/nothing.md)")
    assert hooks.on_page_content("a :class:<code>~likeness.card.Card</code>") == "a <code>likeness.card.Card</code>"


def test_the_check_of_the_site_notices(tmp_path: Path) -> None:
    check = tool("check_site")
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#x">b</a><a href="https://a.example">c</a><img src="a.png">'
    )
    (tmp_path / "b.html").write_text('<p id="x"><a href="a.html#top"></a><link rel="canonical" href="https://b.example">')
    (tmp_path / "a.png").write_bytes(b"x")
    assert check.problems(tmp_path) == []
    (tmp_path / "b.html").write_text(
        '<a href="a.html#none"></a><a href="c.html"></a><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "a.css").write_text("@font-face { src: url(https://fonts.example/x.woff) }")
    assert len(check.problems(tmp_path)) == 5  # and a.html's link to b.html#x


def test_the_readme_shows_a_strip_of_1200_by_500() -> None:
    from likeness.image import read
    from likeness.provenance import read as mark_of

    strip = ROOT / "docs" / "strip.png"
    assert "](docs/strip.png)" in (ROOT / "README.md").read_text().split("## ")[0]
    assert read(strip).shape == (500, 1200, 3) and mark_of(strip) is not None
