"""The landmark detector: what it minimises, landmarks that move with their faces, and where it looks in a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.card import Card
from likeness.data.store import FaceStore
from likeness.engine import Graph, Port, Weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing, alignment
from likeness.faces.drawing import draw, drawn_faces
from likeness.faces.landmark_detector import LandmarkDetector, boxed
from likeness.faces.landmarks import MIRROR, eye_distance
from likeness.faces.reader import FaceReader, PhotoFace
from likeness.faces.variety import Variety
from likeness.image import read
from likeness.nn.dsnt import gaussian
from likeness.recipe import override
from likeness.systems.landmark_detector.objective import objective
from likeness.systems.landmark_detector.recipes import lite, tiny
from likeness.systems.landmark_detector.system import LandmarkDetectorSystem, scaled, varied
from likeness.train.loop import train


def test_objective() -> None:
    """(8): landmarks outside the picture cost nothing; the true heat map costs nothing."""
    true = torch.tensor([[[0.0, 0.0], [0.5, 0.5]]])
    points = true + torch.tensor([[[0.3, 0.4], [9.0, 9.0]]])
    maps = gaussian(true, 16, 16, 1.0)
    terms = objective(points, maps, true, torch.tensor([[1.0, 0.0]]), 1.0, 2.0)
    assert float(terms["distance"].value) == pytest.approx(0.5) and terms["divergence"].weight == 2.0
    assert float(terms["divergence"].value) == pytest.approx(0, abs=1e-6)
    assert set(objective(points, maps, true, torch.ones(1, 2), 1.0, 0.0)) == {"distance"}


def test_pixels() -> None:
    """The middle of the first pixel is (1/S − 1); the picture's edges are −1 and 1."""
    points = np.array([[0.0, 0.0], [-0.5, 63.5]], np.float32)
    assert scaled(points, 64).tolist() == [[1 / 64 - 1, 1 / 64 - 1], [-1, 1]]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 12])
def test_a_sheet_of_any_number(count: int) -> None:
    faces = FaceStore.of(drawn_faces(count, tiny().framing), tiny().framing, "drawn")
    system = LandmarkDetectorSystem(tiny()).eval()
    sheet = system.show(system.table(faces))
    assert sheet.shape[0] * sheet.shape[1] >= count * 128 * 128 and sheet.shape[2] == 3


def test_landmarks_move_with_their_face() -> None:
    """White dots at the landmarks of a black picture are where the moved landmarks say."""
    points = draw(3, 128)[1]
    moved = 0
    for seed in range(6):
        photo = np.zeros((128, 128, 3), np.uint8)
        for x, y in points[::9].round().astype(int):
            photo[y - 1 : y + 2, x - 1 : x + 2] = 255
        still = Variety(colour=0, grey=0, blur=0, hide=0, drawn=0, coarse=0)
        picture, found = varied(photo, points, still, seed)
        dots = list(range(0, 68, 9))
        names = [dots, [MIRROR[i] for i in dots]]  # in a mirrored picture the landmarks have each other's names
        lights = []
        for chosen in names:
            where = found[chosen].round().astype(int)
            where = where[((where > 1) & (where < 126)).all(1)]
            lights.append(min(picture[y, x, 0] for x, y in where))
        assert max(lights) > 60
        moved += int(np.abs(found - points).max() > 5)
    assert moved >= 5
    again, same = varied(photo, points, lite().variety, 7), varied(photo, points, lite().variety, 7)
    assert np.array_equal(again[0], same[0]) and np.array_equal(again[1], same[1])


def test_it_learns(tmp_path: Path) -> None:
    """Drawn faces as they are: from nowhere to a few pixels."""
    recipe = override(tiny(), ["variety.turn=10", "variety.scale=0.1", "variety.drawn=0", "training.look=1000"])
    faces = FaceStore.of(drawn_faces(40, recipe.framing), recipe.framing, "drawn")
    torch.manual_seed(0)
    system = LandmarkDetectorSystem(recipe)
    table = system.table(faces)
    before = system.eval().measure(table)
    from dataclasses import replace

    longer = replace(recipe, training=replace(recipe.training, phases=(replace(recipe.training.phases[0], steps=80),)))
    system.recipe = longer
    train(system, "landmark_detector", faces, tmp_path / "run")
    after = system.eval().measure(table)
    assert after["error"] < 0.35 * before["error"]
    model = systems.load(tmp_path / "run", "landmark_detector")
    read_before = [PhotoFace(face.name, face.image, face.landmarks) for face in faces.head(2)]
    results = model.make([model.prepare({"photo": face}) for face in read_before])
    for result, face in zip(results, read_before, strict=True):
        found = np.array(result.made["landmarks"])
        assert result.picture.shape == (64, 64, 3) and found.shape == (68, 2)
        assert np.linalg.norm(found - face.landmarks, axis=1).mean() < 0.3 * eye_distance(face.landmarks)


def test_recipes_that_cannot_be() -> None:
    for setting, word in (
        ("channels=10", "channels"),
        ("depth=5", "multiple of 128"),
        ("sigma=0", "sigma"),
        ("variety.hide=2", "hide"),
    ):
        with pytest.raises(LikenessError, match=word):
            override(tiny(), [setting])
    with pytest.raises(LikenessError, match="framed"):
        LandmarkDetectorSystem(tiny()).table(FaceStore.of(drawn_faces(1, Framing(size=128)), Framing(size=128), "drawn"))


class Knowing(Graph):
    """In the network's place: it knows where the landmarks of the framing's template face are, whatever it is shown."""

    def __init__(self, points: np.ndarray, size: int) -> None:
        self.name, self.points = "detector", scaled(points, size)
        self.inputs = (Port("picture", ("batch", 3, size, size)),)
        self.outputs = (Port("landmarks", ("batch", 68, 2)),)

    def compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        return [np.repeat(self.points[None], len(feeds["picture"]), 0)]


def test_points_come_back_to_the_photo(samples: list[Path]) -> None:
    """What is found in the frame is told in the photo's pixels; dlib's box frames the face nearly as its landmarks do."""
    photo, framing = read(samples[0]), Framing()
    face = FaceReader().face(photo, "ada")
    moved = alignment(face.landmarks, framing)
    card = Card("landmark_detector", {"framing": asdict(framing)}, 0)
    graph = Knowing(moved.apply(face.landmarks), framing.size)
    knowing = LandmarkDetector(Weights(Path("none"), card, {"detector": graph}, "", "none", {}))
    first = boxed(face.box, framing)
    assert abs(np.log(first.scale / moved.scale)) < np.log(1.25)
    apart = np.abs(first.apply(face.landmarks) - moved.apply(face.landmarks)).max() / framing.size
    assert apart < 0.12  # within what it is trained to bear
    # whatever it is shown, this network says where an aligned face's landmarks are: that place, told in the photo
    template = moved.apply(face.landmarks)
    once = knowing.locate(photo, face.box, looks=1)
    assert np.abs(once - first.inverse.apply(template)).max() < 0.03 * eye_distance(face.landmarks)
    twice = knowing.locate(photo, face.box)
    assert np.abs(twice - once).max() < 0.05 * eye_distance(face.landmarks)  # the second look frames what the first one found
    assert np.abs(knowing.framed([moved.warp(photo, 128, 128)])[0] - template).max() < 1
