"""Parts: the table, the masks, and laying them on the average face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.drawing import MEAN_SHAPE, draw
from likeness.faces.landmarks import mirror
from likeness.image import to_tensor
from likeness.nn import placement

SIZE = 128
SHAPE = np.array(MEAN_SHAPE, np.float32) * SIZE


def sources(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    image, points = draw(seed, SIZE)
    return to_tensor(image), placement.unpack(torch.from_numpy(parts.mask_bits(points, SIZE))[None])


def test_masks_hold_their_landmarks() -> None:
    """Each key part covers all its points and none of another group's; viewer's left is left."""
    for name in parts.FACE:
        where = parts.mask(SHAPE, name, SIZE)
        for x, y in SHAPE[list(parts.PARTS[name].points)]:
            assert where[round(float(y)), round(float(x))]
    left = np.flatnonzero(parts.mask(SHAPE, "left_eye", SIZE).any(0))
    right = np.flatnonzero(parts.mask(SHAPE, "right_eye", SIZE).any(0))
    assert left.max() < 64 < right.min()
    jaw = parts.mask(SHAPE, "jaw", SIZE)
    assert not jaw[50:90, 60:68].any()
    assert jaw[round(float(SHAPE[8, 1])) - 3, 64]


def test_mask_area_against_the_polygon() -> None:
    """Without its margin, a mask's area is that of the polygon (shoelace formula), within its border."""
    shape = parts.Shape(parts.PARTS["nose"].points, 0.0, "nose")
    from unittest.mock import patch

    import cv2

    hull = cv2.convexHull(SHAPE[list(shape.points)])[:, 0]
    x, y = hull[:, 0], hull[:, 1]
    area = abs((x * np.roll(y, 1) - y * np.roll(x, 1)).sum()) / 2
    border = np.linalg.norm(hull - np.roll(hull, 1, 0), axis=1).sum()
    with patch.dict(parts.PARTS, {"nose": shape}):
        count = parts.mask(SHAPE, "nose", SIZE).sum()
    assert area <= count <= area + border


def test_bits_and_mirroring() -> None:
    bits = parts.mask_bits(SHAPE, SIZE)
    masks = placement.unpack(torch.from_numpy(bits)[None])[0].bool().numpy()
    for i, name in enumerate(parts.NAMES):
        np.testing.assert_array_equal(masks[i], parts.mask(SHAPE, name, SIZE))
    flipped = masks[list(parts.MIRRORED_BITS)][:, :, ::-1]
    for i, name in enumerate(parts.NAMES):
        other = parts.mask(mirror(SHAPE, SIZE), name, SIZE)
        assert (flipped[i] ^ other).sum() < 0.1 * other.sum() + 12


def test_place_moves_centroids_to_anchors() -> None:
    images, masks = sources()
    anchors = torch.tensor([[64.0, 90.0], [40.0, 50.0], [90.0, 52.0], [64.0, 70.0], [60.0, 100.0]])
    for i in range(len(parts.NAMES)):
        only = torch.zeros_like(masks)
        only[:, i] = masks[:, i]
        colours, cover = placement.place(images, only, anchors)
        assert (placement.centroids(cover)[0, 0] - anchors[i]).abs().max() <= 0.51  # moved by whole pixels
        assert cover.sum() == masks[0, i].sum()
        # the very pixels, moved and not resampled
        before = images[0][:, masks[0, i] > 0].sort(-1).values
        after = colours[0][:, cover[0, 0] > 0].sort(-1).values
        torch.testing.assert_close(after, before, atol=2e-5, rtol=0)


def test_place_at_home_changes_nothing() -> None:
    images, masks = sources(2)
    masks[:, 0] = 0  # the jaw
    home = placement.centroids(masks)[0]
    colours, cover = placement.place(images, masks, home)
    union = masks.amax(1, keepdim=True)
    torch.testing.assert_close(cover, union)
    torch.testing.assert_close(colours, images * union, atol=2e-5, rtol=0)


def test_place_shift_scale_gain() -> None:
    images, masks = sources(1)
    only = torch.zeros_like(masks)
    only[:, 3] = masks[:, 3]
    anchors = placement.centroids(masks)[0]
    shifts = torch.zeros(1, 5, 2)
    shifts[0, 3] = torch.tensor([6.0, -4.0])
    _, cover = placement.place(images, only, anchors, shifts=shifts)
    torch.testing.assert_close(cover[0, 0], torch.roll(only[0, 3], (-4, 6), (0, 1)))
    _, large = placement.place(images, only, anchors, scales=torch.full((1, 5), 1.25))
    assert abs(large.sum() / only.sum() - 1.25**2) < 0.05
    assert (placement.centroids(large)[0, 0] - anchors[3]).abs().max() < 0.3
    plain, _ = placement.place(images, only, anchors)
    dim, _ = placement.place(images, only, anchors, gains=torch.full((1, 5, 3), 0.5))
    inside = only[0, 3] > 0
    torch.testing.assert_close((dim[0][:, inside] + 1) / 2, (plain[0][:, inside] + 1) / 4, atol=2e-5, rtol=0)


def test_an_absent_part_leaves_nothing() -> None:
    images, masks = sources()
    colours, cover = placement.place(images, torch.zeros_like(masks), torch.full((5, 2), 60.0))
    assert cover.abs().sum() == 0
    assert colours.abs().sum() == 0


def test_names() -> None:
    assert parts.named(["eyes", "mouth", "left_eye"]) == ("left_eye", "right_eye", "mouth")
    with pytest.raises(LikenessError, match="ear"):
        parts.named(["ear"])


def test_loose_patches() -> None:
    """White paper is taken off, transparency is the shape, and the part comes to its usual width."""
    paper = np.full((90, 200, 3), 255, np.uint8)
    paper[30:60, 50:150] = (180, 90, 80)
    patch = parts.loose("mouth", paper, np.ones((90, 200), np.bool_), 40.0, SIZE)
    rows, columns = np.flatnonzero(patch.mask.any(1)), np.flatnonzero(patch.mask.any(0))
    assert len(columns) == 40
    assert len(rows) == 12
    assert (patch.image[patch.mask] == (180, 90, 80)).all()
    opaque = np.zeros((90, 200), np.bool_)
    opaque[40:50, 60:80] = True
    assert parts.loose("mouth", paper, opaque, 40.0, SIZE).mask.sum() == 40 * 20
    with pytest.raises(LikenessError, match="empty"):
        parts.loose("mouth", np.full((20, 20, 3), 255, np.uint8), np.ones((20, 20), np.bool_), 40.0, SIZE)
    tall = parts.loose(
        "nose",
        np.random.default_rng(0).integers(0, 255, (400, 20, 3), np.uint8),
        np.ones((400, 20), np.bool_),
        24.0,
        SIZE,
    )
    assert tall.mask.any(1).sum() <= 0.9 * SIZE + 1


@pytest.mark.parametrize("seed", range(5))
def test_laid_parts_are_those_of_training(seed: int) -> None:
    """In use parts are laid by numpy, in training by torch: the same canvas and the same cover, to float noise."""
    image, points = draw(seed, SIZE)
    images, masks = sources(seed)
    chosen = [name for i, name in enumerate(parts.NAMES) if (seed + i) % 3]
    keep = torch.tensor([float(name in chosen) for name in parts.NAMES])[None, :, None, None]
    anchors = placement.centroids(masks)[0] + torch.tensor([3.3, -2.8])
    colours, cover = placement.place(images, masks * keep, anchors)
    laid, covered = parts.lay(parts.cut(image, points, chosen), anchors.numpy())
    np.testing.assert_array_equal(covered, cover[0].round().numpy())
    np.testing.assert_allclose(laid, colours[0].numpy(), atol=2e-5)


@pytest.mark.parametrize("seed", range(3))
def test_placed_parts_are_those_of_training(seed: int) -> None:
    """The same where parts are moved, magnified and tinted."""
    image, points = draw(seed, SIZE)
    images, masks = sources(seed)
    rng = np.random.default_rng(seed)
    number = len(parts.NAMES)
    shifts = rng.integers(-6, 7, (number, 2)).astype(np.float32)
    scales = np.where(np.arange(number) % 2, rng.uniform(0.8, 1.3, number), 1).astype(np.float32)
    gains = rng.uniform(0.8, 1.3, (number, 3)).astype(np.float32)
    anchors = placement.centroids(masks)[0] + torch.tensor([3.3, -2.8])
    colours, cover = placement.place(
        images,
        masks,
        anchors,
        shifts=torch.from_numpy(shifts)[None],
        scales=torch.from_numpy(scales)[None],
        gains=torch.from_numpy(gains)[None],
    )
    how = {
        name: parts.Laying(*map(float, shifts[i]), float(scales[i]), (float(gains[i, 0]), float(gains[i, 1]), float(gains[i, 2])))
        for i, name in enumerate(parts.NAMES)
    }
    laid, covered = parts.lay(parts.cut(image, points, parts.NAMES), anchors.numpy(), how)
    # cv2 places samples to a thirty-second of a pixel
    assert np.abs(covered - cover[0].numpy()).max() < 0.04
    assert np.abs(laid - colours[0].numpy()).mean() < 0.003
    assert np.abs(laid - colours[0].numpy()).max() < 0.15


def test_trimming_comes_before_halving() -> None:
    """A loose picture of two eyes with an uneven margin is split between them."""
    from likeness import systems

    image = np.zeros((40, 200, 4), np.uint8)
    image[10:30, 120:150] = (200, 10, 10, 255)
    image[10:30, 160:190] = (10, 10, 200, 255)
    import tempfile
    from pathlib import Path

    from PIL import Image as Pillow

    with tempfile.TemporaryDirectory() as folder:
        Pillow.fromarray(image).save(Path(folder) / "eyes.png")
        donor = systems.load("parts").donor(Path(folder) / "eyes.png", "eyes")  # type: ignore[attr-defined]
    assert donor.loose
    patches = donor.patches
    assert patches["left_eye"].image[patches["left_eye"].mask][:, 0].mean() > 150
    assert patches["right_eye"].image[patches["right_eye"].mask][:, 2].mean() > 150


def test_unmoved_parts_are_not_resampled_beside_moved_ones() -> None:
    """In one batch, a part at scale 1 keeps its very pixels."""
    images, masks = sources(1)
    anchors = placement.centroids(masks)[0] + 0.37
    plain, _ = placement.place(images, masks, anchors)
    both, _ = placement.place(
        images.repeat(2, 1, 1, 1), masks.repeat(2, 1, 1, 1), anchors, scales=torch.tensor([[1.0] * 5, [1.2] * 5])
    )
    torch.testing.assert_close(both[0], plain[0])


def test_a_part_outside_the_picture() -> None:
    image, points = draw(0, SIZE)
    with pytest.raises(LikenessError, match="nose lies outside"):
        parts.cut(image, points + 500, ["nose"])
