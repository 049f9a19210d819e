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
import time
from collections.abc import Iterator
from pathlib import Path

from likeness.files import LOCK, locked, write_content
from likeness.studio.job import read_job, spent_in, status_of

EVERY = 5.0
"""Seconds between two times at which it is written down for how long the job has run."""


def _stop_with_the_server() -> None:
    """Ask this process to stop once nobody holds the other end of its input any more.

    The descriptor itself is read: a thread that holds ``sys.stdin`` when the process ends would abort it.
    """
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _counted(folder: Path, before: float) -> Iterator[None]:
    """Within, the seconds that the job has run are written down every now and then, so that a kill forgets few of them."""
    began, ended = time.monotonic(), threading.Event()

    def note() -> None:
        write_content(folder / "spent", f"{before + time.monotonic() - began:.1f}")

    def count() -> None:
        while not ended.wait(EVERY):
            note()

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    try:
        yield
    finally:
        ended.set()
        counting.join()
        note()


def main(folder: Path) -> int:
    """Run the command in its folder; write how it ended."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # the page goes first
    with locked(folder / LOCK, folder.name, wait=90):  # what a killed server has begun may still be stopping
        if status_of(folder) == 0:
            return 0  # meanwhile that one has come to its end
        threading.Thread(target=_stop_with_the_server, daemon=True).start()
        os.chdir(folder)
        before = spent_in(folder)
        sys.argv = ["likeness", *read_job(folder).words_after(before)]
        status = 0
        with _counted(folder, before):
            try:
                runpy.run_module("likeness.cli", run_name="__main__", alter_sys=True)
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        write_content(folder / "ended.json", json.dumps({"status": status}))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
