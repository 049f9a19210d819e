"""The parser: BiSeNet's modules and objective, masks that move with their photos, and the command."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.card import read_card
from likeness.data.store import FaceStore, row, write_rows
from likeness.errors import LikenessError
from likeness.faces.align import Framing, alignment
from likeness.faces.drawing import draw_with_classes, drawn_faces
from likeness.faces.labels import CLASSES, read_off
from likeness.faces.parser import FaceParser
from likeness.faces.tools import open_tool
from likeness.faces.variety import Variety, moved
from likeness.image import read, write
from likeness.nn.bisenet import AttentionRefinement, BiSeNet, FeatureFusion
from likeness.recipe import override
from likeness.systems.parser.objective import joint_loss, softmax_loss
from likeness.systems.parser.recipes import lite, tiny
from likeness.systems.parser.system import ParserSystem

Run = Callable[..., int]


def test_equations() -> None:
    """(1): no idea costs ln K; of pixels that cost a and b the hardest half costs the larger; (2) adds α times the others."""
    classes = torch.zeros(1, 2, 2, dtype=torch.long)
    assert float(softmax_loss(torch.zeros(1, 8, 2, 2), classes, 1.0)) == pytest.approx(math.log(8))
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 0, 0] = 3.0  # the upper two pixels are surer
    sure, unsure = math.log(1 + math.exp(-3)), math.log(2)
    assert float(softmax_loss(logits, classes, 1.0)) == pytest.approx((sure + unsure) / 2)
    assert float(softmax_loss(logits, classes, 0.5)) == pytest.approx(unsure)
    terms = joint_loss(logits, (logits, logits), classes, 0.7, 1.0)
    assert terms["auxiliary"].weight == 0.7 and float(terms["auxiliary"].value) == pytest.approx(sure + unsure)
    assert set(joint_loss(logits, (logits,), classes, 0.0, 1.0)) == {"main"}


@torch.no_grad()
def test_the_network() -> None:
    """Shapes; auxiliary heads only while training; small enough to ship; attention weighs channels, not places."""
    network = BiSeNet()
    assert sum(weight.numel() for weight in network.parameters()) * 2 <= 6e6
    assert [tuple(one.shape) for one in network(torch.rand(2, 3, 64, 96))] == [(2, 8, 64, 96)] * 3
    assert network.eval()(torch.rand(2, 3, 64, 64))[0].shape == (2, 8, 64, 64)
    refine = AttentionRefinement(4, 6).eval()
    features = torch.rand(1, 4, 8, 8)
    ratio = refine(features) / refine.features(features).clamp(min=1e-9)
    kept = refine.features(features)[0] > 1e-3
    for channel in range(6):
        values = ratio[0, channel][kept[channel]]
        assert values.numel() == 0 or float(values.max() - values.min()) < 1e-4
    fuse = FeatureFusion(8, 4).eval()
    one, other = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8)
    mixed = fuse.mix(torch.cat([one, other], 1))
    assert ((fuse(one, other) >= mixed - 1e-6) & (fuse(one, other) <= 2 * mixed + 1e-6)).all()  # 1 + a weight in (0, 1)


def test_masks_move_with_their_photos() -> None:
    """A photo whose colour is its class: after turning, scaling and shifting it still is, but for blended edges."""
    classes = np.zeros((64, 64), np.uint8)
    classes[20:44, 10:50] = 5
    for seed in range(6):
        photo = np.repeat(classes[..., None] * 40, 3, 2).astype(np.uint8)
        one, other = moved(photo, classes, 20, 0.3, 0.1, np.random.default_rng(seed))
        wrong = one[..., 0].round(-1) // 40 != other
        assert wrong.mean() < 0.05 and (other == 5).any()
        assert not np.array_equal(other, classes)


def test_batches() -> None:
    """Without augmentation as they are; with it by the generator alone; all drawn leaves the classes' shares."""
    framing = tiny().framing
    store = FaceStore.of(drawn_faces(6, framing, paired=True), framing, "drawn", "labels")
    still = Variety(flip=False, drawn=1.0, turn=0, scale=0, shift=0)
    system = ParserSystem(replace(tiny(), variety=still))
    table = system.table(store)
    plain = system.batch(table, torch.Generator(), augment=False)
    assert torch.equal(((plain.picture + 1) * 127.5).round().to(torch.uint8), table["photo"])
    drawn = system.batch(table, torch.Generator().manual_seed(1), augment=True)
    assert torch.equal(drawn.classes, plain.classes) and not torch.equal(drawn.picture, plain.picture)
    assert torch.equal(drawn.picture[:, 0], drawn.picture[:, 1])  # grey
    varied = ParserSystem(tiny())
    one, again, other = (varied.batch(table, torch.Generator().manual_seed(s), augment=True) for s in (1, 1, 2))
    assert torch.equal(one.picture, again.picture) and not torch.equal(one.picture, other.picture)
    assert torch.equal(table["classes"][0], torch.from_numpy(draw_with_classes(0, framing.size)[2]))
    with pytest.raises(LikenessError, match="no masks"):
        system.table(FaceStore.of(drawn_faces(3, framing), framing, "drawn"))
    for word in ("hardest=0", "variety.drawn=2", 'variety.effects=["oil"]', "widths=[1,2,3,4]"):
        with pytest.raises(LikenessError):
            override(lite(), [word])


def test_learning_and_the_commands(
    likeness: Run, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A short training tells skin from background; parse draws it at the photo's size; evaluate tells each class."""
    words = ("--set", 'training.phases=[{"steps":80,"players":["P"]}]', "--threads", "1")
    assert likeness("train", "parser:tiny", "-o", "p", *words) == 0
    assert read_card(tmp_path / "p" / "weights.safetensors").system == "parser"
    framing = Framing(size=64)
    faces = [replace(face, split="test") for face in drawn_faces(8, framing, 500, paired=True)]
    faces += drawn_faces(4, framing, 600, paired=True)
    write_rows(tmp_path / "f.parquet", [row(face, "lfw", 20.0) for face in faces], framing, "labels")
    evaluate = ("evaluate", "parser", "--data", "f.parquet", "--photos", "all", "--weights", "p")
    assert likeness(*evaluate, "--csv", "t.csv", "--sheet", "s.png", "--last", "6") == 0
    with (tmp_path / "t.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines[:2]] == ["photo", "style_a"] and lines[0]["count"] == "6"
    assert float(lines[0]["skin"]) > 0.5 and float(lines[0]["background"]) > 0.5
    assert "the last 6" in lines[0]["faces_of"]

    parser = open_tool(FaceParser, tmp_path / "p")
    soft = parser.framed([faces[0].image])
    assert soft.shape == (1, len(CLASSES), 64, 64) and np.allclose(soft.sum(1), 1, atol=1e-4)
    photo = read(samples[0])
    found = parser.soft(photo, alignment(np.asarray(faces[0].landmarks * 2), framing))
    assert found.shape == (8, *photo.shape[:2]) and np.allclose(found.sum(0), 1, atol=1e-3)

    found = parser.classes(photo)
    result = systems.load(tmp_path / "p", "parser")(photo=samples[0])
    assert np.array_equal(read_off(result.picture), found) and set(result.intermediates) == {"photo", "overlay"}
    shares = np.bincount(found.ravel(), minlength=len(CLASSES)) / found.size
    assert list(result.made["shares"].values()) == pytest.approx(shares.tolist(), abs=1e-5)
    assert likeness("parse", samples[0], "--weights", "p", "-o", "parsed.png") == 0
    assert read(tmp_path / "parsed.png").shape == (photo.shape[0], 3 * photo.shape[1], 3)
    assert likeness("parse", samples[0], "--weights", "p", "-o", "plain.png", "--plain") == 0
    assert set(np.unique(read_off(read(tmp_path / "plain.png")))) <= set(range(8))
    write(tmp_path / "wall.png", np.full((90, 90, 3), 200, np.uint8))
    capsys.readouterr()
    assert likeness("parse", "wall.png", "--weights", "p", "-o", "x.png") == 2
    assert "no face" in capsys.readouterr().err and not (tmp_path / "x.png").exists()
    assert likeness("parse", samples[0], "--weights", "parts", "-o", "x.png") == 2
    with pytest.raises(LikenessError, match="wants 64×64"):
        parser.framed([np.zeros((32, 32, 3), np.uint8)])
    with pytest.raises(LikenessError, match="no picture"):
        parser.framed([])
