"""dlib's descriptor as a measure of identity: a person is near to himself, another is farther, and no face counts for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.evaluate.dlib_identity import SAME, compare, descriptors, identity
from likeness.image import read


def test_samples_are_told_apart(samples: list[Path]) -> None:
    """A darker picture of the same synthetic person is the same one; another sample is farther; a grey picture has no face."""
    pytest.importorskip("dlib")
    people = [read(path) for path in samples[:3]]
    darker = [np.asarray(picture * 0.8, np.uint8) for picture in people]
    own, others = identity(people, darker), identity(people, [*darker[1:], darker[0]])
    assert (own.count, own.undetected, own.same) == (3, 0, 1.0)
    assert own.distance < 0.5 * others.distance and own.distance < SAME
    grey = np.full_like(people[0], 128)
    lost = identity(people, [grey, *darker[1:]])
    assert (lost.count, lost.undetected) == (3, 1) and lost.distance < SAME
    known = descriptors(people)
    assert known.shape == (3, 128) and np.isnan(descriptors([grey])).all()


def test_what_cannot_be_compared() -> None:
    with pytest.raises(LikenessError, match="3 descriptors cannot be compared with 2"):
        compare(np.zeros((3, 128)), np.zeros((2, 128)))
    nobody = compare(np.full((2, 128), np.nan), np.zeros((2, 128)))
    assert np.isnan(nobody.distance) and nobody.undetected == 2
