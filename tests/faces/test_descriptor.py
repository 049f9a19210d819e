"""Who of several faces is somebody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness.faces import descriptor
from likeness.faces.descriptor import GROUP, OWN_STRANGER, OwnDescriptor, describer, strangers
from likeness.faces.reader import FaceReader
from likeness.image import read


def unit(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def test_the_person_has_the_most_like_faces() -> None:
    """On a line: four near 0 and two near 3; the one in the middle of the four is the person."""
    numbers = np.array([[0.0], [0.1], [0.2], [0.3], [3.0], [3.1]])
    person, apart, others = strangers(numbers, 0.25)
    assert person in (1, 2) and others.tolist() == [False] * 4 + [True] * 2
    assert apart[4] == pytest.approx(3 - 0.1 * person)


def test_by_our_own_descriptor_faces_are_held_against_the_groups_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Angles on a circle: the group's mean is at 10°; from it a face may be away by the angle whose cosine is 1 − limit."""
    monkeypatch.setattr(descriptor, "open_tool", lambda kind: None)
    edge = float(np.degrees(np.arccos(1 - OWN_STRANGER)))
    numbers = np.stack([unit(angle) for angle in (0, 10, 20, 10 + edge - 1, 10 + edge + 1, 150)])
    assert float(np.degrees(np.arccos(1 - GROUP))) > edge - 10  # so that the fourth would be in the group, but for its place
    some = numbers[[0, 1, 2, 4, 5]]
    person, apart, others = OwnDescriptor().strangers(some)
    group = [i for i in range(5) if 1 - some[i] @ some[person] <= GROUP]
    mean = some[group].mean(0)
    expected = 1 - some @ mean / np.linalg.norm(mean)
    assert np.allclose(apart, expected) and others.tolist() == (expected >= OWN_STRANGER).tolist()
    assert others[-1] and not others[:3].any()


def test_without_dlib_our_own_tells_people_apart(samples: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor, "find_spec", lambda name: None)
    found = describer()
    assert isinstance(found, OwnDescriptor)
    photos = [read(path) for path in samples[:2]]
    numbers = []
    for photo in photos:
        for picture in (photo, photo[:, ::-1].copy()):
            numbers.append(found.of(picture, FaceReader().face(picture, "a sample").landmarks))
    one = np.stack(numbers)
    assert np.allclose(np.linalg.norm(one, axis=1), 1)
    assert one[0] @ one[1] > 0.8 and one[2] @ one[3] > 0.8 > one[0] @ one[2]  # mirrored, a face is the same person
    person, _, others = found.strangers(one[[0, 1, 0, 2]])
    assert person != 3 and others.tolist() == [False, False, False, one[0] @ one[2] < 1 - OWN_STRANGER]
