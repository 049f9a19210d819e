"""Effects: grey, of one shape, the same under one seed, and what each promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from likeness import provenance
from likeness.cli.effect import NAMES
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.reader import FaceReader
from likeness.image import read

CHANCY = ("pencil", "halftone", "hand_drawn")


@pytest.fixture(scope="module")
def photo(samples: list[Path]) -> np.ndarray:
    return np.asarray(cv2.resize(read(samples[0]), (256, 256), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("name", effects.EFFECTS)
def test_every_effect(name: str, photo: np.ndarray) -> None:
    before = photo.copy()
    drawn = effects.apply(name, photo, 3)
    assert np.array_equal(photo, before)
    assert drawn.shape == photo.shape and drawn.dtype == np.uint8
    assert (drawn[..., 0] == drawn[..., 1]).all() and (drawn[..., 1] == drawn[..., 2]).all()
    assert np.array_equal(drawn, effects.apply(name, photo, 3))
    assert np.array_equal(drawn, effects.apply(name, photo, 4)) == (name not in CHANCY)
    assert drawn.std() > 20  # something is drawn
    assert effects.apply(name, photo[:100, :77], 0).shape == (100, 77, 3)
    assert effects.apply(name, np.full((40, 40, 3), 128, np.uint8), 0).shape == (40, 40, 3)


def test_the_eyes_are_drawn(photo: np.ndarray) -> None:
    """In every effect the eyes are darker than the forehead: the drawing is of this face."""
    points = FaceReader().faces(photo)[0].landmarks
    eyes = effects.erased_region(photo.shape[:2], points, ["left_eye", "right_eye"])
    brow, width = points[19:25, 1].min(), np.ptp(points[36:46, 0])
    forehead = np.zeros_like(eyes)
    forehead[int(brow - 0.5 * width) : int(brow - 0.15 * width), int(points[21, 0]) : int(points[22, 0])] = True
    for name in effects.EFFECTS:
        drawn = effects.apply(name, photo, 0)[..., 0].astype(float)
        assert drawn[eyes].mean() < drawn[forehead].mean() - 8, name


def test_two_tones_and_lines(photo: np.ndarray) -> None:
    for name in ("style_b", "line"):
        drawn = effects.apply(name, photo)[..., 0]
        assert ((drawn < 32) | (drawn > 223)).mean() > 0.85, name


def test_lines_of_a_flat_picture_and_of_an_edge() -> None:
    """XDoG: white where nothing happens, dark on the dark side of an edge."""
    assert (effects.lines(np.full((32, 32), 0.8, np.float32), 1.0) == 1).all()
    step = np.full((32, 32), 0.9, np.float32)
    step[:, 16:] = 0.7
    drawn = effects.lines(step, 1.0)
    assert drawn[16, 17] < 0.3
    assert drawn[16, 4] == 1
    closed = np.float32(1 + np.tanh(9.0 * (0.5 - 0.68)))  # of a tone of 0.5 everywhere
    np.testing.assert_allclose(effects.lines(np.full((16, 16), 0.5, np.float32), 1.0), closed, atol=1e-5)


def test_halftone_keeps_the_tone() -> None:
    """Darker greys give more ink, evenly: a ramp's local means fall with it."""
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 256, 0).repeat(3, 2)
    drawn = effects.halftone(ramp)[..., 0].astype(float)
    means = drawn.reshape(256, 8, 32).mean((0, 2))
    assert (np.diff(means) > 5).all()


def test_erasing(photo: np.ndarray) -> None:
    points = FaceReader().faces(photo)[0].landmarks
    region = effects.erased_region(photo.shape[:2], points, ["mouth"])
    drawn = effects.apply("pencil", photo, 0)
    rubbed = effects.mutilate(drawn, region)
    assert np.array_equal(rubbed[~region], drawn[~region])
    assert rubbed[region].std() == 0
    inside = points[48:68].round().astype(int)
    assert region[inside[:, 1], inside[:, 0]].all()
    assert not region[points[36:48, 1].astype(int), points[36:48, 0].astype(int)].any()
    assert np.array_equal(effects.mutilate(drawn, np.zeros_like(region)), drawn)


def test_rubbing_out(photo: np.ndarray) -> None:
    """As :func:`effects.mutilate` does without an eraser; with one white, at least as wide, and nowhere else changed."""
    points = FaceReader().faces(photo)[0].landmarks
    region = effects.erased_region(photo.shape[:2], points, ["nose"])
    drawn = effects.apply("pencil", photo, 0)
    chances = [np.random.default_rng(seed) for seed in range(12)]
    plain, where = effects.rubbed_out(drawn, points, ["nose"], chances[0], 0.0)
    assert np.array_equal(plain, effects.mutilate(drawn, region)) and np.array_equal(where, region)
    widths = set()
    for chance in chances:
        rubbed, where = effects.rubbed_out(drawn, points, ["nose"], chance, 1.0)
        changed = (rubbed != drawn).any(-1)
        assert where[region].all() and where[changed].all() and (rubbed[where] == 255).all()
        assert (rubbed[region] == 255).all() and (rubbed[changed] == 255).all()
        widths.add(int(np.ptp(np.flatnonzero((rubbed == 255).all(-1)[round(float(points[30, 1]))]))))
    assert len(widths) > 1
    some = [effects.rubbed_out(drawn, points, ["nose"], chance)[0] for chance in chances]
    assert {bool((one[region] == 255).all()) for one in some} == {True, False}
    with pytest.raises(LikenessError, match="chin"):
        effects.rubbed_out(drawn, points, ["chin"], chances[0])


def test_mistakes(photo: np.ndarray) -> None:
    with pytest.raises(LikenessError, match="pencil"):
        effects.apply("watercolour", photo)
    with pytest.raises(LikenessError, match="cannot be drawn"):
        effects.apply("line", photo[:10])
    with pytest.raises(LikenessError, match="chin"):
        effects.erased_region((8, 8), np.zeros((68, 2), np.float32), ["chin"])
    with pytest.raises(LikenessError, match="mask is 3×2"):
        effects.mutilate(photo, np.ones((2, 3), np.bool_))


def test_the_command(
    likeness: Callable[..., int], samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuple(effects.EFFECTS) == NAMES
    assert likeness("effect", "pencil", samples[0], "-o", "p.png", "--seed", "5", "--json") == 0
    assert np.array_equal(read(tmp_path / "p.png"), effects.apply("pencil", read(samples[0]), 5))
    mark = provenance.read(tmp_path / "p.png")
    assert mark is not None and not mark.trained and "effect" in mark.software
    assert likeness("effect", "all", samples[0], "-o", "all.png") == 0
    assert read(tmp_path / "all.png").shape[1] > 7 * 256
    assert likeness("effect", "line", samples[0], "-o", "e.png", "--erase", "nose,mouth") == 0
    assert not np.array_equal(read(tmp_path / "e.png"), effects.apply("line", read(samples[0]), 0))
    half = np.zeros((*read(samples[0]).shape[:2], 3), np.uint8)
    half[:, : half.shape[1] // 2] = 255
    provenance.write(tmp_path / "mask.png", half, "a test")
    assert likeness("effect", "line", samples[0], "-o", "b.png", "--brush", "mask.png") == 0
    brushed, whole = read(tmp_path / "b.png"), effects.apply("line", read(samples[0]), 0)
    assert np.array_equal(brushed[half == 0], whole[half == 0]) and brushed[half > 0].std() == 0
    assert likeness("effect", "line", samples[0].parent, "-o", "folder") == 0
    assert len(list((tmp_path / "folder").glob("*.png"))) == len(samples)
    capsys.readouterr()
    assert likeness("effect", "line", samples[0], "--erase", "ear") == 2
    assert "left_eye" in capsys.readouterr().err
    assert likeness("effect", "line", samples[0], "--brush", "all.png") == 2
    assert "the mask is" in capsys.readouterr().err
    assert likeness("effect", "line", "p.png", "-o", "p.png") == 2
    assert "nothing of yours is overwritten" in capsys.readouterr().err
    assert likeness("effect", "line", samples[0], "--seed", str(2**40)) == 2
    provenance.write(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8), "a test")
    capsys.readouterr()
    assert likeness("effect", "line", "dot.png") == 2
    assert capsys.readouterr().err.startswith("likeness: dot.png: a picture of 1×1")


def test_large_pictures_are_drawn_at_a_bounded_size(photo: np.ndarray) -> None:
    large = np.asarray(cv2.resize(photo, (1500, 1500), interpolation=cv2.INTER_CUBIC))
    drawn = effects.apply("style_a", large)
    assert drawn.shape == large.shape
    small = np.asarray(cv2.resize(drawn, (256, 256), interpolation=cv2.INTER_AREA)).astype(int)
    assert np.abs(small - effects.apply("style_a", photo)).mean() < 12
    with pytest.raises(LikenessError, match="40000×20"):
        effects.apply("line", np.zeros((20, 40000, 3), np.uint8))
