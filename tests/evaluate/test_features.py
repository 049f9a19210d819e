"""Crops for recognisers, and the named networks' features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from likeness.evaluate import features
from likeness.evaluate.features import ARCFACE, face_crop, similarity_to
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import five_points
from likeness.faces.reader import FaceReader
from likeness.image import read


def test_crops_for_recognisers() -> None:
    """The similarity is found exactly where there is one, and mirrored points do not make it flip."""
    source = np.array([[30, 40], [80, 44], [55, 70], [38, 95], [75, 97]], np.float32)
    angle, scale = 0.3, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity_to(source, (source @ turn.T + [5, -9]).astype(np.float32))
    np.testing.assert_allclose(matrix[:, :2], turn, atol=1e-5)
    np.testing.assert_allclose(matrix[:, 2], [5, -9], atol=1e-3)
    assert np.linalg.det(similarity_to(source, source * [-1, 1])[:, :2]) > 0
    face = drawn_faces(1, Framing())[0]
    crop = face_crop(face.image, face.landmarks)
    assert crop.shape == (112, 112, 3)
    placed = five_points(face.landmarks) @ similarity_to(five_points(face.landmarks), ARCFACE)[:, :2].T
    assert np.linalg.norm(placed - placed.mean(0) - ARCFACE + ARCFACE.mean(0), axis=1).max() < 6


def test_the_judge_knows_people(instruments: Path, shared: Path) -> None:
    """mobilefacenet_b on real photos: the same person is nearer than another, each time."""
    recogniser, reader = features.Recogniser(), FaceReader()

    def embed(person: str, number: int) -> np.ndarray:
        photo = read(shared / "data" / "lfw" / "images" / person / f"{person}_{number:04d}.jpg")
        return recogniser.embed([face_crop(photo, reader.face(photo, person).landmarks)])[0]

    people = ["Serena_Williams", "Winona_Ryder", "Hugo_Chavez", "Tony_Blair"]
    first, second = (np.stack([embed(person, number) for person in people]) for number in (1, 2))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    cosine = first @ second.T
    assert (cosine.diagonal() > 0.4).all()
    assert (cosine - 2 * np.eye(4)).max() < 0.35


def test_squeezenet_features(instruments: Path) -> None:
    """Real weights fit the layout; the same pictures give the same features in any batch."""
    network = features.SqueezeFeatures()
    images = np.stack([face.image for face in drawn_faces(5, Framing())])
    together = network.of_images(images)
    assert together.shape == (5, 512)
    assert (together >= 0).all() and together.std() > 0
    np.testing.assert_allclose(together, np.concatenate([network.of_images(image[None]) for image in images]), atol=1e-3)
