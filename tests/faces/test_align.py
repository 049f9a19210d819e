"""Alignment: where eyes and mouth come to stand, and the way back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from likeness.faces.align import Framing, Similarity, align, alignment, face_area, paste_back
from likeness.faces.drawing import MEAN_SHAPE, draw
from likeness.faces.landmarks import GROUPS, MIRROR, eye_distance, five_points, mirror


def moved(points: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T + shift).astype(np.float32)


@pytest.mark.parametrize(("scale", "degrees"), [(1, 0), (3.7, 25), (0.4, -40), (1, 170)])
def test_a_moved_face_comes_home(scale: float, degrees: float) -> None:
    """Whatever similarity moved a face, its landmarks land where they landed before."""
    shape = np.array(MEAN_SHAPE, np.float32) * 128
    home = alignment(shape, Framing()).apply(shape)
    away = moved(shape, scale, degrees, (30, -12))
    np.testing.assert_allclose(alignment(away, Framing()).apply(away), home, atol=1e-3)


def test_template() -> None:
    """Eyes level, 0.27 of the width apart on average people; the mean shape is where the framing says."""
    framing = Framing()
    shape = np.array(MEAN_SHAPE, np.float32) * 128
    five = five_points(shape)
    assert abs(eye_distance(shape) / 128 - framing.eye_distance) < 0.005
    assert abs(five[0, 1] - five[1, 1]) < 0.2
    assert abs(five[:2, 1].mean() / 128 - framing.eye_height) < 0.01
    assert shape[:, 1].min() > 0 and shape[:, 1].max() < 128  # chin and brows inside


def test_exact_when_the_three_points_fit() -> None:
    framing = Framing(size=256)
    points = np.zeros((68, 2), np.float32)
    for name, place in zip(("left_eye", "right_eye"), framing.template, strict=False):
        points[list(GROUPS[name])] = place
    points[[48, 54]] = framing.template[2]
    away = moved(points, 2.0, 30, (5, 7))
    np.testing.assert_allclose(alignment(away, framing).apply(away)[[36, 42, 48]], framing.template, atol=1e-3)


def test_inverse() -> None:
    transform = alignment(moved(np.array(MEAN_SHAPE, np.float32) * 300, 1.3, 20, (40, 60)), Framing())
    points = np.random.default_rng(0).uniform(0, 300, (20, 2)).astype(np.float32)
    np.testing.assert_allclose(transform.inverse.apply(transform.apply(points)), points, atol=1e-2)
    assert abs(transform.scale * transform.inverse.scale - 1) < 1e-9


def test_paste_back_restores_the_photo() -> None:
    """The aligned face, unchanged, pasted back leaves the photo as it was; outside the frame to the last bit."""
    face, points = draw(3, 200)
    photo = np.full((400, 420, 3), 120, np.uint8)
    photo[100:300, 110:310] = face
    photo = cv2.GaussianBlur(photo, (0, 0), 2.0)
    framed, _, transform = align(photo, moved(points, 1, 0, (110, 100)), Framing(size=256))
    back = paste_back(framed, photo, transform)
    assert np.abs(back.astype(int) - photo).mean() < 0.6
    assert (back[:60] == photo[:60]).all()
    painted = paste_back(np.zeros_like(framed), photo, transform)
    assert painted[200, 210].max() == 0
    assert (painted[:60] == photo[:60]).all()


def test_a_result_that_is_not_square_has_a_sharp_edge_where_nothing_fades() -> None:
    photo, made = np.full((90, 80, 3), 50, np.uint8), np.full((40, 20, 3), 250, np.uint8)
    mixed = paste_back(made, photo, Similarity(np.array([[1.0, 0, -30], [0, 1, -10]])), feather=0.0)
    assert (mixed[10:50, 30:50] == 250).all() and (mixed == 250).all(-1).sum() == 40 * 20
    faded = paste_back(made, photo, Similarity(np.array([[1.0, 0, -30], [0, 1, -10]])), feather=0.25)
    assert faded[30, 40, 0] == 250 and faded[10, 40, 0] == 50 and 50 < faded[30, 31, 0] < 250


def test_only_the_face_is_pasted() -> None:
    """With the face's area, its landmarks are the result's and the corners of the frame the photo's."""
    shape = np.array(MEAN_SHAPE, np.float32) * 128
    area = face_area(shape, 128)
    photo = np.full((128, 128, 3), 50, np.uint8)
    mixed = paste_back(np.full_like(photo, 250), photo, Similarity(np.eye(2, 3)), area)
    for name in ("left_eye", "right_eye", "nose", "inner_lips"):
        for x, y in shape[list(GROUPS[name])].round().astype(int):
            assert mixed[y, x, 0] > 240
    assert mixed[round(0.25 * 128), 64, 0] > 150  # the forehead
    assert (mixed[:8] == 50).all()
    assert (mixed[:, :8] == 50).all()


def test_shrinking_does_not_alias() -> None:
    """A fine chequerboard shrunk sixteen times is even grey, not a pattern; a step keeps its place."""
    board = (np.indices((1024, 1024)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    small = Similarity(np.array([[1 / 16, 0, 0.0], [0, 1 / 16, 0.0]])).warp(board, 64, 64)
    assert small[8:-8, 8:-8].std() < 3
    step = np.zeros((1024, 1024, 3), np.uint8)
    step[:, 512:] = 255
    half = (1 / 16 - 1) / 2  # so that pixel edges, not centres, meet at zero
    edge = Similarity(np.array([[1 / 16, 0, half], [0, 1 / 16, half]])).warp(step, 64, 64)
    assert edge[32, 30, 0] < 30
    assert edge[32, 33, 0] > 225


@pytest.mark.parametrize("side", [1024, 1023, 1535, 3999])
def test_shrinking_keeps_places(side: int) -> None:
    """A dot of light stands where the transform says, to a fifth of a pixel, whatever the photo's size."""
    photo = np.zeros((side, side, 3), np.uint8)
    at = np.array([0.8 * side, 0.7 * side]).round()
    reach = side // 40
    photo[int(at[1]) - reach : int(at[1]) + reach + 1, int(at[0]) - reach : int(at[0]) + reach + 1] = 200
    ratio = 128 / side
    transform = Similarity(np.array([[ratio, 0, 0.3], [0, ratio, -0.2]]))
    small = transform.warp(photo, 128, 128)[..., 0].astype(float)
    found = [(small.sum(axis) * np.arange(128)).sum() / small.sum() for axis in (0, 1)]
    np.testing.assert_allclose(found, transform.apply(at[None].astype(np.float32))[0], atol=0.2)


def test_mirror_is_its_own_inverse() -> None:
    assert sorted(MIRROR) == list(range(68))
    assert [MIRROR[i] for i in MIRROR] == list(range(68))
    shape = np.array(MEAN_SHAPE, np.float32) * 128
    np.testing.assert_allclose(mirror(mirror(shape, 128), 128), shape, atol=1e-4)
    assert np.abs(mirror(shape, 129) - shape).max() < 1.5  # the mean face is nearly symmetric


def test_what_lies_outside() -> None:
    """Its mirror image, its border going on, or white paper."""
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, 7] = 100
    picture[:, 5] = 50
    moved = Similarity(np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    shown = {outside: moved.warp(picture, 10, 8, outside)[0, 8:, 0].tolist() for outside in ("mirror", "edge", "paper")}
    assert shown == {"mirror": [0, 50], "edge": [100, 100], "paper": [255, 255]}
