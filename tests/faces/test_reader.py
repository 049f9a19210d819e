"""Finding faces with the real detector, on the synthetic sample faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from likeness.errors import LikenessError
from likeness.faces import inspection
from likeness.faces.align import Framing
from likeness.faces.average import average_face
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import eye_distance
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.records import Face


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    from likeness import assets
    from likeness.image import pictures_in

    return read(pictures_in(assets.SAMPLES)[0])


def scaled(picture: np.ndarray, ratio: float) -> np.ndarray:
    size = (round(picture.shape[1] * ratio), round(picture.shape[0] * ratio))
    return np.asarray(Pillow.fromarray(picture).resize(size, Pillow.Resampling.BICUBIC))


def test_every_sample_has_a_face(samples: list[Path]) -> None:
    assert len(samples) >= 4
    reader = FaceReader()
    for path in samples:
        face = reader.face(read(path), path.name)
        width = read(path).shape[1]
        assert 0.15 * width < eye_distance(face.landmarks) < 0.4 * width
        left, top, right, bottom = face.box
        assert -0.1 * width < left < right < 1.1 * width
        assert top < face.landmarks[:, 1].mean() < bottom


@pytest.mark.parametrize("ratio", [0.5, 1.7, 12.0])
def test_any_size(photo: np.ndarray, ratio: float) -> None:
    """The same landmarks, in pixels of the photo, whether it is small or has 3,000 pixels a side."""
    reader = FaceReader()
    base = reader.face(photo, "photo")
    other = reader.face(scaled(photo, ratio), "scaled")
    error = np.linalg.norm(other.landmarks / ratio - base.landmarks, axis=1).mean() / eye_distance(base.landmarks)
    assert error < 0.06


def test_several_faces(photo: np.ndarray) -> None:
    """The largest first; a number chooses; one that is not there is refused."""
    small = scaled(photo, 0.6)
    both = np.full((photo.shape[0], photo.shape[1] + small.shape[1], 3), 200, np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, small.shape[1] :] = photo
    reader = FaceReader()
    faces = reader.faces(both)
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    assert reader.face(both, "both").landmarks[:, 0].mean() > small.shape[1]
    assert reader.face(both, "both", 2).landmarks[:, 0].mean() < small.shape[1]
    with pytest.raises(LikenessError, match="no face 3; 2 faces were found"):
        reader.face(both, "both", 3)
    with pytest.raises(LikenessError, match="no face 0"):
        reader.face(both, "both", 0)


@pytest.mark.parametrize(
    ("height", "width", "said"), [(1, 1, "only 1×1"), (20, 300, "at least 32"), (200, 300, "no face was found")]
)
def test_no_face(height: int, width: int, said: str) -> None:
    with pytest.raises(LikenessError, match=said):
        FaceReader().face(np.full((height, width, 3), 90, np.uint8), "x.png")


def test_another_backend_takes_its_place(photo: np.ndarray) -> None:
    """The protocol is one method: anything that has it will do."""

    class Fixed:
        name = "fixed"

        def find(self, image: np.ndarray) -> list[Face]:
            points = drawn_faces(1, Framing(size=image.shape[0]))[0].landmarks
            return [Face((0.0, 0.0, 10.0, 10.0), points, 1.0)]

    image, landmarks, transform = FaceReader(Fixed()).aligned(photo, "x", Framing())
    assert image.shape == (128, 128, 3)
    np.testing.assert_allclose(transform.inverse.apply(landmarks)[0], Fixed().find(photo)[0].landmarks[0], atol=0.05)


def test_inspection_draws_what_it_found(photo: np.ndarray) -> None:
    faces = FaceReader().faces(photo)
    drawn = inspection.draw(photo, faces)
    assert drawn.shape[0] >= 600
    plain = inspection.draw(photo, [])
    assert 0.002 < (drawn != plain).any(-1).mean() < 0.2
    said = inspection.describe(faces[0])
    assert len(said["landmarks"]) == 68  # type: ignore[arg-type]
    assert abs(said["roll_degrees"]) < 12  # type: ignore[operator]


def test_average_face() -> None:
    faces = drawn_faces(5, Framing(size=32))
    image, points = average_face(faces)
    np.testing.assert_allclose(image, np.mean([face.image.astype(float) for face in faces], 0), atol=0.51)
    np.testing.assert_allclose(points, np.mean([face.landmarks for face in faces], 0), atol=1e-4)
    with pytest.raises(LikenessError):
        average_face([])


def test_all_faces_are_found_by_one_look(
    likeness: Callable[..., int], samples: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``parts --all`` searches a photo once, however many faces there are, and so does ``read_all``."""
    from likeness.faces.face_detector import OwnBackend

    looks: list[str] = []
    find, largest = OwnBackend.find, OwnBackend.largest
    monkeypatch.setattr(OwnBackend, "find", lambda self, photo: looks.append("find") or find(self, photo))
    monkeypatch.setattr(OwnBackend, "largest", lambda self, photo: looks.append("largest") or largest(self, photo))
    three = np.concatenate([read(path) for path in samples[:3]], 1)
    Pillow.fromarray(three).save(tmp_path / "three.png")
    assert likeness("parts", "three.png", "--all", "-o", "out.png") == 0
    assert looks == ["find"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-1.png", "out-2.png", "out-3.png", "three.png"]
    looks.clear()
    faces = FaceReader().read_all(three, "three.png")
    assert looks == ["find"] and [face.number for face in faces] == [1, 2, 3]
    alone = [FaceReader().read(three, "three.png", number) for number in (1, 2, 3)]
    for one, other in zip(faces, alone, strict=True):  # the same faces in the same order as when each is asked for
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1.0)
    looks.clear()
    assert likeness("parts", "three.png", "-o", "one.png") == 0
    assert looks == ["largest"]
