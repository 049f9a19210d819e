"""``python -m likeness.studio.child FOLDER``: do a job, by the command that its folder names.

One process at a time works in a folder. When the server that began it ends, however that is, its pipe closes, and the command
is asked to stop as by Ctrl-C; what it has done stays, and the next server goes on with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path

from likeness.files import LOCK, locked, write_content


def _stop_with_the_server() -> None:
    """Ask this process to stop once nobody holds the other end of its input any more."""
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(folder: Path) -> int:
    """Run the command in its folder; write how it ended."""
    words = json.loads((folder / "job.json").read_text(encoding="utf-8"))["words"]
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # the page goes first
    with locked(folder / LOCK, folder.name, wait=90):  # what a killed server has begun may still be stopping
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads((folder / "ended.json").read_text(encoding="utf-8"))["status"] == 0:
                return 0  # meanwhile that one has come to its end
        threading.Thread(target=_stop_with_the_server, daemon=True).start()
        os.chdir(folder)
        sys.argv = ["likeness", *words]
        status = 0
        try:
            runpy.run_module("likeness.cli", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        write_content(folder / "ended.json", json.dumps({"status": status}))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
