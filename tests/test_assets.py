"""Instruments: where they are looked for, fetched from, and that their hash is checked."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from likeness import assets
from likeness.errors import LikenessError

CONTENT = b"a network"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An instrument whose publisher is a file here."""
    (tmp_path / "publisher").write_bytes(CONTENT)
    address = (tmp_path / "publisher").as_uri()
    entry = assets.Instrument("net.bin", hashlib.sha256(CONTENT).hexdigest(), "a net", "CC0", address)
    monkeypatch.setitem(assets.INSTRUMENTS, "net", entry)
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path / "folder"))
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_the_folder_comes_first(made: Path) -> None:
    (made / "folder" / "net.bin").write_bytes(CONTENT)
    assert assets.instrument("net") == made / "folder" / "net.bin"
    assert assets.available("net")


def test_fetched_once_into_the_cache(made: Path) -> None:
    assert not assets.available("net")
    assert assets.instrument("net") == made / "cache" / "net.bin"
    (made / "publisher").unlink()
    assert assets.instrument("net").read_bytes() == CONTENT


def test_a_wrong_hash_is_refused(made: Path) -> None:
    (made / "folder" / "net.bin").write_bytes(b"another")
    with pytest.raises(LikenessError, match="hash differs"):
        assets.instrument("net")
    (made / "folder" / "net.bin").unlink()
    (made / "publisher").write_bytes(b"tampered")
    with pytest.raises(LikenessError, match="hash differs"):
        assets.instrument("net")
    assert not (made / "cache" / "net.bin").exists()


def test_what_cannot_be_had(made: Path) -> None:
    (made / "publisher").unlink()
    with pytest.raises(LikenessError, match="LIKENESS_INSTRUMENTS, or fetch"):
        assets.instrument("net")


class Publisher(ThreadingHTTPServer):
    """A server of one file that can break off, and begin in the middle."""

    content, breaks, ranges, asked = b"", 0, True, list[str]()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Publisher)
        server.asked.append(self.headers.get("Range", ""))
        begin = int(self.headers["Range"][6:-1]) if self.headers.get("Range") and server.ranges else 0
        if begin >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(server.content) - begin))
        self.end_headers()
        self.wfile.write(server.content[begin : server.breaks or None])

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def publisher(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """The instrument ``net`` from a server, one megabyte."""
    server = Publisher(("127.0.0.1", 0), Answer)
    server.content, server.asked = random.Random(0).randbytes(1_000_000), []
    address = f"http://127.0.0.1:{server.server_port}/net.bin"
    whole = hashlib.sha256(server.content).hexdigest()
    monkeypatch.setitem(assets.INSTRUMENTS, "net", assets.Instrument("net.bin", whole, "a net", "CC0", address))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_breaks_off_is_gone_on_with(
    made: Path, publisher: Publisher, ranges: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """From where it broke off, if the server can; from the beginning if not. What is not whole is never used."""
    publisher.breaks, publisher.ranges = 400_000, ranges
    with pytest.raises(LikenessError, match="it broke off at 400000 of 1000000 bytes; the same call goes on"):
        assets.instrument("net")
    assert not assets.available("net")
    publisher.breaks = 0
    assert assets.instrument("net").read_bytes() == publisher.content
    assert publisher.asked == ["", "bytes=400000-"]
    assert [path.name for path in (made / "cache").iterdir()] == ["net.bin"]
    assert "likeness: fetching net.bin, 1.0 MB" in capsys.readouterr().err


def test_a_part_that_is_too_long_is_fetched_anew(made: Path, publisher: Publisher) -> None:
    (made / "cache").mkdir()
    sha = assets.INSTRUMENTS["net"].sha256
    (made / "cache" / f".net.bin.{sha[:8]}.part").write_bytes(bytes(2_000_000))
    assert assets.instrument("net").read_bytes() == publisher.content


def test_a_part_of_something_else_is_not_kept(made: Path, publisher: Publisher) -> None:
    """A wrong beginning gives a wrong hash; it is thrown away, and the next call fetches all."""
    (made / "cache").mkdir()
    (made / "cache" / f".net.bin.{assets.INSTRUMENTS['net'].sha256[:8]}.part").write_bytes(bytes(1000))
    with pytest.raises(LikenessError, match="hash differs"):
        assets.instrument("net")
    assert not list((made / "cache").glob(".*"))
    assert assets.instrument("net").read_bytes() == publisher.content


def test_a_hash_of_eight_digits_is_checked_too(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(assets.INSTRUMENTS["net"], sha256=assets.INSTRUMENTS["net"].sha256[:8])
    monkeypatch.setitem(assets.INSTRUMENTS, "net", entry)
    assert assets.instrument("net").read_bytes() == CONTENT
    (made / "cache" / "net.bin").unlink()
    (made / "publisher").write_bytes(b"tampered")
    with pytest.raises(LikenessError, match="hash differs"):
        assets.instrument("net")


def test_without_pooch(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(LikenessError, match=r"pip install 'likeness\[evaluate\]'") as caught:
        assets.instrument("net")
    assert "\n" not in str(caught.value)


def test_nothing_of_the_network_is_imported_before_it_is_needed() -> None:
    code = "import sys, likeness.assets; print([name for name in ('urllib.request', 'pooch', 'requests') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_table() -> None:
    for name, entry in assets.INSTRUMENTS.items():
        assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", entry.sha256), name
        assert entry.licence and entry.what


def test_the_real_ones(instruments: Path) -> None:
    for name, entry in assets.INSTRUMENTS.items():
        if (instruments / entry.file).is_file():
            assert assets.instrument(name) == instruments / entry.file
