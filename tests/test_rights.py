"""Rights are said once and truly: on cards, in files, in the wheel's metadata, and by the command."""

from __future__ import annotations

import csv
import json
import re
import runpy
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from likeness import assets, cli
from likeness.card import DIGEST, KEY, LICENCE, Card, header, read_card
from likeness.checkpoint import ALIGNMENT, _padded
from likeness.engine import open_weights

ROOT = Path(__file__).parents[1]


def test_weights_do_not_claim_the_codes_licence() -> None:
    assert Card("parts", {}, 0).licence == LICENCE == "non-commercial research"


def test_licence_files_come_with_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license-files"] == ["LICENSE", "LICENSE-WEIGHTS"]
    assert project["license"] == "Apache-2.0 AND LicenseRef-likeness-weights"
    weights = (ROOT / "LICENSE-WEIGHTS").read_text()
    assert LICENCE in weights.splitlines()[0]
    for data in ("LFW", "CelebAMask-HQ", "CUFS", "YouTube Faces"):
        assert data in weights and data in (ROOT / "README.md").read_text()
    terms = (ROOT / "README.md").read_text().split("## Terms")[1]
    assert LICENCE in terms and "LICENSE-WEIGHTS" in terms and "Code and weights: Apache" not in terms


@pytest.mark.parametrize("call", [["--card", "parser"], ["parser"]])
def test_the_card_is_printed(call: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["systems", *call]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["system"] == "parser" and said["licence"] and said["terms"]


def test_two_cards_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["systems", "parser", "--card", "parts"]) == 2
    assert capsys.readouterr().err == "likeness: parser: one card at a time; leave it out, or leave out --card\n"


def test_relicensing_changes_the_card_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a copy of what ships, with a card that says Apache and a field's old name: tensors, hash and pictures stay."""
    folder = tmp_path / "face_detector"
    shutil.copytree(assets.WEIGHTS / "face_detector", folder)
    path = folder / "weights.safetensors"
    _say(path, licence="Apache-2.0", notes="a note of another length, so that tensors move" + "." * 300)
    before, tensors = read_card(path), load_file(path)
    relicense(path)
    after = read_card(path)
    assert (before.licence, after.licence) == ("Apache-2.0", LICENCE)
    assert (after.system, after.step, after.notes, after.scores) == (before.system, before.step, before.notes, before.scores)
    content, shipped = path.read_bytes(), assets.WEIGHTS / "face_detector" / "weights.safetensors"
    assert (8 + int.from_bytes(content[:8], "little")) % ALIGNMENT == 0
    assert header(path)[DIGEST] == header(shipped)[DIGEST]
    for name, value in load_file(path).items():
        np.testing.assert_array_equal(value, tensors[name])
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, 3, 96, 96)).astype(np.float32)
    made = [open_weights(where, engine="onnx").graphs["detector"](picture=pictures) for where in (shipped, path)]
    for name, value in made[0].items():
        np.testing.assert_array_equal(made[1][name], value)
    capsys.readouterr()
    relicense(path)
    assert "nothing to change" in capsys.readouterr().out and path.read_bytes() == content


def relicense(path: Path) -> None:
    """``python tools/relicense.py FILE``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["relicense.py", str(path)])
        runpy.run_path(str(ROOT / "tools" / "relicense.py"), run_name="__main__")


def _say(path: Path, **more: str) -> None:
    """Write other things onto a card, as an earlier version may have."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    entries["__metadata__"][KEY] = json.dumps(json.loads(entries["__metadata__"][KEY]) | more)
    new = json.dumps(entries).encode()
    path.write_bytes(_padded(len(new).to_bytes(8, "little") + new + content[8 + length :]))


def test_the_page_on_limits_has_the_tables_numbers() -> None:
    """docs/ethics.md speaks of who is served worse in numbers of results/parts_lfw_first_groups.csv, and of the other three."""
    text = (ROOT / "docs" / "ethics.md").read_text()
    for heading in ("Consent", "Misuse", "Who is served worse", "What provenance cannot do"):
        assert re.search(rf"^## {heading}", text, re.M)
    with (ROOT / "results" / "parts_lfw_first_groups.csv").open(encoding="utf-8") as file:
        ours = {row["group"]: row for row in csv.DictReader(file) if row["method"] == "ours"}
    prose = text.split("<!-- end -->")[1]
    for group in ("light", "intermediate", "tan", "brown", "dark", "sharp", "soft"):
        assert ours[group]["psnr"] in prose, group
    for group in ("light", "under 15°", "15° to 30°", "over 30°"):
        assert ours[group]["identity"] in prose, group
