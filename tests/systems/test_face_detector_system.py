"""The face detector: equations against closed forms, targets that decode to what they came from, and photos of any size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import systems
from likeness.card import Card
from likeness.data.store import FaceStore
from likeness.engine import Graph, Port, Weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.face_detector import STRIDE, FaceDetector, OwnBackend, apart, peaks
from likeness.faces.landmark_detector import LandmarkDetector, box_of, boxed
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.recipe import override
from likeness.systems.face_detector.objective import at_faces, focal_loss, objective
from likeness.systems.face_detector.recipes import lite, tiny
from likeness.systems.face_detector.system import FaceDetectorSystem, covered, matched, mosaic, placed, target
from likeness.train.loop import train


def store(count: int = 8) -> FaceStore:
    return FaceStore.of(drawn_faces(count, tiny().framing), tiny().framing, "drawn")


def test_equations() -> None:
    """(1): undecided at one face of four cells; near a face it costs less; (2), (3) only at faces."""
    logits, heat = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    heat[0, 0, 0] = 1
    one = 0.25 * math.log(2)  # (1 − ½)² ln 2, here and away alike
    assert float(focal_loss(logits, heat)) == pytest.approx(4 * one)
    heat[0, 0, 1] = 0.5
    assert float(focal_loss(logits, heat)) == pytest.approx((3 + 0.5**4) * one)
    assert float(focal_loss(logits, torch.zeros(1, 2, 2))) == pytest.approx(4 * one)  # no face: not divided by nothing
    here = (heat >= 1).float()
    assert float(at_faces(torch.full((1, 2, 2), 3.0), torch.ones(1, 2, 2), here)) == 2
    assert float(at_faces(torch.full((1, 2, 2, 2), 3.0), torch.ones(1, 2, 2, 2), here)) == 4
    terms = objective((logits, logits, torch.zeros(1, 2, 2, 2)), heat, logits, torch.zeros(1, 2, 2, 2), 0.1, 1.0)
    assert [(name, term.weight, term.equation) for name, term in terms.items()] == [
        ("points", 1.0, "(1)"),
        ("sizes", 0.1, "(3)"),
        ("offsets", 1.0, "(2)"),
    ]


def test_targets_decode_to_their_faces() -> None:
    squares = np.array([[20.3, 41.7, 30.0], [90.0, 100.5, 14.0]], np.float32)
    heat, sizes, offsets = (one[None] for one in target(squares, 16))
    assert int((heat == 1).sum()) == 2 and 0 < float(heat[0, 4, 2]) < 1
    inside = np.clip(heat, 1e-6, 1 - 1e-6)
    (found,) = peaks(np.log(inside / (1 - inside)), sizes, offsets, 0.9)
    found = found[found[:, 0].argsort()]
    assert np.allclose(found[:, :3], squares, atol=1e-3) and (found[:, 3] > 0.99).all()
    assert matched(found, squares) == 2 and matched(found[:1], squares) == 1
    assert matched(found + np.array([15, 0, 0, 0], np.float32), squares) == 0


def test_boxes_and_frames() -> None:
    """A face's box brings it to where the box of an aligned face is; sides are those of a square."""
    face = drawn_faces(1, Framing())[0]
    left, top, right, bottom = box_of(face.landmarks * 2 + 7)
    assert right - left == pytest.approx(bottom - top)
    moved = boxed((left, top, right, bottom), Framing())
    assert np.abs(moved.apply(face.landmarks * 2 + 7) - face.landmarks).max() < 6


def test_better_ones_stay() -> None:
    squares = np.array([[50, 50, 20, 0.6], [52, 50, 20, 0.9], [90, 50, 20, 0.5], [50, 50, 100, 0.7]], np.float32)
    assert apart(squares)[:, 3].tolist() == pytest.approx([0.9, 0.5])
    assert apart(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_mosaics() -> None:
    """Faces are where they are said to be: a dot at a face's middle is found there; covered ones are not said."""
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[30:33, 40:43] = 255
    face = np.array([41.0, 31.0, 16.0], np.float32)
    for size, turn in ((8.0, 0.0), (30.0, 20.0), (60.0, -25.0)):
        made, squares = placed(photo, face, 96, size, (50.0, 40.0), turn)
        assert squares.tolist() == [[50, 40, size]] and made.shape == (96, 96, 3)
        bright = np.argwhere(made[..., 0] >= 0.6 * made.max())[:, ::-1].mean(0)
        assert np.abs(bright - [50, 40]).max() < (0.6 if turn == 0 else 1.5)
    assert len(placed(photo, face, 96, 30.0, (120.0, 40.0), 0.0)[1]) == 0
    system = FaceDetectorSystem(tiny())
    table = system.table(store())
    photos, faces = table["photo"].permute(0, 2, 3, 1).numpy(), table["face"].numpy()
    counts = {len(mosaic(photos, faces, 0, tiny(), seed)[1]) for seed in range(40)}
    assert {0, 1} <= counts and max(counts) >= 3
    one, same = mosaic(photos, faces, 0, lite(), 5), mosaic(photos, faces, 0, lite(), 5)
    assert np.array_equal(one[0], same[0]) and np.array_equal(one[1], same[1])
    gone = covered(photos[0], faces[0])
    x, y, side = faces[0].astype(int)
    middle = np.s_[y - side // 4 : y + side // 4, x - side // 4 : x + side // 4]
    assert gone[middle].std((0, 1)).max() < 0.5 * photos[0][middle].std((0, 1)).max()


class Bright(Graph):
    """In the network's place: it says a face is wherever a cell is bright."""

    name = "detector"
    inputs = (Port("picture", ("batch", 3, "height", "width")),)
    outputs = tuple(Port(name, ("batch", "rows", "columns")) for name in ("logits", "sizes", "offsets"))

    def compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        count, _, height, width = feeds["picture"].shape
        cells = feeds["picture"].reshape(count, 3, height // STRIDE, STRIDE, width // STRIDE, STRIDE).mean((1, 3, 5))
        return [8 * cells, np.full_like(cells, math.log(4)), np.full((count, 2, *cells.shape[1:]), 0.5, np.float32)]


class Still(Graph):
    """In the landmark detector's place: all landmarks in the middle, but for one."""

    name = "detector"
    inputs = (Port("picture", ("batch", 3, 64, 64)),)
    outputs = (Port("landmarks", ("batch", 68, 2)),)

    def compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        return [np.repeat(drawn_faces(1, Framing(size=64))[0].landmarks[None] / 32 - 1, len(feeds["picture"]), 0)]


def opened(graph: Graph) -> Weights:
    return Weights(Path("none"), Card("none", {"framing": asdict(Framing(size=64))}, 0), {"detector": graph}, "", "none", {})


def test_photos_of_any_size() -> None:
    """Where a face is in a photo is told in the photo's pixels, whatever its shape; small photos are looked at once."""
    for height, width in ((160, 160), (97, 211), (700, 500), (40, 30)):
        photo = np.zeros((height, width, 3), np.uint8)
        y, x = height // 3, 2 * width // 3
        around = max(height, width) // 16
        photo[y - around : y + around, x - around : x + around] = 255
        found = FaceDetector(opened(Bright())).squares(photo)
        assert len(found) and np.abs(found[0, :2] - [x, y]).max() < max(height, width) / 10
    assert FaceDetector(opened(Bright())).squares(np.zeros((64, 64, 3), np.uint8)).shape == (0, 4)


def test_a_backend(samples: list[Path]) -> None:
    """In dlib's place: every square a face with its landmarks, of a photo and of nothing."""
    backend = OwnBackend(FaceDetector(opened(Bright())), LandmarkDetector(opened(Still())))
    photo = np.zeros((200, 200, 3), np.uint8)
    photo[60:120, 60:120] = 255
    faces = FaceReader(backend).faces(photo)
    assert faces and faces[0].landmarks.shape == (68, 2) and 0.4 <= faces[0].score <= 1
    assert FaceReader(backend).faces(np.zeros((64, 64, 3), np.uint8)) == []
    assert read(samples[0]).shape == (256, 256, 3)


def test_it_learns(tmp_path: Path) -> None:
    """Drawn faces in mosaics: after a minute's fraction most are found."""
    recipe = override(tiny(), ["training.batch=16", "many=0", "none=0.1", "colour=0", "blur=0", "grey=0", "turn=5", "least=0.5"])
    recipe = replace(
        recipe, training=replace(recipe.training, phases=(replace(recipe.training.phases[0], steps=240),), look=1000)
    )
    torch.manual_seed(0)
    system = FaceDetectorSystem(recipe)
    faces = store(20)
    table = system.table(faces)
    assert system.eval().measure(table)["recall"] < 0.2
    train(system, "face_detector", faces, tmp_path / "run")
    after = system.eval().measure(table)
    assert after["recall"] > 0.6 and after["false"] < 1
    model = systems.load(tmp_path / "run", "face_detector")
    results = model.make([model.prepare({"photo": face.image}) for face in faces.head(2)])
    assert all(result.picture.shape == (64, 64, 3) for result in results)
    assert all(len(face) == 4 and 0 <= face[3] <= 1 for result in results for face in result.made["faces"])


@pytest.mark.parametrize("count", [1, 2, 4, 5, 7])
def test_a_sheet_of_any_number(count: int) -> None:
    system = FaceDetectorSystem(tiny()).eval()
    assert system.show(system.table(store(count))).shape[2] == 3


def test_recipes_that_cannot_be() -> None:
    for setting in ("side=50", "least=0.9", "many=2", "turn=200", "width=1"):
        with pytest.raises(LikenessError, match=setting.split("=")[0]):
            override(tiny(), [setting])
    with pytest.raises(LikenessError, match="prepare --wide"):
        FaceDetectorSystem(lite()).table(store(1))
