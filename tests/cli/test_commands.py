"""The real commands on real files: what they make, what they refuse, and what they leave behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from likeness import assets, provenance
from likeness.card import Card
from likeness.checkpoint import write_weights
from likeness.image import read

Run = Callable[..., int]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_parts_of_one_photo(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    assert likeness("parts", samples[0], "--json") == 0
    name = f"{samples[0].stem}-parts"
    assert files(tmp_path) == [f"{name}.json", f"{name}.png"]
    face = read(tmp_path / f"{name}.png")
    assert face.shape == (128, 128, 3)
    assert face.std() > 20
    said = json.loads((tmp_path / f"{name}.json").read_text())
    assert said["parts"] == ["left_eye", "right_eye", "nose", "mouth"]
    assert said["engine"] == "int8" and said["recipe"].startswith("parts:")
    mark = provenance.read(tmp_path / f"{name}.png")
    assert mark is not None and mark.trained and mark.software.startswith("likeness parts 0.")
    assert likeness("parts", samples[0], "-o", "again.jpg") == 0
    assert likeness("parts", samples[1], "-o", "other.png") == 0
    assert np.abs(read(tmp_path / "again.jpg").astype(int) - face).mean() < 4
    assert np.abs(read(tmp_path / "other.png").astype(int) - face).mean() > 8  # different people, different faces


def test_mixed_parts(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    """Each given part changes the face where it lies, and a PHOTO's part is replaced by a named one."""
    a, b, c, d = samples[:4]
    assert likeness("parts", "--eyes", a, "--nose", b, "--mouth", c, "--jaw", d, "-o", "mix.png", "--json") == 0
    assert json.loads((tmp_path / "mix.json").read_text())["conditions"]["jaw"] == str(d)
    assert likeness("parts", a, "-o", "own.png") == 0
    assert likeness("parts", a, "--mouth", c, "-o", "mouth.png") == 0
    own, mouth = read(tmp_path / "own.png").astype(int), read(tmp_path / "mouth.png").astype(int)
    change = np.abs(own - mouth).mean(-1)
    assert change[85:110, 45:85].mean() > 2 * change[:40].mean()
    assert likeness("parts", a, "--only", "eyes", "-o", "eyes.png") == 0
    assert np.abs(read(tmp_path / "eyes.png").astype(int) - own).mean() > 2


def test_loose_patch(likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cut-out mouth without a face is taken as a mouth, and makes nearly the face that the full photo makes."""
    from likeness import systems
    from likeness.faces import parts

    patch = systems.load("parts").donor(samples[1], "mouth").patches["mouth"]  # type: ignore[attr-defined]
    rows, columns = np.flatnonzero(patch.mask.any(1)), np.flatnonzero(patch.mask.any(0))
    clear = np.dstack([patch.image, patch.mask.astype(np.uint8) * 255])[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    Pillow.fromarray(clear).save(tmp_path / "lips.png")
    assert parts.NAMES
    assert likeness("parts", samples[0], "--mouth", "lips.png", "-o", "loose.png") == 0
    assert "no face in lips.png: taken as a loose picture of the mouth" in capsys.readouterr().err
    assert likeness("parts", samples[0], "--mouth", samples[1], "-o", "full.png") == 0
    assert likeness("parts", samples[0], "-o", "own.png") == 0
    loose, full, own = (read(tmp_path / f"{name}.png").astype(int) for name in ("loose", "full", "own"))
    assert np.abs(loose - full).mean() < np.abs(own - full).mean()


def test_paste_and_sheet(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    big = np.full((500, 700, 3), 60, np.uint8)
    big[100:356, 300:556] = read(samples[0])
    Pillow.fromarray(big).save(tmp_path / "photo.png")
    assert likeness("parts", "photo.png", "--paste", "-o", "pasted.png") == 0
    pasted = read(tmp_path / "pasted.png")
    assert pasted.shape == big.shape
    assert (pasted[:, :200] == 60).all()
    assert (pasted[150:300, 350:500] != big[150:300, 350:500]).mean() > 0.5
    assert likeness("parts", "photo.png", "--sheet", "-o", "sheet.png") == 0
    assert read(tmp_path / "sheet.png").shape[1] > 3 * 256


def test_part_flags_are_the_tables_names() -> None:
    from likeness.cli.options import PART_FLAGS
    from likeness.faces.inspection import COLOURS
    from likeness.faces.parts import ALIASES, NAMES

    assert set(PART_FLAGS) == set(ALIASES)
    assert set(COLOURS) == set(NAMES)


def test_all_faces(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    both = np.concatenate([read(samples[0]), read(samples[1])], 1)
    Pillow.fromarray(both).save(tmp_path / "both.png")
    assert likeness("parts", "both.png", "--all", "-o", "out.png") == 0
    assert files(tmp_path) == ["both.png", "out-1.png", "out-2.png"]
    assert likeness("parts", "both.png", "--face", "2", "-o", "second.png", "--json") == 0
    assert json.loads((tmp_path / "second.json").read_text())["face"] == 2
    assert likeness("parts", "both.png", "--face", "0", "-o", "x.png") == 2
    np.testing.assert_array_equal(read(tmp_path / "second.png"), read(tmp_path / "out-2.png"))


def test_a_folder_in_a_folder_out(likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What fails is told and the rest is made; nothing at all is exit code 2."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    shutil.copy(samples[0], tmp_path / "in" / "a.png")
    shutil.copy(samples[1], tmp_path / "in" / "sub" / "b.png")
    (tmp_path / "in" / "bad.jpg").write_text("text")
    assert likeness("parts", "in", "-o", "out") == 0
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png")) == ["a.png", "sub/b.png"]
    assert "1 of 3 pictures were skipped" in capsys.readouterr().err
    (tmp_path / "in" / "a.png").unlink()
    shutil.rmtree(tmp_path / "in" / "sub")
    shutil.copy(samples[0], tmp_path / "in" / "a.png")
    before = (tmp_path / "in" / "a.png").read_bytes()
    for output in ("in", "in/deeper", "out.png"):  # nothing of the user's is overwritten
        assert likeness("parts", "in", "-o", output) == 2
    assert (tmp_path / "in" / "a.png").read_bytes() == before
    (tmp_path / "in" / "a.png").unlink()
    assert likeness("parts", "in", "-o", "none") == 2
    assert not (tmp_path / "none").exists()


def test_swap(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    assert likeness("swap", samples[0], "--mouth", *samples[1:4], "--each", "faces", "-o", "row.png", "--json") == 0
    assert read(tmp_path / "row.png").shape[1] > 4 * 128
    first = f"{samples[0].stem}-reconstruction.png"
    assert len(files(tmp_path / "faces")) == 4
    assert likeness("parts", samples[0], "-o", "own.png") == 0
    apart = read(tmp_path / "faces" / first).astype(int) - read(tmp_path / "own.png")
    assert np.abs(apart).max() <= 1  # the reconstruction is first; a batch may round otherwise than one face alone
    assert likeness("swap", samples[0], "--jaw", samples[1], "-o", "jaw.png") == 0
    assert likeness("swap", samples[0], "-o", "x.png") == 2
    assert likeness("swap", samples[0], "--mouth", samples[1], "--nose", samples[1], "-o", "x.png") == 2
    assert not (tmp_path / "x.png").exists()


def test_matrix(likeness: Run, samples: list[Path], tmp_path: Path) -> None:
    assert likeness("matrix", *samples[:3], "--random", "4", "--seed", "5", "--each", "faces", "-o", "m.png", "--json") == 0
    said = json.loads((tmp_path / "m.json").read_text())
    assert len(said["faces"]) == 4
    assert all(len(set(mix.values())) > 1 for mix in said["faces"])
    assert len(files(tmp_path / "faces")) == 4
    assert likeness("matrix", *samples[:3], "--random", "4", "--seed", "5", "-o", "same.png") == 0
    np.testing.assert_array_equal(read(tmp_path / "m.png"), read(tmp_path / "same.png"))
    assert likeness("matrix", *samples[:3], "--random", "4", "--seed", "6", "-o", "other.png") == 0
    assert (read(tmp_path / "m.png") != read(tmp_path / "other.png")).any()
    assert likeness("matrix", *samples[:2], "--every", "--each", "every", "-o", "e.png") == 0
    assert len(files(tmp_path / "every")) == 2**3 - 2
    assert likeness("matrix", samples[0], "-o", "x.png") == 2


def test_inspect_and_verify(likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert likeness("inspect", samples[0], "-o", "i.png", "--json") == 0
    assert len(json.loads((tmp_path / "i.json").read_text())["faces"][0]["landmarks"]) == 68
    Pillow.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "plain.png")
    capsys.readouterr()
    assert likeness("verify", samples[0]) == 0
    assert "compositeWithTrainedAlgorithmicMedia, by likeness parts" in capsys.readouterr().out
    assert likeness("verify", samples[0], "plain.png") == 1
    assert likeness("verify", "missing.png") == 2


def test_prepare_train_and_use(likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a folder of photos to one's own weights and a face from them, by the commands that each command prints next."""
    for i, path in enumerate(samples[:4]):
        (tmp_path / "album" / f"p{i}").mkdir(parents=True)
        shutil.copy(path, tmp_path / "album" / f"p{i}" / "1.png")
    assert likeness("prepare", "album", "-o", "faces.parquet", "--size", "64", "--processes", "1") == 0
    assert "next: likeness train parts:lite --data faces.parquet" in capsys.readouterr().out
    assert likeness("train", "parts:tiny", "--data", "faces.parquet", "-o", "run", "--set", "training.batch=2") == 0
    assert likeness("parts", samples[0], "--weights", "run", "-o", "face.png") == 0
    assert read(tmp_path / "face.png").shape == (64, 64, 3)
    capsys.readouterr()
    assert likeness("systems", "run") == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["training"]["batch"] == 2
    assert likeness("train", "parts:tiny", "--data", "faces.parquet", "-o", "run") == 2
    assert "training.batch: 2 → 4" in capsys.readouterr().err
    assert likeness("train", "parts:lite", "--data", "faces.parquet", "-o", "other", "--steps", "1") == 2
    assert "framed" in capsys.readouterr().err


BAD = {
    "a truncated JPEG": ("cut.jpg", "cut off"),
    "a text named .png": ("text.png", "not a picture"),
    "no face": ("wall.png", "no face was found"),
    "one pixel": ("dot.png", "only 1×1"),
    "12,000 × 12,000": ("huge.png", "144.0 megapixels"),
    "nothing": ("missing.png", "no such file"),
}


@pytest.fixture
def bad(tmp_path: Path, samples: list[Path]) -> Path:
    folder = tmp_path / "bad"
    folder.mkdir()
    Pillow.open(samples[0]).convert("RGB").save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.jpg").unlink()
    (folder / "text.png").write_text("not a picture at all")
    Pillow.new("RGB", (300, 300), (90, 120, 80)).save(folder / "wall.png")
    Pillow.new("RGB", (1, 1)).save(folder / "dot.png")
    Pillow.new("1", (12000, 12000)).save(folder / "huge.png")
    return folder


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command", ["parts", "swap", "matrix", "inspect"])
def test_bad_pictures(
    case: str, command: str, bad: Path, likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, said = BAD[case]
    more = {"swap": ["--mouth", samples[1]], "matrix": [samples[1]]}.get(command, [])
    assert likeness(command, bad / file, *more, "-o", "out.png") == 2
    error = capsys.readouterr().err
    assert said in error
    assert file in error
    assert error.count("\n") == 1
    assert files(tmp_path) == ["bad"]


def test_bad_weights(likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (assets.WEIGHTS / "parts" / "weights.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.safetensors").write_text("no weights")
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    write_weights(tmp_path / "other.safetensors", {"x": torch.zeros(2)}, Card("isegan", {"name": "isegan:lite"}, 1))
    from likeness import systems
    from likeness.recipe import freeze

    frozen = freeze(systems.recipe("parts:lite"))
    write_weights(tmp_path / "unfit.safetensors", {"x": torch.zeros(2)}, Card("parts", frozen, 1))
    shrunk = systems.row("parts").build(systems.recipe("parts:tiny")).shipped_state()
    write_weights(tmp_path / "narrow.safetensors", shrunk, Card("parts", frozen, 1))
    middle = len(good) // 2
    (tmp_path / "flipped.safetensors").write_bytes(good[:middle] + b"\xff" * 4000 + good[middle + 4000 :])
    write_weights(tmp_path / "bare.safetensors", {"x": torch.zeros(2)}, Card("parts", {}, 1))
    before = files(tmp_path)
    for name, said in {
        "flipped": "not those that were written",
        "bare": "lacks 'name'",
        "cut": "damaged",
        "text": "damaged",
        "foreign": "header is missing",
        "other": "holds weights of 'isegan', which does not make faces from parts",
        "unfit": "do not fit its recipe",
        "narrow": "do not fit its recipe",
        "missing": "no such weights file",
    }.items():
        assert likeness("parts", samples[0], "--weights", f"{name}.safetensors", "-o", "out.png") == 2, name
        error = capsys.readouterr().err
        assert said in error, error
        assert error.count("\n") == 1
    assert files(tmp_path) == before


def test_outputs_that_cannot_be_written(
    likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    for output in ("file/out.png", "out.gif", "out"):
        assert likeness("parts", samples[0], "-o", output) == 2
        assert capsys.readouterr().err.count("\n") == 1
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        assert likeness("parts", samples[0], "-o", "locked/out.png") == 2
        (tmp_path / "locked").rmdir()
    assert files(tmp_path) == ["file"]


def test_a_full_disk(samples: list[Path], tmp_path: Path) -> None:
    """A file-size limit stands in for a full disk: one line, exit code 2, nothing left."""
    code = (
        "import resource, signal, sys\n"
        "from likeness.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"sys.exit(main(['parts', {str(samples[0])!r}, '-o', 'out.png']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ["parts"],
        ["parts", "a.png", "--all", "--face", "2"],
        ["parts", "--only", "eyes", "--nose", "a.png"],
        ["parts", "--nose", "missing.png"],
        ["train", "parts:tiny", "-o", "x", "--from", "nowhere"],
        ["parts", "--mouth", "a.png", "--paste"],
        ["matrix", "a.png", "b.png", "--every", "--random", "3"],
        ["matrix", "a.png", "b.png", "--random", "0"],
        ["train", "parts:lite", "-o", "x"],
        ["train", "parts:tiny", "-o", "x", "--minutes", "0"],
        ["train", "parts:tiny", "-o", "x", "--device", "cuda:7"],
        ["train", "nothing", "-o", "x"],
        ["prepare", "nowhere", "-o", "x.parquet"],
        ["prepare", "nowhere", "-o", "x.parquet", "--size", "3"],
        ["evaluate", "parts", "--data", "nowhere.parquet"],
        ["systems", "nowhere.safetensors"],
    ],
    ids=" ".join,
)
def test_mistakes(words: list[str], likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert likeness(*words) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert files(tmp_path) == []


def test_demo(likeness: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert likeness("demo", "-o", "demo") == 0
    assert files(tmp_path / "demo") == [
        "contact-sheet.png", "isegan.png", "landmark.png", "many.png", "matrix.png", "mix.png", "parse.png", "parts.png",
        *(f"portrait{n}.png" for n in ("-1", "-2", "-3", "")), *(f"sketch-{n}.png" for n in (1, 2, 3)),
        *(f"sketch-photo-{n}.png" for n in (1, 2, 3)), "somebody.png", "swap.png", "tries.png",
    ]  # fmt: skip
    said = capsys.readouterr().out
    assert str(tmp_path / "demo" / "contact-sheet.png") in said
    assert "likeness parts PHOTO.jpg" in said
    assert read(tmp_path / "demo" / "contact-sheet.png").std() > 20


def test_library_use(samples: list[Path], tmp_path: Path) -> None:
    """The lines of docs/quickstart.md: paths, PIL pictures and arrays give the same face."""
    import likeness

    parts = likeness.load("parts")
    face = parts(photo=samples[0], mouth=samples[1])
    with Pillow.open(samples[0]) as photo:
        same = parts(photo=photo, mouth=read(samples[1]))
    np.testing.assert_array_equal(face.picture, same.picture)
    assert set(face.intermediates) == {"photo", "parts"}
    assert face.made["conditions"] == {"photo": str(samples[0]), "mouth": str(samples[1])}
    assert same.made["conditions"]["mouth"] == "ndarray"
    mark = provenance.read(face.save(tmp_path / "face.png"))
    assert mark is not None and mark.trained
    assert face.pasted().picture.shape == read(samples[0]).shape
    with pytest.raises(likeness.LikenessError, match="there is no photo"):
        parts(mouth=samples[1]).pasted()
    with pytest.raises(likeness.LikenessError, match="no part"):
        parts()
    with pytest.raises(likeness.LikenessError, match="did you mean 'mouth'"):
        parts(mout=samples[1])
    with pytest.raises(likeness.LikenessError, match="uint8 array"):
        parts(photo=np.zeros((5, 5)))
    with pytest.raises(AttributeError):
        likeness.nothing  # noqa: B018


def test_batches_do_not_matter(samples: list[Path]) -> None:
    """A face is the same whether it is made alone or among others: no hidden chance."""
    from likeness import systems

    system = systems.load("parts")
    requests = [system.prepare({"photo": path}) for path in samples[:3]]
    together = np.stack([result.picture for result in system.make(requests)]).astype(int)
    alone = np.stack([system.make([one])[0].picture for one in requests]).astype(int)
    assert np.abs(together - alone).max() <= 1
