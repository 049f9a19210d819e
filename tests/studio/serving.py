"""A studio's server in this process, for the tests of its API: its address, and the studio behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.studio.limits import Limits


@dataclass(frozen=True)
class Served:
    """A server on a free port of loopback."""

    address: str
    studio: Any

    @property
    def api(self) -> str:
        """Where its API begins."""
        return self.address + "/api/v1"

    @property
    def live(self) -> str:
        """Its WebSocket."""
        return self.api.replace("http", "ws") + "/live"


@contextmanager
def serving(
    work: Path, access: Any = None, limits: Limits | None = None, threads: int = 0, warm: bool = False
) -> Iterator[Served]:
    """Serve in a thread."""
    import uvicorn

    from likeness.studio.app import application
    from likeness.studio.core import Studio
    from likeness.studio.guard import Access
    from likeness.studio.server import listening

    opened, studio = listening("127.0.0.1", 0), Studio(work, limits, threads=threads)
    app = application(studio, access or Access(key=b"k" * 32), warm=warm)
    config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", ws_max_size=studio.limits.live_bytes)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(f"http://127.0.0.1:{opened.getsockname()[1]}", studio)
    finally:
        server.should_exit = True
        thread.join(30)
