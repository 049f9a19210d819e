"""Preparing folders: people, sides, resuming, reports, and a file that others open."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from likeness.data import folder
from likeness.data.split import split_of
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.image import walked_pictures


@pytest.fixture
def album(tmp_path: Path, samples: list[Path]) -> Path:
    """Three people with a photo or two, one picture without a face, one that is damaged, and a text."""
    root = tmp_path / "album"
    for i, person in enumerate(("Ann", "Bob", "Cy")):
        (root / person).mkdir(parents=True)
        shutil.copy(samples[i], root / person / f"{person}_0001.png")
    Pillow.open(samples[3]).convert("L").save(root / "Cy" / "Cy_0002.jpg")
    Pillow.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(root / "Ann" / "wall.png")
    (root / "Bob" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (root / "notes.txt").write_text("not a picture")
    return root


def test_prepare(album: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = folder.prepare([album], tmp_path / "out.parquet", processes=1, progress=lambda *pair: seen.append(pair))
    assert report.prepared == 4
    assert [name for name, _ in report.skipped] == ["Ann/wall", "Bob/cut"]
    assert "no face" in report.skipped[0][1]
    assert "damaged" in report.skipped[1][1]
    assert seen[0] == (0, 6)
    assert seen[-1] == (6, 6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["album", "out.parquet", "out.skipped.csv"]
    with (tmp_path / "out.skipped.csv").open() as file:
        assert list(csv.reader(file))[1][0] == "Ann/wall"

    store = FaceStore(tmp_path / "out.parquet")
    faces = list(store)
    assert [face.name for face in faces] == ["Ann/Ann_0001", "Bob/Bob_0001", "Cy/Cy_0001", "Cy/Cy_0002"]
    assert [face.person for face in faces] == ["Ann", "Bob", "Cy", "Cy"]
    assert all(face.split == split_of(face.person) for face in faces)
    assert faces[0].image.shape == (128, 128, 3)
    assert faces[0].landmarks.shape == (68, 2)
    assert (faces[3].image.std(-1) < 4).all()  # grey stays grey
    assert len(store.first_of_each_person()) == 3
    assert store.column("source") == ["album"] * 4
    assert store.fingerprint() == FaceStore(tmp_path / "out.parquet").fingerprint()


def test_hugging_face_finds_its_features(album: Path, tmp_path: Path) -> None:
    """The schema's note is what Hugging Face's datasets reads: image is a picture, not a struct."""
    folder.prepare([album], tmp_path / "out.parquet", processes=1)
    notes = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"huggingface"])
    assert notes["info"]["features"]["image"] == {"_type": "Image"}
    assert set(notes["info"]["features"]) == set(pq.read_schema(tmp_path / "out.parquet").names)
    first = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    assert first["image"]["bytes"][:4] == b"RIFF"


def test_going_on_after_an_interruption(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the first chunk, the same call does only the rest and ends in the same file."""
    folder.prepare([album], tmp_path / "whole.parquet", processes=1)
    monkeypatch.setattr(folder, "CHUNK", 2)
    work = folder._prepare_chunk
    calls = []

    def once(*words: object) -> object:
        if calls:
            raise KeyboardInterrupt
        calls.append(words)
        return work(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(folder, "_prepare_chunk", once)
    with pytest.raises(KeyboardInterrupt):
        folder.prepare([album], tmp_path / "out.parquet", processes=1)
    assert not (tmp_path / "out.parquet").exists()
    with pytest.raises(LikenessError, match="another preparation"):
        folder.prepare([album], tmp_path / "out.parquet", Framing(size=64), processes=1)
    monkeypatch.setattr(folder, "_prepare_chunk", work)
    report = folder.prepare([album], tmp_path / "out.parquet", processes=1)
    assert report.resumed == 2
    assert FaceStore(tmp_path / "out.parquet").fingerprint() == FaceStore(tmp_path / "whole.parquet").fingerprint()
    assert len(report.skipped) == 2


def test_several_processes_make_the_same_file(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_THREADS", "3")
    threads = cv2.getNumThreads()
    cv2.setNumThreads(3)  # what this process was doing before must not tell either
    try:
        folder.prepare([album], tmp_path / "one.parquet", processes=1)
        assert (cv2.getNumThreads(), os.environ["LIKENESS_THREADS"]) == (3, "3")  # and it goes on as it was
    finally:
        cv2.setNumThreads(threads)
    monkeypatch.setattr(folder, "CHUNK", 2)
    report = folder.prepare([album], tmp_path / "two.parquet", processes=2)
    assert report.prepared == 4
    assert FaceStore(tmp_path / "one.parquet").fingerprint() == FaceStore(tmp_path / "two.parquet").fingerprint()


def test_millions_need_no_memory(tmp_path: Path) -> None:
    """Parts are joined a row group at a time: 120 parts of 100 rows in no more memory than 20 of them."""
    import pyarrow as pa

    from likeness.data import store

    framing = Framing(size=64)
    rows = [store.row(face, "drawn", 20.0) for face in drawn_faces(100, framing)]
    part = store.write_rows(tmp_path / "part.parquet", rows, framing)

    def peak(count: int) -> int:
        before, most = pa.total_allocated_bytes(), 0

        class Watched(list[Path]):
            def __iter__(self) -> Iterator[Path]:
                nonlocal most
                for path in super().__iter__():
                    yield path
                    most = max(most, pa.total_allocated_bytes() - before)

        store.merge(Watched([part] * count), tmp_path / "all.parquet", framing)
        return most

    few, many = peak(20), peak(120)
    assert pq.ParquetFile(tmp_path / "all.parquet").num_row_groups == 12 and len(FaceStore(tmp_path / "all.parquet")) == 12000
    assert 0 < many < 1.3 * few


def test_a_photo_that_kills_workers_is_skipped(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is remembered as the one that was worked on at two deaths."""
    work = folder.read

    class Death(BaseException):
        pass

    def read(path: str) -> object:
        if path.endswith(sorted(walked_pictures(album))[0]):
            raise Death
        return work(path)

    monkeypatch.setattr(folder, "read", read)
    for _ in range(3):
        with pytest.raises(Death):
            folder.prepare([album], tmp_path / "out.parquet", processes=1)
    report = folder.prepare([album], tmp_path / "out.parquet", processes=1)
    assert [reason for _, reason in report.skipped if reason.startswith("worker processes die of it")]
    assert report.prepared == 3


def test_workers_use_one_thread_and_no_torch(album: Path, tmp_path: Path) -> None:
    """What a worker process does, in one where torch cannot be imported; as many threads as cores would crowd the workers."""
    code = f"""
import os, sys
sys.modules["torch"] = None
os.environ["LIKENESS_THREADS"] = "3"
from likeness.data import folder
from likeness.engine.graph import threads
from likeness.faces.align import Framing
from likeness.shards.job import one_thread
with one_thread(): assert threads() == 1
assert threads() == 3
photos = folder.photos_in({str(album)!r})[:1]
print(folder._prepare_chunk(photos, "album", Framing(), None, folder.Pointing(), {str(tmp_path / "part.parquet")!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "(1, [])\n", done.stderr


def test_a_folder_without_faces(tmp_path: Path) -> None:
    (tmp_path / "walls").mkdir()
    Pillow.fromarray(np.full((100, 100, 3), 90, np.uint8)).save(tmp_path / "walls" / "a.png")
    with pytest.raises(LikenessError, match=r"none of 1 photos could be used, .*: no face was found"):
        folder.prepare([tmp_path / "walls"], tmp_path / "a.parquet", processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.skipped.csv", "walls"]


def test_names_that_are_not_utf8(tmp_path: Path, samples: list[Path]) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(samples[0], os.fsencode(tmp_path / "in") + b"/M\xfcller.png")
    assert folder.prepare([tmp_path / "in"], tmp_path / "a.parquet", processes=1).prepared == 1
    assert FaceStore(tmp_path / "a.parquet").column("person") == ["M\ufffdller"]


def test_people_of_a_flat_folder() -> None:
    root = Path("/photos")
    assert folder.person_of(root / "Ann_Lee_03.jpg", root) == "Ann_Lee"
    assert folder.person_of(root / "Bob.jpg", root) == "Bob"
    assert folder.person_of(root / "Cy" / "x_1.jpg", root) == "Cy"


def test_refusals(tmp_path: Path, album: Path) -> None:
    with pytest.raises(LikenessError, match="no such folder"):
        folder.prepare([tmp_path / "none"], tmp_path / "a.parquet")
    with pytest.raises(LikenessError, match="suffix"):
        folder.prepare([album], tmp_path / "a.zip")
    with pytest.raises(LikenessError, match="no pictures"):
        (tmp_path / "empty").mkdir()
        folder.prepare([tmp_path / "empty"], tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_text("no parquet")
    with pytest.raises(LikenessError, match="cannot be read as Parquet"):
        FaceStore(tmp_path / "b.parquet")
    with pytest.raises(LikenessError, match="likeness prepare"):
        FaceStore(tmp_path / "c.parquet")
    pq.write_table(pq.read_table(_foreign(tmp_path)), tmp_path / "d.parquet")
    with pytest.raises(LikenessError, match="not written by"):
        FaceStore(tmp_path / "d.parquet")


def _foreign(tmp_path: Path) -> Path:
    import pyarrow as pa

    pq.write_table(pa.table({"x": [1]}), tmp_path / "foreign.parquet")
    return tmp_path / "foreign.parquet"


def test_the_split_rule() -> None:
    """crc32 of the name: 0 is test, 1 validation. The values are known ones of LFW."""
    import zlib

    for name in ("George_W_Bush", "Colin_Powell", "Tony_Blair", "Ángel_Ñ"):
        digit = zlib.crc32(name.encode("utf-8")) % 10
        assert split_of(name) == ("test" if digit == 0 else "validation" if digit == 1 else "train")
    sides = [split_of(f"person {i}") for i in range(5000)]
    assert abs(sides.count("test") / 5000 - 0.1) < 0.02
    assert abs(sides.count("validation") / 5000 - 0.1) < 0.02


def test_real_photos(shared: Path, tmp_path: Path) -> None:
    """Real folders of LFW: nearly every photo is read, whatever the process count."""
    root = tmp_path / "lfw"
    for person in ("Serena_Williams", "Winona_Ryder"):
        shutil.copytree(shared / "data" / "lfw" / "images" / person, root / person)
    report = folder.prepare([root], tmp_path / "real.parquet", processes=2)
    assert report.prepared >= 75
    assert report.prepared + len(report.skipped) == 76
    eyes = [np.array(face.landmarks)[36:48].mean(0) for face in FaceStore(tmp_path / "real.parquet")]
    np.testing.assert_allclose(np.mean(eyes, 0) / 128, [0.5, 0.45], atol=0.02)


def test_prepared_files_together(tmp_path: Path) -> None:
    """One after the other, a file twice if it is named twice; files that differ are refused; what was written is read."""
    one, other, small = (
        FaceStore.of(drawn_faces(count, framing), framing, name).write(tmp_path / f"{name}.parquet")
        for count, framing, name in ((3, Framing(), "one"), (2, Framing(), "other"), (2, Framing(size=64), "small"))
    )
    both = FaceStore.together([one, other, other])
    assert len(both) == 7 and both.path.name == "one.parquet + other.parquet + other.parquet"
    assert both.framing == Framing() and both.fingerprint() != FaceStore(one).fingerprint()
    assert [face.name for face in both][:3] == FaceStore(one).column("name")
    assert FaceStore.together([one]).fingerprint() == FaceStore(one).fingerprint()
    both.write(tmp_path / "both.parquet")
    assert FaceStore(tmp_path / "both.parquet").fingerprint() == both.fingerprint()
    with pytest.raises(LikenessError, match=r"small\.parquet: differs from"):
        FaceStore.together([one, small])


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'likeness[bulk]'")
def test_ray_makes_the_same_file(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command, in a process of its own: Ray starts a cluster of this machine and takes it down again."""
    folder.prepare([album], tmp_path / "one.parquet", processes=1)
    words = ["prepare", str(album), "-o", str(tmp_path / "two.parquet"), "--engine", "ray", "--processes", "1"]
    done = subprocess.run([sys.executable, "-m", "likeness.cli", *words], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert FaceStore(tmp_path / "one.parquet").fingerprint() == FaceStore(tmp_path / "two.parquet").fingerprint()
