"""Check a built site: no page loads anything from elsewhere, and every link and picture within it leads somewhere.

python tools/check_site.py site
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
"""Tags whose address a browser fetches by itself; ``a`` waits for a person."""
SILENT = {"canonical", "prev", "next", "alternate"}
"""Kinds of ``link`` that are not fetched."""


class Page(HTMLParser):
    """A page's addresses and anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.linked.append(given["href"])
        address = given.get(LOADED.get(tag, ""), "")
        if address and not (tag == "link" and set(given.get("rel", "").split()) <= SILENT):
            self.loaded.append(address)


def problems(site: Path) -> list[str]:
    """What is wrong with a site, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in page.loaded:
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
                found.append(f"{name}: loads {address}")
        if path.name == "404.html":
            continue  # its addresses are the site's, not the folder's
        for address in page.loaded + page.linked:
            parts = urlsplit(address)
            if parts.scheme or address.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{name}: {address} is not there")
            elif parts.fragment and target.suffix == ".html":
                there = next((one for place, one in pages.items() if place.resolve() == target), None)
                if there and not parts.fragment.startswith("__") and unquote(parts.fragment) not in there.anchors:
                    found.append(f"{name}: {address} has no such anchor")
    for path in site.rglob("*.css"):
        for address in re.findall(r"url\(\s*['\"]?(https?:)?//[^)]*\)|@import\s+['\"]https?:", path.read_text(encoding="utf-8")):
            found.append(f"{path.relative_to(site)}: loads {address}")
    return found if pages else [f"{site}: no pages"]


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1] if len(sys.argv) > 1 else "site"))
    print(*lines, sep="\n", end="\n" if lines else "")
    sys.exit(bool(lines))
