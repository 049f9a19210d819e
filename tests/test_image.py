"""The border post: every kind of file in, nothing half written out."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from likeness import files, image, provenance
from likeness.errors import LikenessError


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    """A gradient with a mark in its top-left corner."""
    made = np.zeros((height, width, 3), np.uint8)
    made[..., 0] = np.linspace(0, 255, width)[None]
    made[..., 1] = np.linspace(0, 255, height)[:, None]
    made[:8, :8] = (0, 0, 255)
    return made


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    image.write(tmp_path / f"a{suffix}", picture())
    back = image.read(tmp_path / f"a{suffix}")
    assert back.shape == (40, 60, 3)
    tolerance = 0 if suffix == ".png" else 12
    assert np.abs(back.astype(int) - picture())[10:, 10:].max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path: Path, orientation: int) -> None:
    """Each of the eight orientations shows the same picture once it is undone."""
    upright = Pillow.fromarray(picture())
    undo = {
        1: None,
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_90,  # stored so that a turn by 270 shows it
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(image.read(tmp_path / "a.png"), picture())


def test_modes(tmp_path: Path) -> None:
    """Grey, 16-bit grey, palette, CMYK and transparency come out as RGB."""
    colour = Pillow.fromarray(picture())
    colour.convert("L").save(tmp_path / "grey.png")
    Pillow.fromarray((np.arange(2400).reshape(40, 60) * 27).astype(np.uint16)).save(tmp_path / "deep.png")
    colour.convert("P").save(tmp_path / "palette.png")
    colour.convert("CMYK").save(tmp_path / "cmyk.jpg")
    clear = colour.convert("RGBA")
    clear.putalpha(0)
    clear.save(tmp_path / "clear.png")
    for path in tmp_path.iterdir():
        assert image.read(path).shape == (40, 60, 3)
        assert image.read(path).dtype == np.uint8
    grey = image.read(tmp_path / "grey.png")
    assert (grey[..., 0] == grey[..., 2]).all()
    deep = image.read(tmp_path / "deep.png")
    assert deep[0, 0, 0] == 0
    assert abs(int(deep[-1, -1, 0]) - 2399 * 27 * 255 / 65535) <= 1
    assert (image.read(tmp_path / "clear.png") == 255).all()
    assert (image.read(tmp_path / "clear.png", background=9) == 9).all()
    assert np.abs(image.read(tmp_path / "cmyk.jpg").astype(int) - picture()).mean() < 12


def test_bad_files(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(whole, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (tmp_path / "text.png").write_text("this is no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    Pillow.new("1", (12000, 12000)).save(tmp_path / "huge.png")
    for name, said in {
        "cut.jpg": "cut off",
        "text.png": "not a picture",
        "empty.jpg": "not a picture",
        "huge.png": "12000×12000",
        "none.jpg": "no such file",
    }.items():
        with pytest.raises(LikenessError, match=said) as caught:
            image.read(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(LikenessError, match="folder"):
        image.read(tmp_path)


def test_pillows_guard_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing us switches nobody's guard off; our limit still speaks in one line, on both sides of Pillow's."""
    ask = "import PIL.Image as I; most = I.MAX_IMAGE_PIXELS; import likeness.image; assert most and most == I.MAX_IMAGE_PIXELS"
    subprocess.run([sys.executable, "-c", ask], check=True)
    assert Pillow.MAX_IMAGE_PIXELS
    Pillow.new("1", (9500, 10000)).save(tmp_path / "near.png")  # Pillow warns of it, we read it
    Pillow.new("1", (14000, 14000)).save(tmp_path / "bomb.png")  # Pillow refuses it
    with image.opened(tmp_path / "near.png", "near") as near:
        assert near.size == (9500, 10000)
    for reader in (image.read, provenance.read):
        with pytest.raises(LikenessError, match=r"196\.0 megapixels; at most 100 are read: scale it down first"):
            reader(tmp_path / "bomb.png")
    Pillow.fromarray(picture()).save(tmp_path / "a.png")
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)  # somebody else's guard counts too
    with pytest.raises(LikenessError, match=r"0\.0 megapixels; at most 0\.002 are read"):
        image.read(tmp_path / "a.png")


@pytest.mark.parametrize("brightest", [3, 255, 256, 30000, 65535])
def test_deep_pictures_keep_their_scale(tmp_path: Path, brightest: int) -> None:
    """A dark 16-bit picture is dark: its scale is its kind's, not its brightest pixel's."""
    grey = np.linspace(0, brightest, 2400).round().reshape(40, 60)
    expected = (grey / 65535 * 255).round()
    Pillow.fromarray(grey.astype(np.uint16)).save(tmp_path / "a.png")
    Pillow.fromarray(grey.astype(np.uint16)).save(tmp_path / "a.tif")
    (tmp_path / "a.pgm").write_bytes(b"P5 60 40 65535\n" + grey.astype(">u2").tobytes())
    Pillow.fromarray((grey / 65535).astype(np.float32)).save(tmp_path / "f.tif")
    for name in ("a.png", "a.tif", "a.pgm", "f.tif"):
        np.testing.assert_array_equal(image.read(tmp_path / name)[..., 0], expected, name)


@pytest.mark.parametrize(
    "values", [np.float32([[0, 255]]), np.float32([[0, np.nan]]), np.int32([[-5, 7]]), np.int32([[0, 1 << 20]])]
)
def test_numbers_of_an_unknown_scale_are_refused(values: np.ndarray) -> None:
    with pytest.raises(LikenessError, match=r"a picture: its pixels go from .* save it with 8 or 16 bits"):
        image.picture_of(Pillow.fromarray(values), "a picture")


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    for suffix in ("webp", "png"):  # of a JPEG with a damaged EXIF, Pillow opens nothing
        Pillow.fromarray(picture()).save(tmp_path / f"a.{suffix}", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12")
        assert image.read(tmp_path / f"a.{suffix}").shape == (40, 60, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_files_with_flipped_bytes(tmp_path: Path, kind: str) -> None:
    """Whatever is wrong with a file, it is read, or refused in one line: never a traceback of another kind."""
    whole = io.BytesIO()
    exif = Pillow.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind in ("JPEG", "WEBP", "PNG", "TIFF") else {}
    Pillow.fromarray(picture()).save(whole, kind, **options)
    chance = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole.getvalue())
        for place in chance.integers(0, len(content), 8):
            content[place] = chance.integers(0, 256)
        (tmp_path / "a").write_bytes(content)
        try:
            assert image.read(tmp_path / "a").dtype == np.uint8
        except LikenessError as problem:
            assert "\n" not in str(problem)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"before")

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with pytest.raises(LikenessError, match="No space left"):
        files.write_atomically(tmp_path / "a.png", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"before"
    with pytest.raises(LikenessError, match=r"written as \.png"):
        image.write(tmp_path / "a.gif", picture())


def test_tensor_round_trip() -> None:
    """All 256 levels survive, and [-1, 1] is spanned exactly."""
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    tensor = image.to_tensor(levels)
    assert tensor.shape == (1, 3, 16, 16)
    assert float(tensor.min()) == -1
    assert float(tensor.max()) == 1
    np.testing.assert_array_equal(image.to_images(tensor), levels)
    assert (image.to_images(torch.full((1, 3, 2, 2), 7.0)) == 255).all()
