"""Files whole or not at all, with the permissions of the umask, on the disk before they have their name."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from likeness import files
from likeness.errors import LikenessError


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_the_umasks(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        files.write_content(tmp_path / "a", b"1")
        files.write_content(tmp_path / "a", b"2")  # and again over an old one
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_the_umask_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the whole process: a thread that sets it for a moment opens other threads' files to everybody."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was set"))
    problems: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for i in range(10):
                files.write_content(tmp_path / f"{number % 2}", f"{number} {i}")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems and sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_synced_before_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content first, then the name, then the folder that holds the name."""
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"{os.fstat(handle).st_size} bytes"
        happened.append(kind)
        fsync(handle)

    def renamed(self: Path, target: Path) -> Path:
        happened.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    files.write_content(tmp_path / "a", b"12345")
    assert happened == ["5 bytes", "renamed", "folder"]


def test_nothing_is_left_of_what_fails(tmp_path: Path) -> None:
    files.write_content(tmp_path / "a", b"old")

    def fill(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(LikenessError, match=r"a: cannot be written \(No space left on device\)"):
        files.write_atomically(tmp_path / "a", fill)
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"old"
    with pytest.raises(LikenessError, match="is a folder"):
        files.write_content(tmp_path, b"")
