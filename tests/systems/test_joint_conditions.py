"""The joint model that ships: a condition more brings a face nearer to what it tells, and contradictions give faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness import assets, systems
from likeness.evaluate.landmark_error import normalised_error
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.faces.recogniser import FaceRecogniser
from likeness.faces.tools import open_tool
from likeness.image import read
from likeness.records import Image
from likeness.systems.joint.synthesis import JointSynthesizer


@pytest.fixture(scope="module")
def joint() -> JointSynthesizer:
    made = systems.load("joint")
    assert isinstance(made, JointSynthesizer)
    return made


@pytest.fixture(scope="module")
def people() -> list[PhotoFace]:
    """Sample people, who do not exist."""
    reader = FaceReader()
    return [reader.read(read(path), path.name) for path in sorted(Path(assets.SAMPLES).glob("*.png"))[:6]]


def faces(joint: JointSynthesizer, people: list[PhotoFace], *names: str, **more: Any) -> list[Image]:
    """A face of each person, given these conditions."""
    requests = [joint.prepare({**dict.fromkeys(names, person), **more, "noise": i}) for i, person in enumerate(people)]
    return [result.picture for result in joint.make(requests)]


def away(joint: JointSynthesizer, people: list[PhotoFace], made: list[Image]) -> float:
    """Per cent of the eye distance by which made faces' landmarks miss those of the photos."""
    found = [FaceReader().largest(picture) for picture in made]
    assert all(found)
    wanted = [person.framed(joint.framing)[1] for person in people]
    return float(np.mean([normalised_error(one.landmarks, points) for one, points in zip(found, wanted, strict=True) if one]))


def alike(joint: JointSynthesizer, people: list[PhotoFace], made: list[Image]) -> float:
    """The mean cosine of E_id's numbers of made faces and photos."""
    recogniser = open_tool(FaceRecogniser)
    photos = recogniser.framed([person.framed(recogniser.framing)[0] for person in people])
    found = recogniser.framed(made)
    return float(np.mean((photos * found).sum(1) / np.linalg.norm(photos, axis=1) / np.linalg.norm(found, axis=1)))


def apart(joint: JointSynthesizer, people: list[PhotoFace], made: list[Image]) -> float:
    """Root mean square of levels from the photos."""
    photos = np.stack([person.framed(joint.framing)[0] for person in people]).astype(np.float64)
    return float(np.sqrt(np.square(photos - np.stack(made)).mean()))


def test_landmarks_bring_the_pose(joint: JointSynthesizer, people: list[PhotoFace]) -> None:
    for names in ((), ("like",), ("parts",)):
        without, given = (faces(joint, people, *names, *more) for more in ((), ("landmarks",)))
        assert away(joint, people, given) < away(joint, people, without)


def test_a_person_brings_who_it_is(joint: JointSynthesizer, people: list[PhotoFace]) -> None:
    for names in ((), ("landmarks",), ("parts",)):
        without, given = (faces(joint, people, *names, *more) for more in ((), ("like",)))
        assert alike(joint, people, given) > alike(joint, people, without)


def test_drawings_and_looks_bring_the_picture(joint: JointSynthesizer, people: list[PhotoFace]) -> None:
    drawn = faces(joint, people, "drawing", effect="pencil")
    assert apart(joint, people, drawn) < apart(joint, people, faces(joint, people, "landmarks"))
    looked = faces(joint, people, "landmarks", "like", "look")
    assert apart(joint, people, looked) < apart(joint, people, faces(joint, people, "landmarks", "like"))


def test_contradictions_are_faces(joint: JointSynthesizer, people: list[PhotoFace]) -> None:
    one, two, three, four = people[:4]
    for request in (
        {"drawing": one, "effect": "line", "landmarks": two, "like": three, "look": four},
        {"parts": one, "parsing": two, "landmarks": three},
        {"keep": one, "parts": two, "like": three},
        {"eyes": one, "mouth": two, "drawing": three, "effect": "pencil"},
    ):
        assert FaceReader().largest(joint(**request).picture) is not None
