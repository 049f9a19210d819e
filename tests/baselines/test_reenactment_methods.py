"""What needs no training: the nearest frame, and a frame warped by landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from likeness.baselines.reenactment import NearestFrame, WarpedFrame, normalise_shape
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces

FRAMES = FaceStore.of(drawn_faces(6, Framing(size=64)), Framing(size=64), "drawn")


def test_the_nearest_frame() -> None:
    """A frame's own landmarks, moved and enlarged, choose that frame."""
    faces = list(FRAMES)
    assert np.allclose(normalise_shape(faces[2].landmarks * 3 + 40), normalise_shape(faces[2].landmarks), atol=1e-5)
    made = NearestFrame(FRAMES).draw([faces[4].landmarks * 1.5 - 9, faces[1].landmarks])
    assert np.array_equal(made[0], faces[4].image) and np.array_equal(made[1], faces[1].image)
    with pytest.raises(LikenessError, match="no frames"):
        NearestFrame(FRAMES.take([]))


def test_a_frame_is_warped() -> None:
    face = next(iter(FRAMES))
    moved = face.landmarks + np.float32([4, -3])
    assert WarpedFrame(FRAMES).draw([moved, moved]).shape == (2, 64, 64, 3)
