"""The server as a program: where it listens, what it prints, how it ends."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from likeness.errors import LikenessError
from likeness.studio.guard import ANYWHERE, Access, is_loopback, key_in
from likeness.studio.limits import Limits

PORT = 8017


def work_folder() -> Path:
    """Where jobs lie, if nothing else is said: ``LIKENESS_STUDIO``, or in the user's state folder."""
    if named := os.environ.get("LIKENESS_STUDIO"):
        return Path(named)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "likeness" / "studio"


def program() -> dict[str, str]:
    """How the command ``likeness`` and the ``python`` of this environment are called from any terminal."""
    python = Path(sys.executable)
    command = python.with_name("likeness.exe" if os.name == "nt" else "likeness")
    words = [str(command)] if command.is_file() else [str(python), "-m", "likeness.cli"]
    return {"likeness": shlex.join(words), "python": shlex.join([str(python)])}


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        LikenessError: no such address, or the port is taken.
    """
    if not 0 <= port < 65536:
        raise LikenessError(f"--port {port}: a number from 0 to 65535 is needed; 0 takes a free one")
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.socket(family[0], socket.SOCK_STREAM)
        if os.name != "nt":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(family[4])
        opened.listen(128)
    except (OSError, OverflowError) as problem:
        raise LikenessError(
            f"--host {host} --port {port}: cannot listen there ({getattr(problem, 'strerror', None) or problem}); "
            "name another port, 0 takes a free one"
        ) from None
    return opened


def named_models(words: Sequence[str]) -> dict[str, Path]:
    """``NAME=PATH`` or ``PATH`` words as weights by name.

    Raises:
        LikenessError: no such weights, or two of one name.
    """
    from likeness.card import read_card
    from likeness.systems import weights_path

    found: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals:
            name, path = Path(word).name, word
        if not name or name in found or name.startswith("model-"):
            raise LikenessError(f"--model {word}: another name is needed, as in --model ann=runs/ann")
        read_card(weights_path(path))
        found[name] = Path(path).resolve()
    return found


def serve(
    host: str = "127.0.0.1",
    port: int = PORT,
    *,
    token: str = "",
    names: Sequence[str] = (),
    models: Sequence[str] = (),
    work: Path | None = None,
    page: bool = True,
    browser: bool = False,
    limits: Limits | None = None,
) -> int:
    """Serve until asked to stop.

    Args:
        host: the address to listen at.
        port: its port; 0 takes a free one.
        token: what clients have to show; bound elsewhere than to loopback one is made where none is given.
        names: further names that the server may be called by.
        models: further weights, see :func:`named_models`.
        work: the folder of jobs.
        page: whether the page is shown, too.
        browser: open the page in the user's browser.
        limits: how much of everything is taken.

    Raises:
        LikenessError: it cannot listen there, or what it needs is not installed.
    """
    import uvicorn
    import websockets  # noqa: F401 # said here where it is missing, and not when the first socket comes

    from likeness.studio.app import application
    from likeness.studio.core import Studio

    if token and len(token) < 16:
        raise LikenessError("--token: at least 16 characters are needed; without it one is made")
    token = token or ("" if is_loopback(host) else secrets.token_urlsafe(24))
    folder, found = work or work_folder(), named_models(models)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise LikenessError(f"{folder}: cannot be made ({problem.strerror or problem})") from None
    access = Access(host, token, tuple(name.lower() for name in names), key_in(folder))
    opened = listening(host, port)
    studio = Studio(folder, limits, found)
    app = application(studio, access, page)
    shown = "localhost" if host in ANYWHERE else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{opened.getsockname()[1]}/" + (f"?token={token}" if token else "")
    print(address if page else f"{address.partition('?')[0]}api/v1/docs" + (f"  token: {token}" if token else ""), flush=True)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=(limits or Limits()).live_bytes,
        ws_per_message_deflate=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
    )
    if browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[opened])
    return 0
