"""Hooks of mkdocs: pages link to files outside docs/ as they do on GitHub, and docstrings' roles become plain code.

Pictures outside docs/ are taken into the site; other files become links to the repository.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/likeness-faces/likeness/blob/main/"
OUTSIDE = re.compile(r"(!?)\[([^\]]*)\]\(\.\./([^)\s]+)\)")
ROLE = re.compile(r":(?:class|func|meth|data|attr|mod|exc):(<code>)~?")
ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Any, config: Any) -> Any:
    """Take pictures that pages show from outside docs/ into the site, at their place in the repository."""
    from mkdocs.structure.files import File

    for page in sorted(Path(config["docs_dir"]).glob("*.md")):
        for shown, _, target in OUTSIDE.findall(page.read_text(encoding="utf-8")):
            if shown and files.get_file_from_path(target) is None:
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of docs/: pictures by their place in the site, the rest by the repository's address."""

    def led(found: re.Match[str]) -> str:
        shown, words, target = found.groups()
        if not (ROOT / target.partition("#")[0]).exists():
            raise ValueError(f"a page links to ../{target}, which is not there")
        return f"{shown}[{words}]({'' if shown else REPOSITORY}{target})"

    return OUTSIDE.sub(led, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """``:class:`x``` of a docstring as ``x``."""
    return ROLE.sub(r"\1", html)
