"""Faces from the disk, a few shards at a time: the same training to the last bit, in memory that does not hold them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from likeness import systems
from likeness.data import store as stores
from likeness.data.store import FaceStore
from likeness.data.stream import StreamedStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.recipe import difference, freeze, override
from likeness.train.loop import train
from likeness.train.rows import WINDOW, StreamedRows, sharded_rows


@pytest.mark.parametrize(("count", "shard", "batch"), [(100, 10, 5), (97, 10, 8), (23, 50, 4), (1000, 7, 16)])
def test_shards_are_epochs(count: int, shard: int, batch: int) -> None:
    """Each row at most once an epoch, another order each, few shards at a time, and nothing but (seed, step) decides."""
    length = count // batch
    epochs = [[sharded_rows(3, epoch * length + step, batch, count, shard) for step in range(length)] for epoch in range(2)]
    for steps in epochs:
        rows = torch.cat(steps).tolist()
        assert len(set(rows)) == len(rows) == length * batch and set(rows) <= set(range(count))
        for i in range(0, length - 1):
            near = torch.cat(steps[i : i + 2]) // shard
            assert len(near.unique()) <= 2 * WINDOW
    assert torch.cat(epochs[0]).tolist() != torch.cat(epochs[1]).tolist()
    assert torch.equal(sharded_rows(3, 1, batch, count, shard), epochs[0][1])
    assert not torch.equal(sharded_rows(4, 1, batch, count, shard), epochs[0][1])


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Ninety drawn faces on all sides, in row groups of 25."""
    framing = systems.recipe("parts:tiny").framing  # type: ignore[attr-defined]
    faces = drawn_faces(90, framing)
    rows = [stores.row(face, "ab"[i % 2], 20.0, i / 100) for i, face in enumerate(faces)]
    parts = [stores.write_rows(tmp_path / f"{i}.part", rows[i : i + 25], framing) for i in range(0, 90, 25)]
    group, stores.GROUP = stores.GROUP, 25
    try:
        return stores.merge(parts, tmp_path / "faces.parquet", framing)
    finally:
        stores.GROUP = group


def test_a_streamed_store_is_the_store(prepared: Path) -> None:
    whole, streamed = FaceStore(prepared), StreamedStore(prepared)
    assert not {"image", "landmarks"} & set(streamed.table.column_names)
    for some in (
        lambda store: store,
        lambda store: store.select("train").complete(0.5),
        lambda store: store.select("validation").first_of_each_person(),
        lambda store: store.take([80, 3, 3, 40]),
        lambda store: store.head(0),
    ):
        one, other = some(whole), some(streamed)
        assert len(one) == len(other) and one.fingerprint() == other.fingerprint()
        assert one.column("name") == other.column("name") and one.column("landmarks") == other.column("landmarks")
        for face, same in zip(one, other, strict=True):
            assert (face.image == same.image).all() and (face.landmarks == same.landmarks).all()
            assert (face.name, face.person, face.split) == (same.name, same.person, same.split)
    both = StreamedStore([prepared, prepared])
    assert both.fingerprint() == FaceStore.together([prepared, prepared]).fingerprint() and both.path.name.count("+") == 1
    with pytest.raises(LikenessError, match="no such file"):
        StreamedStore(prepared.with_name("none.parquet"))
    prepared.with_name("bad.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(LikenessError, match="cannot be read as Parquet"):
        StreamedStore(prepared.with_name("bad.parquet"))


@pytest.mark.parametrize("name", ["parts:tiny", "landmark:tiny"])
def test_streamed_training_is_training_in_memory(name: str, prepared: Path, tmp_path: Path) -> None:
    """To the last bit, also where it was stopped in an epoch and gone on with; one of the systems fits statistics first."""
    recipe = override(systems.recipe(name), ["training.shard=7", "training.batch=4"])
    framing = recipe.framing  # type: ignore[attr-defined]
    if framing != FaceStore(prepared).framing:
        faces = drawn_faces(60, framing)
        stores.write_rows(prepared, [stores.row(face, "a", 20.0) for face in faces], framing)

    def run(store: FaceStore, folder: str, *stops: int) -> dict[str, torch.Tensor]:
        for stop in (*stops, 12):
            torch.manual_seed(1)
            system = systems.row(name.split(":")[0]).build(recipe)
            train(system, name.split(":")[0], store, tmp_path / folder, steps=stop)
        found: dict[str, torch.Tensor] = torch.load(tmp_path / folder / "state.pt", weights_only=True)["system"]
        return found

    one = run(FaceStore(prepared), "one")
    for folder, stops in (("two", ()), ("three", (5, 9))):
        other = run(StreamedStore(prepared), folder, *stops)
        assert one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


def test_few_shards_are_held(prepared: Path) -> None:
    recipe = override(systems.recipe("parts:tiny"), ["training.shard=4", "training.batch=4"])
    system, faces = systems.row("parts").build(recipe), StreamedStore(prepared)
    assert isinstance(faces, StreamedStore)
    rows = StreamedRows(system, faces, recipe.training, 4, torch.device("cpu"))
    for step in range(60):
        rows(step)
        assert len(rows._shards) <= 3 * WINDOW
    rows.close()


def test_a_plan_for_all_faces_at_once_is_refused(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(LikenessError, match="streamed in shards"):
        train(systems.row("parts").build(systems.recipe("parts:tiny")), "parts", StreamedStore(prepared), tmp_path / "a")


def test_runs_of_before_go_on() -> None:
    """A recipe that was frozen before there was the field is the same recipe."""
    now = freeze(systems.recipe("parts:tiny"))
    before = {**now, "training": {key: value for key, value in now["training"].items() if key != "shard"}}
    assert difference(before, now) == []
    assert difference(before, freeze(override(systems.recipe("parts:tiny"), ["training.shard=9"])))


LIMITED = """
import resource, sys, torch
from dataclasses import replace
from pathlib import Path
from likeness import systems
from likeness.data.store import FaceStore
from likeness.data.stream import StreamedStore
from likeness.errors import LikenessError
from likeness.recipe import override
from likeness.train.loop import train
data, folder, shard, allowed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
recipe = override(systems.recipe("portrait:tiny"), [f"training.shard={shard}", "training.batch=4"])
def go(folder, store, steps):
    torch.manual_seed(1)
    train(systems.row("portrait").build(recipe), "portrait", store, folder, steps=steps)
if shard: # what torch and pyarrow load when they are first used is not the data's
    go(folder + "-small", StreamedStore(data + ".small"), 3)
used = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + allowed, used + allowed))
try:
    if shard:
        go(folder, StreamedStore(data), 6)
    else: # what a training in memory holds (pyarrow's reading of the whole waits for ever where its threads find no memory)
        systems.row("portrait").build(recipe).table(StreamedStore(data).select("train"))
except (MemoryError, RuntimeError, LikenessError) as problem:
    sys.exit(f"too little memory: {str(problem)[:300]}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_a_set_five_times_the_memory(tmp_path: Path) -> None:
    """Under a limit of a fifth of the decoded pictures streaming goes through, and one table does not fit."""
    framing: Framing = systems.recipe("portrait:tiny").framing  # type: ignore[attr-defined]
    rows = [stores.row(face, "drawn", 20.0) for face in drawn_faces(100, framing)] * 2
    part = stores.write_rows(tmp_path / "part.parquet", rows, framing)
    stores.write_rows(tmp_path / "faces.parquet.small", rows, framing)
    allowed = 80 << 20
    repeat = -(-5 * allowed // (len(FaceStore(part).select("train")) * framing.size**2 * 3))
    data = stores.merge([part] * repeat, tmp_path / "faces.parquet", framing)
    done = {}
    more = {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system", "ARROW_IO_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for shard in (50, 0):
        words = [sys.executable, "-c", LIMITED, str(data), str(tmp_path / f"run{shard}"), str(shard), str(allowed)]
        done[shard] = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **more}, timeout=250)
    assert done[50].returncode == 0, done[50].stderr[-2000:]
    assert done[0].returncode == 1 and "too little memory" in done[0].stderr
