"""Colour profiles: Display P3 by its own equations, the damaged ones passed over, and photos that keep theirs."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from likeness import cli, image

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""Display P3's red, green and blue in XYZ, adapted to D50."""
TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
"""Linear Display P3 to linear sRGB (CSS Color 4, to four digits)."""


def profile(primaries: tuple[tuple[float, float, float], ...] = P3) -> bytes:
    """A matrix profile (ICC.1:2010) with sRGB's transfer curve."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"para\0\0\0\0\0\3\0\0" + b"".join(map(number, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
    text = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 8, 28) + "Wide".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": text, b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {name: xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    head = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(body), b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"\0" * 12, b"acsp"
    )
    head += b"\0" * 28 + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + table + body


def expected(p3: np.ndarray) -> np.ndarray:
    """Display P3 in [0, 255] as sRGB by the equations."""
    share = p3 / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ TO_SRGB.T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255


def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_display_p3_becomes_srgb(tmp_path: Path, suffix: str) -> None:
    Pillow.fromarray(colours()).save(tmp_path / f"a{suffix}", icc_profile=profile(), lossless=True)
    got = image.read(tmp_path / f"a{suffix}").astype(float)
    # near black sRGB's curve is steep, and four digits of a matrix are few
    assert np.abs(got - expected(colours())).max() < 4 and np.abs(got - expected(colours())).mean() < 0.4
    with Pillow.open(tmp_path / f"a{suffix}") as held:
        np.testing.assert_array_equal(image.picture_of(held)[0], got)


def test_transparent_and_palette_pictures_are_converted_too(tmp_path: Path) -> None:
    flat = np.full((40, 60, 3), (200, 80, 40), np.uint8)
    clear = Pillow.fromarray(flat).convert("RGBA")
    clear.putalpha(Pillow.fromarray(np.tile(np.where(np.arange(60) < 30, 255, 0).astype(np.uint8), (40, 1))))
    clear.save(tmp_path / "clear.png", icc_profile=profile())
    Pillow.fromarray(flat).quantize(4).save(tmp_path / "palette.png", icc_profile=profile())
    left, right = np.split(image.read(tmp_path / "clear.png", background=9), 2, axis=1)
    assert np.abs(left - expected(flat[:, :30])).max() < 2 and (right == 9).all()
    assert np.abs(image.read(tmp_path / "palette.png") - expected(flat)).max() < 2


def test_srgb_itself_changes_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Pillow.fromarray(colours()).save(tmp_path / "a.png", icc_profile=srgb)
    np.testing.assert_array_equal(image.read(tmp_path / "a.png"), colours())


@pytest.mark.parametrize("damage", ["cut", "noise", "of grey", "empty"])
def test_a_damaged_profile_is_passed_over(tmp_path: Path, damage: str) -> None:
    whole = bytearray(profile())
    if damage == "noise":
        whole[4:] = np.random.default_rng(1).bytes(len(whole) - 4)
    elif damage == "of grey":
        whole[16:20] = b"GRAY"
    content = {"cut": bytes(whole[:200]), "empty": b"x"}.get(damage, bytes(whole))
    Pillow.fromarray(colours()).save(tmp_path / "a.png", icc_profile=content)
    np.testing.assert_array_equal(image.read(tmp_path / "a.png"), colours())


def test_flipped_bytes_of_a_profile_cost_no_picture() -> None:
    chance = np.random.default_rng(0)
    for _ in range(100):
        content = bytearray(profile())
        for place in chance.integers(0, len(content), 6):
            content[place] = chance.integers(0, 256)
        file = io.BytesIO()
        Pillow.fromarray(colours()).save(file, "PNG", icc_profile=bytes(content))
        assert image.decode(file, "a").shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_painted_over_a_photo_keeps_its_profile(tmp_path: Path, suffix: str) -> None:
    """Untouched pixels are the photo's own, also those that sRGB has not; the painted ones look as they were painted."""
    vivid = colours()
    vivid[:10] = (0, 255, 0)  # a green that sRGB has not
    Pillow.fromarray(vivid).save(tmp_path / "photo.png", icc_profile=profile())
    painted = image.read(tmp_path / "photo.png").copy()
    painted[20:, 30:] = (180, 90, 60)
    image.write(tmp_path / f"a{suffix}", painted, photo=tmp_path / "photo.png")
    with Pillow.open(tmp_path / f"a{suffix}") as held:
        assert held.info["icc_profile"] == profile()
        own = np.asarray(held.convert("RGB")).astype(int)
    if suffix == ".png":
        np.testing.assert_array_equal(own[:20], vivid[:20])
        assert np.abs(image.read(tmp_path / "a.png")[20:, 30:].astype(int) - (180, 90, 60)).max() <= 1
        assert (own[25, 45] != (180, 90, 60)).any()


def test_others_have_no_profile(tmp_path: Path) -> None:
    Pillow.fromarray(colours()).save(tmp_path / "plain.png")
    Pillow.fromarray(colours()[..., 0]).save(tmp_path / "grey.png", icc_profile=profile()[:16] + b"GRAY" + profile()[20:])
    Pillow.fromarray(colours()[:20]).save(tmp_path / "other.png", icc_profile=profile())
    for photo in ("plain.png", "grey.png", "other.png", "none.png"):
        image.write(tmp_path / "a.png", colours(), photo=tmp_path / photo)
        with Pillow.open(tmp_path / "a.png") as held:
            assert "icc_profile" not in held.info
            np.testing.assert_array_equal(np.asarray(held), colours())


@pytest.mark.parametrize("command", [["parts", "--paste"], ["sketch", "--frame", "align"]], ids=lambda words: words[0])
def test_a_face_put_back_into_its_photo_through_the_real_command(tmp_path: Path, samples: list[Path], command: list[str]) -> None:
    own = np.pad(image.read(samples[0]), ((96, 96), (96, 96), (0, 0)), "edge")
    Pillow.fromarray(own).save(tmp_path / "ann.png", icc_profile=profile())
    assert cli.main([command[0], str(tmp_path / "ann.png"), *command[1:], "-o", str(tmp_path / "out.png")]) == 0
    with Pillow.open(tmp_path / "out.png") as held:
        assert held.info["icc_profile"] == profile()
        made = np.asarray(held)
    same = (made == own).all(-1)
    assert same[0].all() and same[:, 0].all() and 0.01 < (~same).mean() < 0.98
    assert cli.main(["parts", str(tmp_path / "ann.png"), "-o", str(tmp_path / "face.png")]) == 0
    with Pillow.open(tmp_path / "face.png") as held:
        assert "icc_profile" not in held.info  # a face of its own is sRGB
