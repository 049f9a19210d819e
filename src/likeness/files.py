"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from likeness.errors import LikenessError


def write_atomically(path: str | Path, fill: Callable[[BinaryIO], object]) -> Path:
    """Write a file whole or not at all: ``fill`` gets a temporary file that is renamed to ``path`` afterwards.

    Folders on the way are made.

    Raises:
        LikenessError: the place cannot be written or the disk is full; nothing is left behind.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise LikenessError(f"{target}: is a folder; name a file")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            fill(file)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(target)
    except BaseException as problem:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise LikenessError(f"{target}: cannot be written ({problem.strerror or problem})") from None
        raise
    return target


def write_content(path: str | Path, content: bytes | str) -> Path:
    """Write bytes or UTF-8 text whole or not at all."""
    return write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
