"""``evaluate`` on two folders, and ``compare`` on two results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from likeness.image import read

Run = Callable[..., int]


@pytest.fixture
def folders(tmp_path: Path, samples: list[Path]) -> Path:
    """Real pictures, a good copy and a bad one."""
    chance = np.random.default_rng(0)
    for name, amount in {"real": 0, "good": 5, "bad": 50}.items():
        (tmp_path / name).mkdir()
        for path in samples[:5]:
            picture = np.clip(read(path) + chance.normal(0, amount, (256, 256, 3)) * (amount > 0), 0, 255).astype(np.uint8)
            Pillow.fromarray(picture).save(tmp_path / name / f"{path.stem}{'.png' if name == 'real' else '.webp'}", lossless=True)
    return tmp_path


def test_two_folders(folders: Path, instruments: Path, likeness: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("real", "good", "bad"):
        assert likeness("evaluate", "folders", "--real", "real", "--fake", name, "-o", f"{name}.json") == 0
    same, good, bad = (json.loads((folders / f"{name}.json").read_text()) for name in ("real", "good", "bad"))
    each = {name: said["lines"][0]["each"] for name, said in (("same", same), ("good", good), ("bad", bad))}
    assert each["same"]["ssim"] == pytest.approx([1] * 5, abs=1e-3)
    assert each["same"]["lpips_squeeze"] == [0] * 5
    assert each["same"]["identity"] == pytest.approx([1] * 5, abs=1e-4)
    assert same["lines"][0]["frechet_squeezenet"] == pytest.approx(0, abs=1e-2)
    for metric, sign in {"psnr": 1, "ssim": 1, "fsim": 1, "lpips_squeeze": -1, "identity": 1, "dlib_distance": -1}.items():
        assert sign * np.mean(each["good"][metric]) > sign * np.mean(each["bad"][metric])
    assert good["faces"] == 5
    assert good["undetected"] == {"real": 0, "fake": 0}
    assert len(good["instruments"]["lpips_heads"]) == 12
    capsys.readouterr()
    assert likeness("compare", "good.json", "bad.json") == 0
    said = capsys.readouterr().out
    assert "5 faces" in said
    rows = {line.split("│")[1].strip(): line.split("│")[-2].strip() for line in said.splitlines() if line.count("│") > 5}
    assert set(rows.values()) == {"A"}
    assert likeness("compare", "good.json", "good.json") == 0
    assert "not clear" in capsys.readouterr().out


def test_as_sets(folders: Path, instruments: Path, likeness: Run) -> None:
    (folders / "good" / "ada.webp").unlink()
    assert likeness("evaluate", "folders", "--real", "real", "--fake", "good", "--unpaired", "-o", "a.json") == 0
    said = json.loads((folders / "a.json").read_text())
    (line,) = said["lines"]
    assert line["each"] == {} and said["names"] == []
    assert set(line) - {"title", "method", "count", "each"} == {
        "frechet_squeezenet",
        "kernel_squeezenet",
        "frechet_mobilefacenet_b",
        "frechet_efficientnet_lite0",
        "kernel_efficientnet_lite0",
    }


def test_a_failed_detection_counts(folders: Path, instruments: Path, likeness: Run) -> None:
    Pillow.new("RGB", (256, 256), (90, 90, 90)).save(folders / "good" / "ada.webp")
    assert likeness("evaluate", "folders", "--real", "real", "--fake", "good", "-o", "a.json") == 0
    said = json.loads((folders / "a.json").read_text())
    assert said["undetected"] == {"real": 0, "fake": 1}
    assert said["lines"][0]["each"]["identity"][said["names"].index("ada")] == 0


def test_mistakes(folders: Path, likeness: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "a.json").write_text("{}")
    (folders / "b.json").write_text(json.dumps({"names": ["x"], "lines": [{"method": "m", "each": {"psnr": [1.0]}}]}))
    (folders / "c.json").write_text(json.dumps({"names": ["y"], "lines": [{"method": "m", "each": {"psnr": [1.0]}}]}))
    Pillow.new("RGB", (64, 64)).save(folders / "bad" / "zoe.webp")
    for words, said in {
        ("evaluate", "--real", "real", "--fake", "good"): "is now: likeness evaluate folders",
        ("evaluate", "folders", "--real", "real"): "--fake DIR is needed",
        ("evaluate", "folders", "--real", "real", "--fake", "bad"): "zoe has no picture",
        ("evaluate", "folders", "--real", "real", "--fake", "nowhere"): "no such folder",
        ("compare", "a.json", "b.json"): "not a result",
        ("compare", "b.json", "c.json"): "same faces",
        ("compare", "b.json", "none.json"): "no such file",
    }.items():
        assert likeness(*words) == 2
        assert said in capsys.readouterr().err.splitlines()[-1]
