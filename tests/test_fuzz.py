"""Damaged and forged files: weights, graphs, prepared files. Each is one clear line, and nothing is written."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness import assets, systems
from likeness.card import DIGEST, KEY, Card, fingerprint, read_card, read_stored, restored
from likeness.engine import open_weights
from likeness.engine.onnx import GRAPH_KEY, PORTS_KEY, UNSEALED, WEIGHTS_KEY, sealed
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces

SYSTEM = "face_detector"
"""The smallest of the shipped systems."""


def refused(work: Callable[[], Any]) -> str:
    """The one line that ``work`` ends in."""
    with pytest.raises(LikenessError) as told:
        work()
    line = str(told.value)
    assert line and "\n" not in line and len(line) < 700, line
    return line


def flips(content: bytes, count: int, seed: int, first: int = 0, last: int | None = None) -> Iterator[bytes]:
    """The content with one bit turned, at ``count`` places from ``first`` to ``last``."""
    chance = random.Random(seed)
    for _ in range(count):
        place = chance.randrange(first, last or len(content))
        yield content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def cuts(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The content cut off, with its first and its last byte missing among the ways."""
    chance = random.Random(seed)
    yield from (b"", content[:1], content[:7], content[:8], content[:9], content[:-1], content[1:], content + b"\0")
    yield from (content[: chance.randrange(len(content))] for _ in range(count))


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A folder of weights with their graph, to be damaged."""
    return Path(shutil.copytree(assets.WEIGHTS / SYSTEM, tmp_path / SYSTEM))


def header_end(content: bytes) -> int:
    return 8 + int(struct.unpack("<Q", content[:8])[0])


def forged(path: Path, header: Any, tensors: bytes) -> Path:
    """A safetensors file of any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)
    return path


# weights


def test_damaged_weights_are_refused(opened: Path) -> None:
    """Bits of the header and of the tensors turned, and files cut off: with either engine."""
    path = opened / "weights.safetensors"
    whole = path.read_bytes()
    end = header_end(whole)
    for content in [*flips(whole, 40, 1, end), *cuts(whole, 12, 2)]:
        path.write_bytes(content)
        refused(lambda: open_weights(path, "onnx"))
        refused(lambda: open_weights(path, "torch"))
    told = 0
    for content in [*flips(whole, 120, 3, 0, end), *flips(whole, 30, 4, 0, 64)]:
        path.write_bytes(content)
        try:
            card = open_weights(path, "onnx").card
        except LikenessError as line:
            assert "\n" not in str(line)
            told += 1
        else:  # a letter of what the card says for people, or the spaces after it; the tensors are those that were written
            assert isinstance(card, Card)
    assert told > 40


@pytest.mark.parametrize("value", [None, True, 3, -1.5, "", "x", [], [1], {}, {"a": 1}, {"a": {"b": []}}])
def test_cards_of_other_types_are_refused(value: Any, opened: Path) -> None:
    """Each field of the card replaced by each kind of JSON value: told when it is read, or when the system is built."""
    path = opened / "weights.safetensors"
    whole = path.read_bytes()
    end = header_end(whole)
    header = json.loads(whole[8:end])
    card = json.loads(header["__metadata__"][KEY])
    for name in (*card, "odd"):
        changed = copy.deepcopy(header)
        changed["__metadata__"][KEY] = json.dumps({**card, name: value})
        forged(path, changed, whole[end:])
        if name == "odd" or (type(value) is not type(card[name])):
            assert str(path) in refused(lambda: read_card(path))
        elif name in ("system", "recipe"):
            refused(lambda: systems.load(path))
    for metadata in (value, {KEY: value}, {KEY: json.dumps(value)}, {DIGEST: "0"}):
        forged(path, {**header, "__metadata__": metadata}, whole[end:])
        refused(lambda: open_weights(path))


def test_recipes_that_fit_no_system_are_refused(tmp_path: Path) -> None:
    """The shipped parts with each field of their recipe taken away, doubled or of another type."""
    folder = Path(shutil.copytree(assets.WEIGHTS / "parts", tmp_path / "parts"))
    path = folder / "weights.safetensors"
    whole = path.read_bytes()
    end = header_end(whole)
    header = json.loads(whole[8:end])
    card = json.loads(header["__metadata__"][KEY])
    for name in card["recipe"]:
        for value in (None, "x", [[]], {"odd": 1}, -1):
            recipe = {**card["recipe"], name: value}
            if name in ("name", "expects", "perceptual") and isinstance(value, str):
                continue
            changed = copy.deepcopy(header)
            changed["__metadata__"][KEY] = json.dumps({**card, "recipe": recipe})
            forged(path, changed, whole[end:])
            assert str(path) in refused(lambda: systems.load(path))


def test_headers_of_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    notes = {KEY: json.dumps(asdict(Card("parts", {"name": "parts:tiny"}, 1))), DIGEST: "0" * 64}
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    wrong: list[Any] = [
        *(b"", b"{", b"null", b"[]", b"3", b"\xff\xfe\xfd", b"[" * 100_000, b"{}" + b" " * 9),
        *(
            {"__metadata__": notes, "a": {**entry, "dtype": kind}}
            for kind in ("BF16", "F8_E4M3", "F64", "C64", "BOOL", "I64", "", "X")
        ),
        *({"__metadata__": notes, "a": {**entry, "shape": shape}} for shape in ([], [3], [-2], [2**62, 4], [2.0], "2", None)),
        *(
            {"__metadata__": notes, "a": {**entry, "data_offsets": ends}}
            for ends in ([0, 4], [8, 0], [0, 2**63], [-8, 0], [4, 12], [0], None)
        ),
        {"__metadata__": notes, "a": entry, "b": entry},
        {"__metadata__": notes, "a": None},
        {"__metadata__": notes},
        {"a": entry},
    ]
    for header in wrong:
        forged(path, header, b"\0" * 8)
        refused(lambda: read_stored(path))
    for length in (0, 1, 2**31, 2**63, 2**64 - 1):
        path.write_bytes(struct.pack("<Q", length) + b"{}")
        refused(lambda: read_stored(path))


def test_int8_rows_whose_steps_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A file with a digest that is right, whose tensors cannot be put together."""
    from safetensors.numpy import save_file

    card = json.dumps(asdict(Card("parts", {"name": "parts:tiny"}, 1)))
    for tensors in (
        {"a": np.ones((3, 4), np.int8), "a|step": np.ones(2, np.float32)},
        {"a": np.ones((3, 4), np.int8), "a|step": np.ones((3, 4), np.float32)},
        {"a": np.ones((3, 4), np.float32), "a|step": np.ones(3, np.float32)},
        {"a|step": np.ones(3, np.float32)},
    ):
        save_file(tensors, tmp_path / "weights.safetensors", {KEY: card, DIGEST: fingerprint(tensors)})
        refused(lambda: restored(read_stored(tmp_path / "weights.safetensors")[1]))


def test_places_that_hold_no_weights(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "text").write_text("no weights")
    places = [tmp_path / "folder.safetensors", tmp_path / "none", tmp_path / "text", tmp_path / "text" / "below", tmp_path]
    for place in [*places, Path(os.devnull)]:
        refused(lambda place=place: systems.load(place))


def test_a_command_with_damaged_weights_writes_nothing(
    likeness: Callable[..., int], samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (assets.WEIGHTS / "parts" / "weights.safetensors").read_bytes()
    folder = tmp_path / "run"
    folder.mkdir()
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:8] + b"x" + whole[9:], b""):
        (folder / "weights.safetensors").write_bytes(content)
        assert likeness("parts", samples[0], "--weights", folder, "-o", "out.png", "--json") == 2
        assert likeness("export", folder) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 2 and all(line.startswith("likeness: ") and str(folder) in line for line in lines)
        assert [path.name for path in tmp_path.rglob("*")] == ["run", "weights.safetensors"]


# graphs


def test_damaged_graphs_are_refused(opened: Path) -> None:
    """Any bit that is turned is noticed, also where what is left would still be a graph."""
    weights, (path,) = opened / "weights.safetensors", opened.glob("*.onnx")
    whole = path.read_bytes()
    for content in [*flips(whole, 250, 5), *cuts(whole, 30, 6), whole[::-1], b"\0" * 100, whole + whole]:
        path.write_bytes(content)
        assert str(path) in refused(lambda: open_weights(weights))
    path.write_bytes(whole)
    assert open_weights(weights).engine == "onnx"


def test_graphs_of_other_systems_and_other_weights_are_refused(opened: Path) -> None:
    weights, (path,) = opened / "weights.safetensors", opened.glob("*.onnx")
    for other in sorted(assets.WEIGHTS.glob("*/*.onnx")):
        if other.parent.name != SYSTEM:
            shutil.copy(other, path)
            assert str(path) in refused(lambda: open_weights(weights))
    shutil.copy(assets.WEIGHTS / SYSTEM / path.name, path)
    card, stored, _ = read_stored(weights)
    name = next(name for name, value in stored.items() if value.dtype == np.float16)
    stored[name] = stored[name] * np.float16(1.5)
    from safetensors.numpy import save_file

    save_file(stored, weights, {KEY: json.dumps(asdict(card)), DIGEST: fingerprint(stored)})
    assert "belongs to other weights" in refused(lambda: open_weights(weights))


@pytest.fixture
def forge(opened: Path) -> Callable[..., Path]:
    """Write a small graph over one float32 tensor, with metadata that are right, and sealed."""
    onnx = pytest.importorskip("onnx")
    digest = read_stored(opened / "weights.safetensors")[2]
    ports = {"inputs": [{"name": "x", "shape": ["batch"]}], "outputs": [{"name": "y", "shape": ["n"]}]}

    def write(
        location: str, offset: Any = 0, length: Any = 16, dims: tuple[int, ...] = (4,), operator: str = "Mul", told: Any = ports
    ) -> Path:
        tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=dims)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)
        x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch"])
        y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n"])
        nodes = [onnx.helper.make_node(operator, ["x", "w"], ["y"])]
        graph = onnx.helper.make_graph(nodes, "forged", [x], [y], [tensor])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
        notes = {WEIGHTS_KEY: digest, PORTS_KEY: told if isinstance(told, str) else json.dumps(told), GRAPH_KEY: UNSEALED}
        onnx.helper.set_model_props(model, notes)
        for old in opened.glob("*.onnx"):
            old.unlink()
        (opened / "forged.onnx").write_bytes(sealed(model.SerializeToString()))
        return opened / "weights.safetensors"

    return write


def test_a_graph_reads_no_file_outside_its_folder(forge: Callable[..., Path], opened: Path) -> None:
    """Neither by a path upwards, nor by an absolute one, nor through a link; and no memory of the process."""
    secret = opened.parent / "secret.bin"
    secret.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    shutil.copy(secret, opened / "own.bin")
    weights = forge("own.bin")
    graph = open_weights(weights).graphs["forged"]
    assert graph(x=np.ones(1))["y"].tolist() == [0, 1, 2, 3]  # the same graph within the folder
    places = ["../secret.bin", str(secret), f"../{SYSTEM}/../secret.bin", "./../secret.bin", "sub/../../secret.bin"]
    places += ["/etc/hostname", "/proc/self/environ", "*/_ORT_MEM_ADDR_/*", "", "none.bin", "."]
    if hasattr(os, "symlink"):
        (opened / "link.bin").symlink_to(secret)
        (opened / "up").symlink_to(opened.parent)
        places += ["link.bin", "up/secret.bin"]
    for place in places:
        assert "forged.onnx: is not a graph of likeness" in refused(lambda place=place: open_weights(forge(place)))


def test_tensors_at_odd_places_are_refused_or_stay_within_the_file(forge: Callable[..., Path], opened: Path) -> None:
    (opened / "own.bin").write_bytes(np.arange(8, dtype=np.float32).tobytes())
    for offset in (17, 20, 32, 33, 1 << 31, 1 << 40, (1 << 63) - 8, -4, -(1 << 40), "x", "", "1e3", "99999999999999999999999"):
        refused(lambda offset=offset: open_weights(forge("own.bin", offset)))
    for length, dims in ((12, (4,)), (-16, (4,)), (16, (5,)), (16, (1 << 40,)), (1 << 42, (1 << 40,)), ("x", (4,))):
        refused(lambda length=length, dims=dims: open_weights(forge("own.bin", 0, length, dims)))
    for offset in range(1, 17):  # not aligned, but within
        y = open_weights(forge("own.bin", offset)).graphs["forged"](x=np.ones(1))["y"]
        assert y.tobytes() == (opened / "own.bin").read_bytes()[offset : offset + 16]


def test_graphs_that_are_not_what_they_say(forge: Callable[..., Path], opened: Path) -> None:
    (opened / "own.bin").write_bytes(np.arange(8, dtype=np.float32).tobytes())
    inputs, outputs = [{"name": "x", "shape": ["batch"]}], [{"name": "y", "shape": ["n"]}]
    for told in (
        *("", "{", "null", "[]", "3", '"x"'),
        *({}, {"inputs": inputs}, {"inputs": [], "outputs": outputs}, {"inputs": inputs * 2, "outputs": outputs}),
        {"inputs": [{"name": "z", "shape": ["batch"]}], "outputs": outputs},
        {"inputs": [{"name": "x", "shape": ["batch", 3]}], "outputs": outputs},
        {"inputs": [{"name": "x"}], "outputs": outputs},
        {"inputs": [{"name": "x", "shape": ["batch"], "odd": 1}], "outputs": outputs},
        {"inputs": [{"name": "x", "shape": 3}], "outputs": outputs},
        {"inputs": inputs, "outputs": [{"name": "x", "shape": ["batch"]}]},
    ):
        refused(lambda told=told: open_weights(forge("own.bin", told=told)))
    refused(lambda: open_weights(forge("own.bin", operator="NoSuchOperator")))
    graph = open_weights(forge("own.bin")).graphs["forged"]
    for wrong in ({}, {"z": np.ones(1)}, {"x": np.ones((1, 2))}, {"x": np.ones(1), "z": np.ones(1)}):
        refused(lambda wrong=wrong: graph(**wrong))
    assert "cannot be run" in refused(lambda: graph(x=np.ones(3)))  # 3 and 4 do not broadcast


def test_a_graph_without_its_weights_is_refused(tmp_path: Path) -> None:
    shutil.copy(next((assets.WEIGHTS / SYSTEM).glob("*.onnx")), tmp_path)
    assert "no such weights file" in refused(lambda: open_weights(tmp_path / "weights.safetensors"))


# prepared files


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four drawn faces with pairs as ``likeness prepare`` writes them."""
    pytest.importorskip("pyarrow")
    from likeness.data.store import FaceStore

    framing = Framing(32)
    store = FaceStore.of(drawn_faces(4, framing, paired=True), framing, "drawn", "labels")
    return store.write(tmp_path_factory.mktemp("prepared") / "faces.parquet")


def faces_of(path: Path) -> list[Any]:
    from likeness.data.store import FaceStore

    store = FaceStore(path)
    store.fingerprint()
    return list(store)


def equal(one: Any, other: Any) -> bool:
    return (one.name, one.person, one.split) == (other.name, other.person, other.split) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("image", "landmarks", "pair")
    )


def test_damaged_prepared_files_are_refused_or_whole(prepared: Path, tmp_path: Path) -> None:
    """No other exception; and where a turned bit is not noticed (a statistic, a file's version), the faces are what they were."""
    whole, before = prepared.read_bytes(), faces_of(prepared)
    length = int.from_bytes(whole[-8:-4], "little")
    path = tmp_path / "faces.parquet"
    told = 0
    tries = [*flips(whole, 120, 7), *flips(whole, 160, 8, len(whole) - length - 8), *flips(whole, 20, 9, len(whole) - 8)]
    for content in tries:
        path.write_bytes(content)
        try:
            after = faces_of(path)
        except LikenessError as line:
            assert "\n" not in str(line) and str(path) in str(line)
            told += 1
        else:
            assert len(after) == len(before) and all(map(equal, after, before))
    assert told > len(tries) // 3
    for content in cuts(whole, 40, 10):
        path.write_bytes(content)
        if content[-8:] == whole[-8:]:
            continue  # its first byte only is missing: the places in the footer are off by one
        assert str(path) in refused(lambda: faces_of(path))


def test_tables_that_prepare_did_not_write_are_refused(prepared: Path, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = pq.read_table(prepared)
    path = tmp_path / "other.parquet"
    notes = json.loads(table.schema.metadata[b"likeness"])

    def with_notes(value: Any) -> Any:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return table.replace_schema_metadata({b"likeness": text})

    framing = notes["framing"]
    bad = [with_notes(value) for value in (b"", b"{", b"\xff", [], None, 3, {}, {"framing": None}, {"framing": []})]
    bad += [with_notes({"framing": {**framing, name: value}}) for name in framing for value in ("x", None, True, [1])]
    bad += [with_notes({"framing": {**framing, "odd": 1}}), table.replace_schema_metadata(None)]
    bad += [table.drop_columns([name]) for name in table.column_names if name not in ("missing", "pair", "maps")]
    for name in table.column_names:
        place = table.column_names.index(name)
        bad.append(table.set_column(place, name, pa.array([1] * len(table))))
        bad.append(table.set_column(place, name, pa.array([b"\xff\xfe"] * len(table))))
    for wrong in bad:
        pq.write_table(wrong, path)
        assert str(path) in refused(lambda: faces_of(path))
    empty = {"bytes": b"", "path": ""}
    for cell in (empty, {"bytes": b"RIFF\x04\0\0\0WEBP", "path": ""}, {"bytes": None, "path": None}, None):
        place = table.column_names.index("image")
        pictures = pa.array([cell] * len(table), table.schema.field("image").type)
        pq.write_table(table.set_column(place, table.schema.field("image"), pictures), path)
        refused(lambda: faces_of(path))
    place = table.column_names.index("landmarks")
    for numbers in ([], [1.0] * 135, [1.0] * 137):
        column = pa.array([numbers] * len(table), table.schema.field("landmarks").type)
        pq.write_table(table.set_column(place, table.schema.field("landmarks"), column), path)
        refused(lambda: faces_of(path))


def test_a_training_on_a_damaged_file_writes_nothing(
    likeness: Callable[..., int], prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faces.parquet"
    whole = prepared.read_bytes()
    for content in (whole[:-9], whole[:100], b"", whole[: len(whole) // 2] + b"\0" * 64 + whole[len(whole) // 2 + 64 :]):
        path.write_bytes(content)
        assert likeness("train", "parts:tiny", "--data", path, "-o", "run") == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("likeness: ") and str(path) in line
        assert [found.name for found in tmp_path.iterdir()] == ["faces.parquet"]
