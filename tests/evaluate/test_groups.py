"""Skin tone, sharpness and yaw of a photo, and figures by group."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.evaluate.groups import by_group, groups_of, individual_typology_angle, sharpness, yaw
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces

FACE = drawn_faces(1, Framing())[0]


def flat(lightness: float, a: float, b: float) -> np.ndarray:
    lab = np.full((*FACE.image.shape[:2], 3), [lightness, a, b], np.float32)
    return np.clip(np.round(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("lightness", "b"), [(70, 15), (60, 20), (45, 18), (30, 12)])
def test_typology_angle_closed_form(lightness: float, b: float) -> None:
    expected = np.degrees(np.arctan((lightness - 50) / b))
    assert individual_typology_angle(flat(lightness, 10, b), FACE.landmarks) == pytest.approx(expected, abs=2.5)


def test_a_grey_photo_has_no_skin_tone() -> None:
    assert np.isnan(individual_typology_angle(flat(70, 0, 0), FACE.landmarks))
    assert np.isnan(individual_typology_angle(flat(70, 5, -10), FACE.landmarks))
    images = [flat(70, 10, 15), flat(70, 0, 0)]
    assert groups_of(images, [FACE.landmarks] * 2)["skin tone (ITA)"] == ["light", "unknown"]


def test_only_the_cheeks_count() -> None:
    """Hair, eyes and background do not change a face's tone."""
    tone = individual_typology_angle(FACE.image, FACE.landmarks)
    changed = FACE.image.copy()
    changed[: int(FACE.landmarks[36:48, 1].min()) - 4] = 0
    assert individual_typology_angle(changed, FACE.landmarks) == tone


def test_sharpness_falls_with_blur() -> None:
    values = [sharpness(FACE.image, FACE.landmarks)]
    values += [sharpness(cv2.GaussianBlur(FACE.image, (0, 0), s), FACE.landmarks) for s in (1.0, 2.0, 4.0)]
    assert values == sorted(values, reverse=True)
    assert sharpness(np.full_like(FACE.image, 80), FACE.landmarks) == 0


def test_yaw_of_a_turned_head() -> None:
    """A head of the assumed shape, turned and seen from afar, gives its angle; mirrored, the opposite."""
    from likeness.evaluate.groups import NOSE

    def seen(angle: float) -> np.ndarray:
        turn = np.radians(angle)
        points = np.zeros((68, 2), np.float32)
        for indices, x, depth in (((36,), -1.0, 0.0), ((45,), 1.0, 0.0), ((37, 38, 39, 40, 41), -0.66, 0.0)):
            points[list(indices)] = [x * np.cos(turn) + depth * np.sin(turn), 0]
        points[[42, 43, 44, 46, 47]] = [0.66 * np.cos(turn), 0]
        points[[30, 33]] = [2 / NOSE * np.sin(turn), 0.5]
        return points

    for angle in (-40.0, -10.0, 0.0, 25.0):
        assert yaw(seen(angle)) == pytest.approx(angle, abs=1e-3)


def test_groups_and_means() -> None:
    faces = drawn_faces(9, Framing())
    membership = groups_of([face.image for face in faces], [face.landmarks for face in faces])
    assert all(len(names) == 9 for names in membership.values())
    assert sorted(membership["sharpness"]) == ["middle"] * 3 + ["sharp"] * 3 + ["soft"] * 3
    values = np.arange(9.0)
    lines = by_group({"sharpness": membership["sharpness"]}, {"ours": {"psnr": values}})
    assert [line.group for line in lines] == ["soft", "middle", "sharp"]
    for line in lines:
        chosen = [v for v, g in zip(values, membership["sharpness"], strict=True) if g == line.group]
        assert (line.count, line.means["psnr"]) == (3, pytest.approx(np.mean(chosen)))
    with pytest.raises(LikenessError, match="8 values"):
        by_group(membership, {"ours": {"psnr": values[:8]}})
