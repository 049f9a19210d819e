"""``likeness studio`` and ``likeness serve``: faces made live on a page, and the same server without the page."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from likeness.cli import options


def add(commands: Any) -> None:
    """Add both commands; nothing of the web is imported before one runs."""
    page = options.command(commands, "studio", run, "open a page on which faces are made live", _options)
    page.set_defaults(page=True)
    alone = options.command(commands, "serve", run, "serve the studio's API without its page", _options)
    alone.set_defaults(page=False, browser=False)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="the address to listen at (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8017, metavar="N", help="the port; 0 takes a free one (default: 8017)")
    parser.add_argument(
        "--token",
        default="",
        metavar="T",
        help="what clients have to show (default: none on this machine alone, else one that is made and printed; "
        "the variable LIKENESS_TOKEN hides it from the list of processes)",
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name of this server; may be repeated"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME=W",
        help="offer further weights, a run directory or weights file; may be repeated",
    )
    parser.add_argument("--work", metavar="FOLDER", help="where jobs are kept (default: in the user's state folder)")
    if parser.get_default("page"):
        parser.add_argument(
            "--static",
            metavar="DIR",
            help="write a folder whose page runs by itself, landmarks and drawings alone, and serve nothing",
        )
        parser.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")


def run(given: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    if getattr(given, "static", None):
        from likeness.studio.static import build

        size = build(given.static)
        print(
            f"{given.static}: {size / 2**20:.1f} MB; any web server can serve it, such as python -m http.server -d {given.static}"
        )
        return 0
    from likeness.studio.server import serve

    return serve(
        given.host,
        given.port,
        token=given.token or os.environ.get("LIKENESS_TOKEN", ""),
        names=given.allow_host,
        models=given.model,
        work=Path(given.work) if given.work else None,
        page=given.page,
        browser=given.browser,
    )
