"""Bulk making: one row an input whatever comes in and whatever is killed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likeness import provenance
from likeness.bulk import making
from likeness.bulk.inputs import read_piece, write_pieces
from likeness.bulk.making import bulk
from likeness.errors import LikenessError
from likeness.shards.running import Crew
from likeness.shards.trouble import Trouble

ONE = Crew(workers=1)


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def rows(output: Path) -> list[dict[str, Any]]:
    """The rows of a folder of pictures, by number."""
    found = [json.loads(line) for path in output.glob("[0-9]*/rows.jsonl") for line in path.read_text().splitlines()]
    return sorted(found, key=lambda row: row["number"])


@pytest.fixture
def album(tmp_path: Path, samples: list[Path]) -> Path:
    """Two faces, one of them twice, in sub-folders; and what is no picture, cut off, and empty."""
    folder = tmp_path / "album"
    (folder / "b").mkdir(parents=True)
    content = [sample.read_bytes() for sample in samples]
    (folder / "a.png").write_bytes(content[0])
    (folder / "b" / "again.png").write_bytes(content[0])
    (folder / "b.png").write_bytes(content[1])
    (folder / "cut.png").write_bytes(content[1][:2000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder(album: Path, tmp_path: Path) -> None:
    told: list[tuple[Any, ...]] = []
    report = bulk("parts", str(album), tmp_path / "out", crew=ONE, shard=2, progress=lambda *said: told.append(said))
    assert (report.made, report.failed, report.resumed) == (3, 2, 0)
    found = rows(tmp_path / "out")
    assert [Path(row["input"]).name for row in found] == ["a.png", "b.png", "again.png", "cut.png", "empty.jpg"]
    for row in found:
        content = Path(row["input"]).read_bytes()
        assert row["content"] == hashlib.sha256(content).hexdigest()
        assert (row["file"] is None) == (row["reason"] is not None)
    assert [bool(row["reason"]) for row in found] == [False, False, False, True, True]
    assert "damaged" in found[3]["reason"] and "not a picture" in found[4]["reason"]
    made = json.loads(found[0]["made"])
    assert made["system"] == "parts" and made["conditions"] == {"photo": found[0]["input"]}
    pictures = list((tmp_path / "out").glob("[0-9]*/*.png"))
    assert len(pictures) == 3 and all((mark := provenance.read(path)) and mark.trained for path in pictures)
    assert [said[:2] for said in told] == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert "faces/s" in told[-1][2] and "left" in told[-1][2]
    summary = json.loads((tmp_path / "out" / "_likeness" / "summary.json").read_text())
    assert (summary["inputs"], summary["made"], summary["failed"], summary["shards"]) == (5, 3, 2, 3)


def test_parquet_in_and_out(album: Path, tmp_path: Path) -> None:
    """Pictures in cells, in slices of row groups, also where a cell is empty; out come shards that any reader opens as one."""
    content = [(album / name).read_bytes() for name in ("a.png", "b.png")]
    cells = [{"bytes": content[i % 2], "path": f"{i}.png"} for i in range(5)] + [None]
    table = pa.table({"name": [f"n{i}" for i in range(6)], "image": pa.array(cells)})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=4)
    report = bulk("parts", str(tmp_path / "in.parquet"), tmp_path / "out.parquet", crew=ONE, shard=3, suffix=".jpg")
    assert (report.made, report.failed) == (5, 1)
    out = pq.read_table(tmp_path / "out.parquet").sort_by("number")  # the folder as one table
    assert out.column("input").to_pylist() == [f"n{i}" for i in range(6)]
    assert out.column("reason").to_pylist() == [None] * 5 + ["the row holds no picture"]
    for row in out.to_pylist()[:5]:
        path = tmp_path / row["image"]["path"]
        path.write_bytes(row["image"]["bytes"])
        mark = provenance.read(path)
        assert mark is not None and mark.trained and path.stem == row["content"]
    assert b"Image" in out.schema.metadata[b"huggingface"]
    again = bulk("parts", str(tmp_path / "in.parquet"), tmp_path / "out.parquet", crew=ONE, shard=3, suffix=".jpg")
    assert again.resumed == 6


def test_paths_in_parquet_and_lists(album: Path, tmp_path: Path) -> None:
    names = [str(album / "a.png"), str(tmp_path / "nowhere.png"), str(album / "b.png")]
    pq.write_table(pa.table({"file": names}), tmp_path / "in.parquet")
    bulk("parts", str(tmp_path / "in.parquet"), tmp_path / "one", crew=ONE)
    (tmp_path / "list.txt").write_text("\n".join(names) + "\n\n")
    bulk("parts", str(tmp_path / "list.txt"), tmp_path / "two", crew=ONE)
    for output in ("one", "two"):
        found = rows(tmp_path / output)
        assert [row["reason"] for row in found] == [None, "no such file", None]
        assert found[1]["content"] == ""
    requests = [{"photo": names[0], "mouth": names[2]}, {"photo": names[0], "ear": names[2]}]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, requests)))
    bulk("parts", str(tmp_path / "list.jsonl"), tmp_path / "three", crew=ONE, constant={"only": ("eyes",)})
    found = rows(tmp_path / "three")
    assert (
        json.loads(found[0]["made"])["parts"] == ["left_eye", "right_eye", "mouth"]
        or "mouth" in json.loads(found[0]["made"])["parts"]
    )
    assert "'ear' is no condition" in found[1]["reason"]
    assert found[0]["content"] != found[1]["content"] and len(found[0]["content"]) == 64


def test_addresses(album: Path, tmp_path: Path) -> None:
    """What fsspec opens; its memory file system stands for any. The output is local, perhaps as an address."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe("/faces/x/a.png", (album / "a.png").read_bytes())
    try:
        bulk("parts", "memory://faces", f"file://{tmp_path}/out", crew=ONE)
    finally:
        system.rm("/faces", recursive=True)
    (row,) = rows(tmp_path / "out")
    assert row["reason"] is None and row["input"] == "memory:///faces/x/a.png"


def test_what_comes_later_is_not_in_the_run(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs are those of the beginning; a run that is cut off between shard and manifest goes on without a doubled row."""
    with monkeypatch.context() as patched:

        def cut(shards: Any, told: dict[str, Any]) -> None:
            raise KeyboardInterrupt

        patched.setattr(making.Shards, "note", cut)
        with pytest.raises(KeyboardInterrupt):
            bulk("parts", str(album), tmp_path / "out", crew=ONE, shard=2)
    output = tmp_path / "out"
    assert (output / "000000").is_dir() and not (output / "_likeness" / "manifest.jsonl").read_text()
    (output / ".000001.abcdef12").mkdir()  # what a killed worker leaves
    (output / "_likeness" / "manifest.jsonl").write_text('{"shard": 0, "ma')
    stamp = (output / "000000" / "rows.jsonl").stat().st_mtime_ns
    (album / "aa.png").write_bytes((album / "a.png").read_bytes())
    report = bulk("parts", str(album), output, crew=ONE, shard=2)
    assert (report.made, report.failed) == (3, 2)
    assert (output / "000000" / "rows.jsonl").stat().st_mtime_ns == stamp
    assert [row["number"] for row in rows(output)] == list(range(5)) and not list(output.glob(".*"))


def test_an_input_that_kills_workers_becomes_a_row(tmp_path: Path) -> None:
    """First all together, then one by one, then without the one at which two workers died; others are not blamed."""
    folder = tmp_path / "trouble"
    first = Trouble(folder, 3)
    assert not first.careful and first.begin(30) and first.begin(31)
    for _ in range(2):  # dies at 31
        again = Trouble(folder, 3)
        assert again.careful and again.begin(30) and again.begin(31)
    last = Trouble(folder, 3)
    assert last.begin(30) and not last.begin(31) and last.begin(32)
    last.end()
    assert not list(folder.iterdir()) and not Trouble(folder, 3).careful
    (folder / "4.json").write_text("{")
    assert Trouble(folder, 4).careful


def test_refusals(album: Path, tmp_path: Path, likeness: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for words, line in (
        (["parts", "nowhere", "-o", "x"], "nowhere: no such file or folder"),
        (["parts", album, "-o", album], "holds other files"),
        (["parts", album, "-o", "x", "--engine", "dask"], "there are pool, ray"),
        (["parts", album, "-o", "x", "--processes", "0"], "at least one"),
        (["parts", album, "-o", "x", "--as", "sketch"], "'sketch' is no condition"),
        (["parts", album, "-o", "x", "--shard", "0"], "at least one input a shard"),
        (["parts", album, "-o", "x", "--pictures", ".gif"], "pictures are written as"),
        (["parts", album, "-o", "x", "--weights", "isegan"], "holds weights of 'isegan'"),
        (["parts", album, "-o", "memory://faces"], "memory://faces: an output has to be a local or mounted folder"),
        (["parts", album, "-o", "s3://bucket/faces.parquet"], "an output has to be a local or mounted folder"),
    ):
        assert likeness("bulk", *words) == 2, words
        said = capsys.readouterr().err
        assert line in said and said.count("\n") == 1, said
        assert not (tmp_path / "x").exists() and not list(tmp_path.glob("*:"))
    (tmp_path / "none").mkdir()
    assert likeness("bulk", "parts", "none", "-o", "x") == 2 and "holds no inputs" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_another_plan_is_refused(album: Path, tmp_path: Path) -> None:
    bulk("parts", str(album), tmp_path / "out", crew=ONE)
    with pytest.raises(LikenessError, match="was begun with another shard"):
        bulk("parts", str(album), tmp_path / "out", crew=ONE, shard=9)


def test_pieces_need_no_memory(tmp_path: Path) -> None:
    """A list of 300,000 inputs is written down and read again in a few megabytes."""
    import tracemalloc

    (tmp_path / "list.txt").write_text("".join(f"photos/{i:06d}.jpg\n" for i in range(300_000)))
    tracemalloc.start()
    counted, pieces = write_pieces(str(tmp_path / "list.txt"), 256, tmp_path)
    names = [one.name for one in read_piece(tmp_path, pieces - 1, "photo", {"photo": "photo"})]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (counted, pieces) == (300_000, 1172) and names[-1] == "photos/299999.jpg"
    assert peak < 4e6


def test_a_row_group_is_not_held(tmp_path: Path) -> None:
    """Of a file that is one row group of 20 MB, the last rows are read in a few."""
    import tracemalloc

    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"image": [random.Random(i).randbytes(2000) for i in range(10_000)]}), path, compression="none")
    (tmp_path / "state").mkdir()
    counted, pieces = write_pieces(str(path), 256, tmp_path / "state")
    assert pq.ParquetFile(path).metadata.num_row_groups == 1 and (counted, pieces) == (10_000, 40)
    tracemalloc.start()
    (*_, last) = read_piece(tmp_path / "state", pieces - 1, "photo", {"photo": "photo"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.given["photo"] == random.Random(9_999).randbytes(2000) and last.number == 9_999
    assert peak < 8e6


def test_without_pyarrow_and_filelock(album: Path, tmp_path: Path) -> None:
    """The base install makes folders of pictures, by two processes; Parquet says what it needs."""
    site = tmp_path / "site"
    site.mkdir()
    blocked = "import sys\nfor name in ('torch', 'pyarrow', 'fsspec', 'ray', 'filelock'): sys.modules[name] = None\n"
    (site / "sitecustomize.py").write_text(blocked)  # the workers' too
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "likeness.cli", "bulk", "parts", *words]
        return subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True)

    done = call("album", "-o", "out", "--processes", "2", "--shard", "3")
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "out")) == 5
    for words, extra in (
        (("album", "-o", "out.parquet"), "parquet"),
        (("s3://faces", "-o", "b"), "parquet"),
        (("album", "-o", "c", "--engine", "ray"), "bulk"),
    ):
        done = call(*words)
        assert done.returncode == 2 and f"pip install 'likeness[{extra}]'" in done.stderr and done.stderr.count("\n") == 1


def test_kills(tmp_path: Path) -> None:
    """Two runs of the tool that kills drivers and workers at random moments."""
    module = tool("kill_bulk")
    listed, moments = module.inputs(tmp_path, 120), (0.6, 1.0)  # in seconds; a whole run takes longer on any machine
    for seed in range(2):
        output = tmp_path / f"out{seed}"
        count = module.killed(partial(module.Run, listed, output, "pool"), random.Random(seed), moments, 2)
        assert count.total() >= 1
        assert module.check(output, 120) == (0, 0)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'likeness[bulk]'")
def test_ray_with_its_driver_and_an_actor_killed(tmp_path: Path) -> None:
    """A real local cluster of two actors. Its driver is killed while they work, and the same command goes on; then one of the
    actors is killed, and the run ends by itself, with every row once.
    """
    count = 600  # actors go on for a moment when their driver is gone, and hold the output as long
    module = tool("kill_bulk")
    listed, output = module.inputs(tmp_path, count), tmp_path / "out"
    with module.Run(listed, output, "ray") as first:
        first.wait_for_shards(2)
        assert first.kill_driver()
    assert 2 <= first.shards < count / 4 - 2
    hit = done = False
    while not done:
        with module.Run(listed, output, "ray") as again:
            again.wait_for_shards(2)
            while not again.ended and not hit:
                hit = again.kill_worker(random.Random(1))
                again.wait(0.1)
            done = again.end()
    assert hit
    assert module.check(output, count) == (0, 0)
