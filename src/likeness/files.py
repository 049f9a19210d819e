"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
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
