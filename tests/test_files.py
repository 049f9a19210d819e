"""Files whole or not at all, with the permissions of the umask, on the disk before they have their name."""

from __future__ import annotations

import csv
import io
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from likeness import assets, cli, files
from likeness.cli import tables
from likeness.data import folder
from likeness.errors import LikenessError

Hold = Callable[[Path], "subprocess.Popen[str]"]


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


HOLD = """
import sys, time
from pathlib import Path
from likeness.files import locked
with locked(Path(sys.argv[1]), "x"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Hold]:
    """Another process that holds a lock until it is killed."""
    begun: list[subprocess.Popen[str]] = []

    def hold(lock: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in begun:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_a_lock_keeps_others_out_and_ends_with_its_process(tmp_path: Path, holder: Hold) -> None:
    other = holder(tmp_path / "run" / ".lock")
    with pytest.raises(LikenessError, match="run: another process is working on it; wait") as caught:  # noqa: SIM117
        with files.locked(tmp_path / "run" / ".lock", "run"):
            pass
    assert "\n" not in str(caught.value)
    other.kill()
    other.wait()
    with files.locked(tmp_path / "run" / ".lock", "run"):
        assert (tmp_path / "run" / ".lock").is_file()
    assert not list((tmp_path / "run").iterdir())
    with files.locked(tmp_path / "new" / ".lock", "new"):
        pass
    assert not (tmp_path / "new").exists()  # nothing came into it


def test_a_second_prepare_of_one_output_is_refused(
    tmp_path: Path, holder: Hold, capsys: pytest.CaptureFixture[str], samples: list[Path]
) -> None:
    (tmp_path / "album").mkdir()
    shutil.copy(samples[0], tmp_path / "album")
    output = tmp_path / "out.parquet"
    holder(files.lock_of(output))
    assert cli.main(["prepare", str(tmp_path / "album"), "-o", str(output)]) == 2
    said = f"likeness: {output}: another process is working on it; wait until that ends, or choose another\n"
    assert capsys.readouterr().err == said
    assert not output.exists() and not (tmp_path / "out.parquet.partial").exists()


def test_a_second_training_of_one_run_is_refused(tmp_path: Path, holder: Hold, capsys: pytest.CaptureFixture[str]) -> None:
    holder(tmp_path / "run" / ".lock")
    call = ["train", "parts:tiny", "-o", str(tmp_path / "run")]
    assert cli.main(call) == 2
    assert capsys.readouterr().err == (
        f"likeness: {tmp_path / 'run'}: another process is working on it; wait until that ends, or choose another\n"
    )
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_an_export_into_a_run_that_trains_is_refused(tmp_path: Path, holder: Hold, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(assets.WEIGHTS / "landmark", tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    holder(tmp_path / "run" / ".lock")
    assert cli.main(["export", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        f"likeness: {tmp_path / 'run'}: another process is working on it; wait until that ends, or choose another\n"
    )
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("foreign", ["folder", "empty", "file", "link"])
def test_a_foreign_partial_is_neither_adopted_nor_removed(tmp_path: Path, foreign: str, samples: list[Path]) -> None:
    partial, elsewhere = tmp_path / "out.parquet.partial", tmp_path / "elsewhere"
    (tmp_path / "album").mkdir()
    shutil.copy(samples[0], tmp_path / "album")
    elsewhere.mkdir()
    (elsewhere / "plan").write_text("mine")
    if foreign == "file":
        partial.write_text("a download")
    elif foreign == "link":
        partial.symlink_to(elsewhere)
    else:
        partial.mkdir()
        if foreign == "folder":
            (partial / "thesis.txt").write_text("precious")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(LikenessError, match=r"out\.parquet\.partial: was not begun by likeness; move it away"):
        folder.prepare([tmp_path / "album"], tmp_path / "out.parquet", processes=1)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_work_in_progress_is_gone_on_with_by_its_plan(tmp_path: Path) -> None:
    first = files.unfinished(tmp_path / "a.mp4", "one", "reenactment")
    assert first == tmp_path / "a.mp4.partial" and (first / "plan").read_text() == "one"
    assert files.unfinished(tmp_path / "a.mp4", "one", "reenactment") == first
    with pytest.raises(LikenessError, match="holds the beginning of another reenactment; delete it"):
        files.unfinished(tmp_path / "a.mp4", "two", "reenactment")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4.partial"]


def test_csv_comes_back_as_it_went(tmp_path: Path) -> None:
    """Quotes, commas, line breaks and empty cells, through the writer of the tables too."""
    rows = [["method", "said"], ['a "bold" one', "x, y"], ["two\nlines", ""], ["ours", "0.5 ± 0.1"]]
    assert list(csv.reader(io.StringIO(files.csv_text(rows), newline=""))) == rows
    assert files.csv_text([["a", 1, "b"]]) == "a,1,b\n"
    about = {"recipe": 'a "new" recipe', "step": 5, "commit": "", "faces_of": "lfw test, first"}
    tables.write_csv(tmp_path / "a.csv", [dict(zip(rows[0], row, strict=True)) for row in rows[1:]], about)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.reader(file))
    assert read[0] == ["recipe", "step", "commit", "faces_of", "method", "said"]
    assert read[1:] == [['a "new" recipe', "5", "", "lfw test, first", *row] for row in rows[1:]]


def test_a_file_of_the_locks_name_stays(tmp_path: Path) -> None:
    """What stood there before and holds something is locked, and neither written to nor removed."""
    lock = files.lock_of(tmp_path / "out")
    lock.write_text("somebody's")
    with files.locked(lock, "out"), pytest.raises(LikenessError, match="another process"), files.locked(lock, "out"):
        pass
    assert lock.read_text() == "somebody's"
    lock.write_text("")
    with files.locked(lock, "out"):
        assert lock.exists()
    assert not lock.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no users")
def test_another_users_unfinished_work_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = files.unfinished(tmp_path / "a", "plan", "work")
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    with pytest.raises(LikenessError, match="was begun by another user"):
        files.unfinished(tmp_path / "a", "plan", "work")
    monkeypatch.undo()
    assert files.unfinished(tmp_path / "a", "plan", "work") == partial
    (partial / "plan").rename(tmp_path / "elsewhere")
    (partial / "plan").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LikenessError, match="was not begun by likeness"):
        files.unfinished(tmp_path / "a", "plan", "work")
