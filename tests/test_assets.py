"""Instruments: where they are looked for, fetched from, and that their hash is checked."""

from __future__ import annotations

import hashlib
import re
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


def test_the_table() -> None:
    for name, entry in assets.INSTRUMENTS.items():
        assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", entry.sha256), name
        assert entry.licence and entry.what


def test_the_real_ones(instruments: Path) -> None:
    for name, entry in assets.INSTRUMENTS.items():
        if (instruments / entry.file).is_file():
            assert assets.instrument(name) == instruments / entry.file
