"""The largest face by one small look, and a face that is looked for where it was."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.faces.align import Similarity, cropped
from likeness.faces.face_detector import COARSE, OwnBackend
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import follow
from likeness.image import read
from likeness.records import Image


@pytest.fixture(scope="module")
def own() -> OwnBackend:
    return OwnBackend()


def looks(own: OwnBackend, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The longest sides at which photos are looked at from now on."""
    seen: list[int] = []
    at = own.faces._at
    monkeypatch.setattr(own.faces, "_at", lambda photo, longest: seen.append(longest) or at(photo, longest))
    return seen


def test_the_largest_face(own: OwnBackend, samples: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The face that all sizes give first; one look where it is clear, all where it is small or others are as large."""
    seen, photo = looks(own, monkeypatch), read(samples[0])
    face = own.largest(photo)
    assert face is not None and seen == [COARSE]
    first = FaceReader(own).faces(photo)[0]
    assert np.abs(face.landmarks - first.landmarks).max() < 0.05 * eye_distance(first.landmarks)
    small = np.full((1200, 1200, 3), 90, np.uint8)
    small[500:700, 500:700] = cv2.resize(photo, (200, 200), interpolation=cv2.INTER_AREA)
    seen.clear()
    found = own.largest(small)
    assert len(seen) > 1 and found is not None and np.linalg.norm(found.landmarks.mean(0) - 600) < 40
    two = np.concatenate([photo, read(samples[1])], 1)
    seen.clear()
    assert own.largest(two) is not None and len(seen) > 1
    assert own.largest(np.full((200, 200, 3), 90, np.uint8)) is None
    with pytest.raises(LikenessError, match="no face 3"):
        FaceReader(own).face(two, "two", 3)


def test_a_face_that_stays(own: OwnBackend, samples: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found where it was, in large frames too; not where it is gone, or far away; frames are not searched meanwhile."""
    photo = read(samples[0])
    for scale in (1, 3):
        frame = np.full((400 * scale, 500 * scale, 3), 90, np.uint8)
        large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)

        def shown(x: int, frame: Image = frame, large: Image = large) -> Image:
            copy = frame.copy()
            copy[50 : 50 + large.shape[0], x : x + large.shape[1]] = large
            return copy

        before = own.largest(shown(20))
        assert before is not None
        after = own.still(shown(20 + 6 * scale), before.landmarks)
        assert after is not None
        wanted = before.landmarks + np.float32([6 * scale, 0])
        assert np.linalg.norm(after.landmarks - wanted, axis=1).mean() < 0.04 * eye_distance(wanted)
        assert own.still(frame, before.landmarks) is None
        assert own.still(shown(20 + 180 * scale), before.landmarks) is None
    seen = looks(own, monkeypatch)
    found = [points for _, points in follow([shown(20 + 4 * i) for i in range(5)], FaceReader(own))]
    searched = len(seen)
    assert all(points is not None for points in found)
    follow_on = [points for _, points in follow([shown(40), frame, shown(40)], FaceReader(own), found[-1])]
    assert follow_on[0] is not None and follow_on[1] is None and follow_on[2] is not None
    seen.clear()
    list(follow([shown(20)] * 5, FaceReader(own)))
    assert 0 < len(seen) <= searched  # only the first frame


def test_a_crop_shows_what_a_warp_shows(samples: list[Path]) -> None:
    """But for the border, which is far from what is shown, and how the picture is halved."""
    photo = cv2.resize(read(samples[0]), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    photo = np.asarray(photo, np.uint8)
    for scale, x, y in ((0.4, -150, -120), (0.8, -200, -300), (1.7, -900, -400)):
        moved = Similarity(np.array([[scale, 0.1, x], [-0.1, scale, y]], np.float64))
        one, other = moved.warp(photo, 96, 96).astype(int), cropped(photo, moved, 96).astype(int)
        assert np.abs(one - other).mean() < 2.5
    outside = Similarity(np.array([[1.0, 0, 500], [0, 1.0, 500]]))
    assert np.array_equal(cropped(photo, outside, 96), outside.warp(photo, 96, 96))
