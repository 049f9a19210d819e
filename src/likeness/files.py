"""Files are written whole or not at all, and by one process at a time where two would spoil each other's work."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from likeness.errors import LikenessError


def write_atomically(path: str | Path, fill: Callable[[BinaryIO], object]) -> Path:
    """Write a file whole or not at all: ``fill`` gets a temporary file that is renamed to ``path`` afterwards.

    The content is on the disk before the name is; the file's permissions are those of any new file (the umask applies).
    Folders on the way are made.

    Raises:
        LikenessError: the place cannot be written or the disk is full; nothing is left behind.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise LikenessError(f"{target}: is a folder; name a file")
        name = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        temporary = name
        with os.fdopen(handle, "w+b") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, target)
    except BaseException as problem:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise LikenessError(f"{target}: cannot be written ({problem.strerror or problem})") from None
        raise
    return target


def put_in_place(temporary: Path, target: Path) -> None:
    """Rename a file that is on the disk to its name, and see that the name is on the disk too, where the system can do that."""
    temporary.replace(target)
    _sync_folder(target.parent)


def sync(path: Path) -> None:
    """See that a file that was written and closed is on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Windows opens no folders, and some file systems sync none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_content(path: str | Path, content: bytes | str) -> Path:
    """Write bytes or UTF-8 text whole or not at all."""
    return write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))


@contextlib.contextmanager
def locked(lock: Path, what: str, wait: float = 0) -> Iterator[None]:
    """Within, no other process is in a block with the same ``lock`` file.

    The system frees it when a process ends, however that is.

    Folders on the way are made; the file, and its folder where nothing else came into it, are taken away at the end.

    Raises:
        LikenessError: another process is in there, also after ``wait`` seconds; ``what`` names the thing that both want. On
            Windows, filelock is not installed.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        if os.name == "nt":
            raise LikenessError("this needs filelock: pip install 'likeness[parquet]'") from None
        FileLock, Timeout = _Lock, _TakenError  # type: ignore[assignment,misc]
    new = not lock.parent.exists()
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock)
        held.acquire(timeout=wait)
    except Timeout:
        raise LikenessError(f"{what}: another process is working on it; wait until that ends, or choose another") from None
    except OSError as problem:
        raise LikenessError(f"{lock}: cannot be locked ({problem.strerror or problem})") from None
    try:
        yield
    finally:
        if os.name != "nt":
            _take_away(lock)  # while it is held: who opened it before finds that it has no name any more
        held.release()
        if os.name == "nt":  # which removes no file that is open
            _take_away(lock)
        if new:
            with contextlib.suppress(OSError):
                lock.parent.rmdir()


class _TakenError(Exception):
    """Another process has the lock."""


class _Lock:
    """What filelock does on POSIX, for the base install, which has no filelock: the two keep each other out."""

    def __init__(self, path: Path) -> None:
        self._path, self._handle = path, -1

    def acquire(self, timeout: float) -> None:
        import fcntl

        until = time.monotonic() + timeout
        while True:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(self._handle).st_nlink:  # else its last holder has taken the file away
                    return
            os.close(self._handle)
            if time.monotonic() >= until:
                raise _TakenError
            time.sleep(0.05)

    def release(self) -> None:
        os.close(self._handle)


def _take_away(lock: Path) -> None:
    """Remove a lock file. Ours are empty: one that holds something was somebody's before, and stays."""
    with contextlib.suppress(OSError):
        if lock.stat().st_size == 0:
            lock.unlink()


LOCK = ".lock"
"""The lock of a run directory, in it."""


def lock_of(output: Path) -> Path:
    """The lock of a file that is being made, beside it."""
    return output.with_name(f".{output.name}.lock")


def unfinished(target: Path, plan: str, what: str) -> Path:
    """The folder ``TARGET.partial`` of work in progress, with its ``plan``: new, or one that was begun with the same.

    It comes into being with its plan in it, so that a folder of that name without one is somebody else's.

    Args:
        target: what the work ends in.
        plan: all that has to be the same for it to go on.
        what: what the work is, for messages.

    Raises:
        LikenessError: what stands there is not ours, or has another plan; it is left as it is.
    """
    partial = target.with_name(target.name + ".partial")
    note = partial / "plan"
    if os.path.lexists(partial):
        if partial.is_symlink() or note.is_symlink() or not note.is_file():
            raise LikenessError(f"{partial}: was not begun by likeness; move it away, or choose another output")
        if hasattr(os, "getuid") and partial.stat().st_uid != os.getuid():
            raise LikenessError(f"{partial}: was begun by another user; move it away, or choose another output")
        if note.read_bytes() != plan.encode():
            raise LikenessError(f"{partial}: holds the beginning of another {what}; delete it or choose another output")
        return partial
    fresh = partial.with_name(f".{partial.name}.{secrets.token_hex(4)}")
    write_content(fresh / "plan", plan)
    try:
        fresh.rename(partial)
    except OSError as problem:
        (fresh / "plan").unlink()
        fresh.rmdir()
        raise LikenessError(f"{partial}: cannot be made ({problem.strerror or problem})") from None
    return partial


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, a line each: cells with commas, quotes or line breaks are quoted, so that any reader gets them back."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
